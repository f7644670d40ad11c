"""The orchestrator's own cost: a burst, and jobs that keep coming, through the deployed local stack, beside the bounds.

Run: python -m benchmarks.end_to_end [--workload burst|sustained] [--documents 300] [--minutes 3] [--at-once 16]

It takes real minutes: the simulated quotas are per real minute. Step Functions, Lambda, DynamoDB, S3 and IAM are the
emulator's. A first job without models warms the functions: the emulator starts its copies one after the other, where
AWS starts them side by side.

burst       one job over all documents on examples/two-models.yaml: windows of 100,000 and 60,000 tokens a minute
sustained   jobs of 40 documents that arrive by chance for some minutes, half as many tokens again as
            examples/five-models.yaml has for pages: buckets of 364,000 a minute together

Each document has about 2,700 tokens and makes one batch. T tokens on Q a minute take at least (T / Q - 1) minutes, as
Q is there at the beginning. A window, once spent, is refilled only a minute later, hence in steps: at least
(ceil(T / Q) - 1) minutes, whatever the scheduler. T is what the vendors counted in the end, synthesis included.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3

from benchmarks.children import split
from cli.api import Api
from cli.target import Target
from local import stack
from local.aws import local_session
from local.state import ROOT, State
from rota.catalog_file import load_catalog

TOPICS = ("billing", "storage", "the scheduler", "the gateway", "backups", "search", "quotas", "the mail queue")
TARGET = 1.15
CHARACTERS = 10_800
"""Of a document: about 2,700 tokens, as the simulated vendors count them (4 characters each)."""
TOKENS_A_BATCH = 3_300
"""What a document's batch takes of a quota, prompt and notes included."""
WARMING = 32
"""Documents of the job that warms the functions."""
JOB_DOCUMENTS = 40
"""Of each job of the sustained workload."""
OVERLOAD = 1.5
POLL_S = 2.0
QUERY = "Which teams were slow, and why?"
STATES = {
    "GatherDocuments": "gathering",
    "PlanJob": "planning",
    "SummarizeBatches": "summaries",
    "SynthesizeSummaries": "synthesis",
    "WriteAnswer": "answer",
}
"""The states that begin a step, and what it is called."""
FINISHED = ("done", "failed", "stopped")


@dataclass(frozen=True, slots=True)
class Workload:
    """A pool file, which of its models the batches use, and whether their quotas come back in steps."""

    config: Path
    models: Sequence[str]
    in_steps: bool

    @property
    def quota(self) -> int:
        """Tokens a minute of these models together."""
        catalog = load_catalog(self.config)
        return sum(limit.amount for name in self.models for limit in catalog.model(name).limits if limit.kind == "tpm")


WORKLOADS = {
    "burst": Workload(ROOT / "examples/two-models.yaml", ("nova-pro", "llama-3"), in_steps=True),
    "sustained": Workload(
        ROOT / "examples/five-models.yaml",
        ("llama-3.3-70b", "llama-3.1-8b", "mixtral-8x7b", "llama-3.2-11b-vision", "gemma2-9b"),
        in_steps=False,
    ),
}


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


