"""A job as it changes: a version for `If-None-Match`, and the wait for the next one that `Prefer: wait=…` asks for.

A client that holds a version and waits is answered at the next change, not at its next poll (RFC 7232, RFC 7240).
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import astuple

from rota.job_item import Job

LONGEST_WAIT_S = 20
"""Below the 30 s after which an HTTP API gives up, and the function's own 29 s."""

LOOK_EVERY_S = 0.5
"""A look is one read of the job's item; somebody who waits sees a change after half of this on average."""

_WAIT = re.compile(r"(?:^|[,;\s])wait=(\d{1,4})(?:$|[,;\s])")


def version(job: Job) -> str:
    """An entity tag of everything that is shown of a job; it changes with every counter."""
    seen = json.dumps(astuple(job), sort_keys=True, default=dict)
    return f'"{hashlib.sha256(seen.encode()).hexdigest()[:20]}"'


def wait_s(headers: Mapping[str, str]) -> int:
    """How long the caller prefers to wait for a change, at most LONGEST_WAIT_S; 0 when it does not say."""
    found = _WAIT.search(headers.get("prefer", ""))
    return min(int(found[1]), LONGEST_WAIT_S) if found else 0


def await_change(read: Callable[[], Job], known: str, longest_s: float) -> Job:
    """The job as soon as its version is not among `known` (`If-None-Match`: one tag, several, or empty), or after
    `longest_s`."""
    until = time.monotonic() + longest_s
    job = read()
    while is_known(job, known) and not job.is_finished and time.monotonic() + LOOK_EVERY_S <= until:
        time.sleep(LOOK_EVERY_S)
        job = read()
    return job


def is_known(job: Job, known: str) -> bool:
    """Whether the caller has this version already."""
    return version(job) in {tag.strip().removeprefix("W/") for tag in known.split(",")}
