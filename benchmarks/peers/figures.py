"""The figures of one cell, from what its vendors counted and its workers noted."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from statistics import median
from typing import Any


@dataclass(frozen=True)
class Figures:
    """`served` and `asked` in tokens; ratios are plain numbers, waits seconds, None where a figure makes no sense.

    served_share  tokens that the vendors counted ÷ tokens that the quotas allowed until the run's end
    finished      share of the calls that were answered
    refusals      refusals by the vendors for quota, per answered call
    failures      answers of 5xx, per answered call
    makespan      start of the last call ÷ the bound of `bounds`; None when not everything was answered
    wait          from asking to the start of the answering attempt; an unanswered call waits until the run's end
    held          seconds that a thread was held per answered call
    resubmitted   calls that a policy gave up and was given again
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
    held_s: float
    resubmitted: float
    cpu_ms: float
    rss_mb: float


def figures(cell: Mapping[str, Any]) -> Figures:
    """Of one cell as `cell.run` returned it."""
    vendors, workers, calls = cell["vendors"].values(), cell["workers"], cell["calls"]
    answered = sum(started is not None for started in calls["started_s"])
    per_call = 1 / max(1, answered)
    finished = answered / len(calls["started_s"])
    waits = waits_s(cell)
    return Figures(
        served_share=sum(model["used_tokens"] for model in vendors) / cell["tokens_allowed"],
        finished=finished,
        refusals=sum(model["refusals"] for model in vendors) * per_call,
        failures=sum(sum(model["faults"].values()) for model in vendors) * per_call,
        makespan=cell["run_s"] / cell["bound_s"] if finished == 1 and cell["bound_s"] else None,
        wait_p50_s=quantile(waits, 0.5),
        wait_p95_s=quantile(waits, 0.95),
        held_s=sum(worker["held_s"] for worker in workers) * per_call,
        resubmitted=sum(calls["resubmitted"]) * per_call,
        cpu_ms=sum(worker["cpu_s"] for worker in workers) * per_call * 1000,
        rss_mb=max(worker["rss_mb"] for worker in workers),
    )


def waits_s(cell: Mapping[str, Any]) -> list[float]:
    """The wait of every call that was asked for, ascending."""
    calls = cell["calls"]
    end_s = max(cell["run_s"], cell["cut_s"] if None in calls["started_s"] else 0.0)
    pairs = zip(calls["asked_s"], calls["started_s"], strict=True)
    return sorted(
        max(0.0, (end_s if started is None else started) - asked) for asked, started in pairs if asked is not None
    )


def quantile(ascending: Sequence[float], share: float) -> float:
    """The smallest value that so large a share does not exceed."""
    return ascending[max(0, math.ceil(share * len(ascending)) - 1)] if ascending else 0.0


def middle(several: Sequence[Figures]) -> Figures:
    """The median of each figure over several seeds; a makespan needs every run to have finished."""
    values = {}
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