class Bench:
    """A running stack with documents in it; starts jobs and follows them."""

    def __init__(self, state: State) -> None:
        self.state = state
        self._api = Api(Target(state.api_url, state.key))
        self._s3 = local_session().client("s3", endpoint_url=state.endpoint)

    def put(self, folder: str, numbers: Sequence[int]) -> None:
        """Write documents below `library/<folder>/`."""
        for number in numbers:
            self.put_object(f"library/{folder}/{number:04d}.md", document(number).encode())

    def put_object(self, key: str, data: bytes) -> None:
        """Write one object into the documents bucket."""
        self._s3.put_object(Bucket=self.state.outputs["DocumentsBucket"], Key=key, Body=data)

    def start(self, folder: str, query: str = QUERY, **options: Any) -> str:
        """Start a job over a folder's documents; its id."""
        body = {"query": query, "sources": [{"type": "s3", "prefix": f"library/{folder}/"}], "options": options}
        return str(self._api.post("jobs", body)["job_id"])

    def follow(self, job_ids: Sequence[str], poll_s: float = POLL_S) -> list[dict[str, Any]]:
        """Wait for the jobs' ends, with a line every ten seconds."""
        began, told = time.monotonic(), -10.0
        jobs = {job_id: self._api.get(f"jobs/{job_id}") for job_id in job_ids}
        while open_ids := [job_id for job_id, job in jobs.items() if job["status"] not in FINISHED]:
            if time.monotonic() - began - told >= 10:
                told = time.monotonic() - began
                counts = [job["progress"] for job in jobs.values()]
                done, total = sum(c["batches_done"] for c in counts), sum(c["batches_total"] for c in counts)
                print(f"{told:6.0f} s  {len(open_ids)} jobs open, {done} of {total} batches", flush=True)
            time.sleep(poll_s)
            jobs |= {job_id: self._api.get(f"jobs/{job_id}") for job_id in open_ids}
        return list(jobs.values())

    def allow(self, at_once: int) -> None:
        """Let the Maps of new executions have so many children under way, in place of the stage's number."""
        machine = local_session().client("stepfunctions", endpoint_url=self.state.endpoint)
        arn = self.state.outputs["WorkflowArn"]
        definition = json.loads(machine.describe_state_machine(stateMachineArn=arn)["definition"])
        for each in definition["States"].values():
            if each["Type"] == "Map":
                each["MaxConcurrency"] = at_once
        machine.update_state_machine(stateMachineArn=arn, definition=json.dumps(definition))

    def vendors(self) -> dict[str, Any]:
        """The vendors' own statistics by model."""
        url = f"http://127.0.0.1:{self.state.ports['simulated']}/_simulated/stats"
        return dict(urllib3.request("GET", url).json()["models"])


@contextmanager
def running(config: Path) -> Iterator[Bench]:
    """A stack of its own with this pool file."""
    os.environ["ROTA_CONFIG"] = str(config)
    with tempfile.TemporaryDirectory(prefix="rota-end-to-end-") as folder:
        state = stack.up(Path(folder), say=print, simulate_all=True, tied=True)
        try:
            yield Bench(state)
        finally:
            stack.down(Path(folder))


def warm(bench: Bench) -> None:
    """Start as many copies of the functions as will be needed, without spending a token."""
    bench.put("warm", range(WARMING))
    bench.follow([bench.start("warm", mode="extractive")], poll_s=0.5)


def burst(bench: Bench, documents: int) -> list[dict[str, Any]]:
    """One job over all documents."""
    bench.put("burst", range(documents))
    return bench.follow([bench.start("burst")])


def sustained(bench: Bench, minutes: float, quota: int) -> list[dict[str, Any]]:
    """Jobs that know nothing of each other (Poisson), for that long."""
    bench.put("sustained", range(JOB_DOCUMENTS))
    rate_per_s = OVERLOAD * quota / 60 / (JOB_DOCUMENTS * TOKENS_A_BATCH)
    rnd, began, job_ids, at_s = random.Random(1), time.monotonic(), [], 0.0
    while at_s < minutes * 60:
        time.sleep(max(0.0, began + at_s - time.monotonic()))
        job_ids.append(bench.start("sustained"))
        print(f"{time.monotonic() - began:6.0f} s  job {len(job_ids)} has arrived", flush=True)
        at_s += rnd.expovariate(rate_per_s)
    return bench.follow(job_ids, poll_s=5)


