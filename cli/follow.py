"""Follows a job to its end, drawing what it sees, and says how it ended."""

from __future__ import annotations

import json
import sys
import time
from typing import Any, Protocol, Self

from cli.api import Api
from cli.errors import FAILED, INTERRUPTED
from cli.report import print_job

FINISHED = ("done", "failed", "stopped")
LOOK_EVERY_S = 0.5
"""At most so often, however fast a job changes."""
WAIT_S = 2
"""How long the API is to wait for a change: the meters of the models are drawn anew after this in any case."""
MODELS_EVERY = 2
"""The pool is asked for once in so many looks: it changes more slowly than the job, and costs a read per model."""
FINDINGS = 3
"""Statements to be shown before there is an answer."""


class View(Protocol):
    """Something that draws a job's progress."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *exception: object) -> None: ...

    def show(self, job: dict[str, Any], models: list[dict[str, Any]]) -> None:
        """Draw the job (`GET /v1/jobs/{id}`) and the pool (`GET /v1/models`) as they are now."""


def watch_and_report(api: Api, job_id: str, *, as_json: bool) -> int:
    """Watch until the job ends, print its answer, and return the exit code. Ctrl-C ends the watching only."""
    try:
        with _view() as view:
            job = follow(api, job_id, view)
    except KeyboardInterrupt:
        print(
            f"\nStopped watching; job {job_id} goes on.\n"
            f"  rota show {job_id} --watch    watch it again\n"
            f"  rota stop {job_id}            stop it",
            file=sys.stderr,
        )
        return INTERRUPTED
    return report(job, api, as_json=as_json)


def follow(api: Api, job_id: str, view: View) -> dict[str, Any]:
    """Look at every change until the job is finished; returns it."""
    models: list[dict[str, Any]] = []
    looks, tag = 0, ""
    job: dict[str, Any] = {}
    while True:
        changed, tag = api.changed(f"jobs/{job_id}?findings={FINDINGS}", tag, WAIT_S)
        job = changed or job
        if looks % MODELS_EVERY == 0:
            models = api.get("models")["data"]
        view.show(job, models)
        if job["status"] in FINISHED:
            return job
        looks += 1
        time.sleep(LOOK_EVERY_S)


def report(job: dict[str, Any], api: Api, *, as_json: bool) -> int:
    """Print a finished job; 0 only if it was done."""
    if as_json:
        print(json.dumps(job, indent=2, ensure_ascii=False))
    else:
        print_job(job, api.get("models")["data"])
    return 0 if job["status"] == "done" else FAILED


def _view() -> View:
    """Live meters on a terminal, lines elsewhere; always on standard error, which leaves the output to the answer."""
    if sys.stderr.isatty():
        from cli.live import LiveView

        return LiveView()
    from cli.lines import LineView

    return LineView(sys.stderr)
