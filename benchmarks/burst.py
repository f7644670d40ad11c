"""A burst through the deployed local stack: many documents on two models, beside the bound that their quotas set.

Run: python -m benchmarks.burst [--documents 120]        (takes real minutes: the simulated quotas are per real minute)

A first job without models warms the functions: the emulator starts its copies one after the other, where AWS starts
them side by side. The pool is examples/two-models.yaml: 100,000 and 60,000 tokens a minute. Each document has about
2,700 tokens and makes one batch. A window admits its quota at once and again every 60 s, so the bound for T tokens on
Q a minute is (ceil(T / Q) - 1) * 60 s, whatever the scheduler; T is what the vendors counted in the end.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import urllib3

from cli.api import Api
from cli.target import Target
from local import stack
from local.aws import local_session
from local.state import ROOT, State

CONFIG = ROOT / "examples" / "two-models.yaml"
QUOTA = 160_000
TOPICS = ("billing", "storage", "the scheduler", "the gateway", "backups", "search", "quotas", "the mail queue")
TARGET = 1.25
CHARACTERS = 10_800
"""Of a document: about 2,700 tokens, as the simulated vendors count them (4 characters each)."""


def document(number: int) -> str:
    """A report of about 2,700 tokens, the same for the same number."""
    rnd = random.Random(number)
    lines = [f"# Report {number}: {rnd.choice(TOPICS)}", ""]
    while sum(map(len, lines)) < CHARACTERS:
        lines.append(
            f"In week {rnd.randint(1, 52)} the team for {rnd.choice(TOPICS)} handled {rnd.randint(10, 9000)} requests, "
            f"of which {rnd.randint(1, 99)} per cent needed a second look because {rnd.choice(TOPICS)} was slow."
        )
    return "\n".join(lines)


def follow(api: Api, job_id: str) -> dict[str, Any]:
    """Wait for the job's end, with a line every ten seconds."""
    began, told = time.monotonic(), -10.0
    while True:
        job = api.get(f"jobs/{job_id}")
        elapsed, progress = time.monotonic() - began, job["progress"]
        if elapsed - told >= 10:
            batches = f"{progress['batches_done']} of {progress['batches_total']} batches"
            print(f"{elapsed:6.0f} s  {job['status']:12} {batches}", flush=True)
            told = elapsed
        if job["status"] in ("done", "failed", "stopped"):
            return job
        time.sleep(0.5)


def main() -> None:
    """Start a stack of its own, run the job, print makespan, bound and refusals."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=120)
    options = parser.parse_args()
    os.environ["ROTA_CONFIG"] = str(CONFIG)
    with tempfile.TemporaryDirectory(prefix="rota-burst-") as folder:
        state = stack.up(Path(folder), say=print, simulate_all=True, tied=True)
        try:
            report(state, options.documents)
        finally:
            stack.down(Path(folder))


def report(state: State, documents: int) -> None:
    """Run the job and print its figures beside the vendors' own statistics."""
    s3, api = local_session().client("s3", endpoint_url=state.endpoint), Api(Target(state.api_url, state.key))
    for number in range(documents):
        key = f"library/burst/{number:04d}.md"
        s3.put_object(Bucket=state.outputs["DocumentsBucket"], Key=key, Body=document(number).encode())
    body = {"query": "Which teams were slow, and why?", "sources": [{"type": "s3", "prefix": "library/burst/"}]}
    follow(api, api.post("jobs", {**body, "options": {"mode": "extractive"}})["job_id"])
    job = follow(api, api.post("jobs", body)["job_id"])
    vendors = urllib3.request("GET", f"http://127.0.0.1:{state.ports['simulated']}/_simulated/stats").json()["models"]
    usage = job["usage"]
    tokens = usage["input_tokens"] + usage["output_tokens"]
    bound_s = (math.ceil(tokens / QUOTA) - 1) * 60
    took_s = (job["finished_ms"] - job["created_ms"]) / 1000
    print(f"\n{documents} documents, {usage['calls']} calls, {tokens:,} tokens on {QUOTA:,} a minute: {job['status']}")
    print(f"makespan {took_s:.1f} s, bound {bound_s} s: {took_s / max(1, bound_s):.2f} × (target {TARGET} ×)")
    print(f"coverage {job['coverage']['sentence']}; fallbacks {usage['fallbacks']}; refusals {usage['refusals']}")
    for name, seen in vendors.items():
        print(
            f"{name:10} {seen['calls']} calls, {seen['refusals']} refused, "
            f"at most {seen['max_tokens_60s']:,} tokens in any 60 s, {seen['concurrent_peak']} calls at once"
        )
    print(f"summarize_batch: at most {peak_mb('summarize_batch'):.0f} MB of its 512 MB in any process")


def peak_mb(function: str) -> float:
    """The largest peak of memory among the emulator's live processes of a function."""
    peaks = [0]
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended meanwhile, or belongs to somebody else
            if f"AWS_LAMBDA_FUNCTION_NAME=rota-local-{function}".encode() in (process / "environ").read_bytes():
                status = (process / "status").read_text()
                peaks += [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")]
    return max(peaks) / 1024


if __name__ == "__main__":
    main()