def report(bench: Bench, workload: Workload, jobs: Sequence[dict[str, Any]]) -> None:
    """Print the jobs' figures beside the vendors' own statistics."""
    vendors, quota = bench.vendors(), workload.quota
    tokens = sum(vendors[model]["used_tokens"] for model in workload.models)
    took_s = (max(job["finished_ms"] for job in jobs) - min(job["created_ms"] for job in jobs)) / 1000
    calls = sum(job["usage"]["calls"] for job in jobs)
    statuses = ", ".join(sorted({job["status"] for job in jobs}))
    print(f"\n{len(jobs)} jobs, {calls} calls, {tokens:,} tokens on {quota:,} a minute: {statuses}")
    bounds = {"fluid": (tokens / quota - 1) * 60}
    if workload.in_steps:
        bounds["in steps of a window"] = (math.ceil(tokens / quota) - 1) * 60
    for name, bound_s in bounds.items():
        print(f"makespan {took_s:.1f} s, bound {name} {bound_s:.1f} s: {took_s / max(1, bound_s):.2f} × ({TARGET} ×)")
    read, documents = (sum(job["coverage"][name] for job in jobs) for name in ("read", "documents"))
    fallbacks, refusals = (sum(job["usage"][name] for job in jobs) for name in ("fallbacks", "refusals"))
    print("; ".join(f"{name} {seconds:.1f} s" for name, seconds in phases(bench.state, jobs).items()) + ", means")
    print(f"coverage {read} of {documents} documents; fallbacks {fallbacks}; refusals {refusals}")
    for name, seen in vendors.items():
        minutes = " ".join(f"{used / 1000:.0f}k" for used in seen["tokens_per_window"].values())
        print(
            f"{name:20} {seen['calls']} calls, {seen['refusals']} refused, at most {seen['max_tokens_60s']:,} tokens "
            f"in any 60 s, {seen['concurrent_peak']} calls at once; by the vendor's minute {minutes}"
        )
    print(f"summarize_batch: at most {peak_mb('summarize_batch'):.0f} MB of its 512 MB in any process\n")
    print("\n".join(split(bench.state, [job["job_id"] for job in jobs]).lines()))


def phases(state: State, jobs: Sequence[dict[str, Any]]) -> dict[str, float]:
    """How long the steps of a job took, in seconds, means over the jobs."""
    machine = local_session().client("stepfunctions", endpoint_url=state.endpoint)
    found: dict[str, list[float]] = {}
    for job in jobs:
        arn = f"{state.outputs['WorkflowArn'].replace(':stateMachine:', ':execution:', 1)}:{job['job_id']}"
        begun: dict[str, float] = {}
        for event in machine.get_execution_history(executionArn=arn, maxResults=1000)["events"]:
            name = event.get("stateEnteredEventDetails", {}).get("name")
            if name in STATES:
                begun.setdefault(name, event["timestamp"].timestamp())
        ends = [*list(begun.values())[1:], job["finished_ms"] / 1000]
        for (name, start), end in zip(begun.items(), ends, strict=True):
            found.setdefault(STATES[name], []).append(end - start)
    return {name: sum(seconds) / len(seconds) for name, seconds in found.items()}


def peak_mb(function: str) -> float:
    """The largest peak of memory among the emulator's live processes of a function."""
    peaks = [0]
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended meanwhile, or belongs to somebody else
            if f"AWS_LAMBDA_FUNCTION_NAME=rota-local-{function}".encode() in (process / "environ").read_bytes():
                status = (process / "status").read_text()
                peaks += [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")]
    return max(peaks) / 1024


def main() -> None:
    """Start a stack, run the workload, print makespan, bounds, refusals and where the time went."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workload", choices=WORKLOADS, default="burst")
    parser.add_argument("--documents", type=int, default=300, help="of the burst (default: 300)")
    parser.add_argument("--minutes", type=float, default=3, help="of arrivals in the sustained workload (default: 3)")
    parser.add_argument("--at-once", type=int, help="children of a Map under way at once (default: the stage's)")
    options = parser.parse_args()
    workload = WORKLOADS[options.workload]
    with running(workload.config) as bench:
        if options.at_once:
            bench.allow(options.at_once)
        warm(bench)
        if options.workload == "burst":
            jobs = burst(bench, options.documents)
        else:
            jobs = sustained(bench, options.minutes, workload.quota)
        report(bench, workload, jobs)


if __name__ == "__main__":
    main()
