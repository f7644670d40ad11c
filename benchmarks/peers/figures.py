"""The figures of one cell, from what its vendors counted and its workers noted."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from statistics import fmean, median
from typing import Any

from benchmarks.peers.bounds import ideal_starts_s
from benchmarks.peers.pools import POOLS
from benchmarks.peers.workloads import WORKLOADS


@dataclass(frozen=True)
class Figures:
    """`served` and `asked` in tokens; ratios are plain numbers, waits seconds, None where a figure makes no sense.

    served_share  tokens that the vendors counted ÷ tokens that the quotas allowed until the run's end
    finished      share of the calls that were answered
    refusals      refusals by the vendors for quota, per answered call
    failures      answers of 5xx, per answered call
    makespan      start of the last call ÷ the bound of `bounds`; None when not everything was answered
    wait          from asking to the start of the answering attempt; an unanswered call waits until the run's end
    large_wait    mean wait of the largest quarter of the calls ÷ that of the rest: above 2, large calls starve
    held          seconds that a thread was held per answered call
    resubmitted   calls that a policy gave up and was given again
    cut_short     share of the answers that were cut short, because the policy allowed less output than it was asked for
    cpu_ms        of the workers, without imports and building clients, per answered call
    rss_mb        peak of the largest worker
    """

    served_share: float
    finished: float
    refusals: float
    failures: float
    makespan: float | None
    wait_p50_s: float
    wait_p95_s: float
    large_wait: float
    held_s: float
    resubmitted: float
    cut_short: float
    cpu_ms: float
    rss_mb: float


def figures(cell: Mapping[str, Any]) -> Figures:
    """Of one cell as `cell.run` returned it."""
    vendors, workers, calls = cell["vendors"].values(), cell["workers"], cell["calls"]
    answered = sum(started is not None for started in calls["started_s"])
    per_call = 1 / max(1, answered)
    finished = answered / len(calls["started_s"])
    waits = sorted(waits_s(cell).values())
    return Figures(
        served_share=sum(model["used_tokens"] for model in vendors) / cell["tokens_allowed"],
        finished=finished,
        refusals=sum(model["refusals"] for model in vendors) * per_call,
        failures=sum(sum(model["faults"].values()) for model in vendors) * per_call,
        makespan=cell["run_s"] / cell["bound_s"] if finished == 1 and cell["bound_s"] else None,
        wait_p50_s=quantile(waits, 0.5),
        wait_p95_s=quantile(waits, 0.95),
        large_wait=_large_wait(cell),
        held_s=sum(worker["held_s"] for worker in workers) * per_call,
        resubmitted=sum(calls["resubmitted"]) * per_call,
        cut_short=_cut_short(cell) * per_call,
        cpu_ms=sum(worker["cpu_s"] for worker in workers) * per_call * 1000,
        rss_mb=max(worker["rss_mb"] for worker in workers),
    )


def waits_s(cell: Mapping[str, Any]) -> dict[int, float]:
    """The wait of every call that was asked for, by its number."""
    calls = cell["calls"]
    end_s = max(cell["run_s"], cell["cut_s"] if None in calls["started_s"] else 0.0)
    pairs = zip(calls["asked_s"], calls["started_s"], strict=True)
    return {
        index: max(0.0, (end_s if started is None else started) - asked)
        for index, (asked, started) in enumerate(pairs)
        if asked is not None
    }


def ideal_waits_s(cell: Mapping[str, Any]) -> list[float]:
    """What every call would have waited in the ideal queue of `bounds`, or until the run was cut off."""
    workload = WORKLOADS[cell["workload"]](cell["seed"])
    starts = ideal_starts_s(workload.requests, POOLS[workload.pool], cell["algorithm"], cell["phase_s"])
    return [min(start, cell["cut_s"]) - request.at_s for start, request in zip(starts, workload.requests, strict=True)]


def _cut_short(cell: Mapping[str, Any]) -> int:
    requests = WORKLOADS[cell["workload"]](cell["seed"]).requests
    answers = zip(cell["calls"]["tokens"], requests, strict=True)
    return sum(tokens is not None and tokens < request.tokens for tokens, request in answers)


def _large_wait(cell: Mapping[str, Any]) -> float:
    requests = WORKLOADS[cell["workload"]](cell["seed"]).requests
    waits = waits_s(cell)
    by_size = sorted(waits, key=lambda index: requests[index].tokens)
    rest, large = by_size[: len(by_size) * 3 // 4], by_size[len(by_size) * 3 // 4 :]
    if not rest or not large:
        return 1.0
    return fmean(waits[index] for index in large) / max(0.1, fmean(waits[index] for index in rest))


def quantile(ascending: Sequence[float], share: float) -> float:
    """The smallest value that so large a share does not exceed."""
    return ascending[max(0, math.ceil(share * len(ascending)) - 1)] if ascending else 0.0


def middle(several: Sequence[Figures]) -> Figures:
    """The median of each figure over several seeds; a makespan needs every run to have finished."""
    values: dict[str, Any] = {}
    for field in fields(Figures):
        column = [getattr(one, field.name) for one in several]
        values[field.name] = None if None in column else median(column)
    return Figures(**values)


def served_per(cell: Mapping[str, Any], step_s: float) -> list[float]:
    """Tokens by the moment their call started at the vendor, per step of that many seconds."""
    calls = cell["calls"]
    steps = [0.0] * max(1, math.ceil(cell["run_s"] / step_s))
    for started, tokens in zip(calls["started_s"], calls["tokens"], strict=True):
        if started is not None and started <= cell["run_s"]:
            steps[min(len(steps) - 1, int(max(0.0, started) / step_s))] += tokens
    return steps
