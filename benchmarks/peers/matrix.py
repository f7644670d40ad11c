"""Which cells are run: the standard comparison, its short form, and the whole cross product."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.peers.cell import Cell
from benchmarks.peers.policies import POLICIES
from benchmarks.peers.pools import ALGORITHMS, Algorithm
from benchmarks.peers.workloads import WORKLOADS

PROCESSES = (10, 1)
SUITABLE: dict[str, Algorithm] = {
    "burst": "sliding_window",  # Bedrock's way of counting, where the larger of the two models lives
    "research": "token_bucket",  # Groq's, where the five models live
    "outage": "token_bucket",
}
_QUICK = ("rota", "round-robin", "litellm-usage-redis")
FEW = (*_QUICK, "litellm-shuffle-redis", "boto3-standard", "boto3-adaptive", "groq-sdk")
"""One of each kind, LiteLLM by its default and by the tokens used, with the Redis that helps it."""


def standard(seed: int) -> Iterator[Cell]:
    """Every policy under overload with all ways of counting and on the burst, in 10 processes and in 1.

    Research and the outage have one of each kind: with hundreds of retries a call, LiteLLM's cells need so much
    processor time there that only one can run at a time.
    """
    for algorithm in ALGORITHMS:
        yield from _row("overload", algorithm, 10, seed)
    yield from _row("burst", SUITABLE["burst"], 10, seed)
    for workload in ("research", "outage"):
        yield from (cell for cell in _row(workload, SUITABLE[workload], 10, seed) if cell.policy in FEW)
    # A single process has nobody to share a Redis with.
    yield from (cell for cell in _row("burst", SUITABLE["burst"], 1, seed) if not POLICIES[cell.policy].redis)


def quick(seed: int) -> Iterator[Cell]:
    """Three policies on the burst: five minutes."""
    for policy in _QUICK:
        yield Cell(policy, "burst", SUITABLE["burst"], 10, seed)


def full(seed: int) -> Iterator[Cell]:
    """The whole cross product: several hours."""
    for workload in WORKLOADS:
        for algorithm in ALGORITHMS:
            for processes in PROCESSES:
                yield from _row(workload, algorithm, processes, seed)


def _row(workload: str, algorithm: Algorithm, processes: int, seed: int) -> Iterator[Cell]:
    for policy in POLICIES:
        yield Cell(policy, workload, algorithm, processes, seed)
