"""The estimate of a whole job: its work rehearsed, and counted by step and by model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from rota.estimate import JobEstimate, Load, ModelShare, StepEstimate
from rota.money import NANO
from rota.planning.rehearsal import Rehearsal, Rehearsed
from rota.planning.stage_run import USUAL, Overheads
from rota.planning.work import Outlook, stages

AT_ONCE = 100
"""Calls of a stage under way at once where nobody says otherwise: `map_concurrency` of a stage on AWS."""

AROUND_S = 1.0
"""What a stage takes beside its calls."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """When a job is estimated, how many children a Map may have at once, and what surrounds a call."""

    now_ms: int
    at_once: int = AT_ONCE
    overheads: Overheads = USUAL


def forecast(
    outlook: Outlook,
    loads: Sequence[Load],
    documents: int,
    around: Circumstances,
    before: Sequence[StepEstimate] = (),
) -> JobEstimate:
    """What the job of `documents` documents in batches `loads` will take from `around.now_ms` on.

    `before` are steps that are done already (the plan): their calls, tokens and costs count, their time does not. A
    job without models takes the time of its children's own work.
    """
    rehearsal = Rehearsal(outlook.catalog, outlook.accounts, around.now_ms, around.at_once, around.overheads)
    written = sum(load.calls for load in loads if load.written)
    rehearsal.wait(_children_s(written, around))
    went: list[Rehearsed] = []
    steps = list(before)
    for number, stage in enumerate(stages(outlook, loads), start=1):
        done = rehearsal.run(stage)
        went += done
        names = dict.fromkeys(each.work.step for each in done)
        steps += [_step(number, [each for each in done if each.work.step == name]) for name in names]
    batches = sum(load.calls for load in loads)
    eta_s = max((each.end_s for each in went), default=_without_models_s(batches, around))
    return JobEstimate(
        documents=documents,
        batches=batches,
        written=written,
        calls=sum(step.calls for step in steps),
        input_tokens=sum(step.input_tokens for step in steps),
        output_tokens=sum(step.output_tokens for step in steps),
        max_output_tokens=sum(each.work.calls * each.work.request.max_output_tokens for each in went),
        cost_usd=round(sum(step.cost_usd for step in steps), 6),
        held_usd=round(max((_held_nanousd(each, around.at_once) for each in went), default=0.0) / NANO, 6),
        eta_s=round(eta_s, 1),
        models=_together(step.models for step in steps),
        steps=steps,
    )


def latest_starts(estimate: JobEstimate, deadline_s: float) -> dict[str, int]:
    """By step, seconds after which a call of it would come too late for what follows to end by `deadline_s`.

    What follows is given the time of its calls, and none to wait for quota: it can do without a model itself.
    """
    latest: dict[str, int] = {}
    left_s = deadline_s
    for _, steps in groupby(reversed(estimate.steps), key=lambda step: step.stage):
        side_by_side = list(steps)
        for step in side_by_side:
            latest.setdefault(step.step, max(0, int(left_s - step.call_s)))
        left_s -= max(min(step.took_s, step.call_s + AROUND_S) for step in side_by_side)
    return latest


def done_before(made: Mapping[str, Any]) -> list[StepEstimate]:
    """The plan's call as it went, from the facts of `plan.json`; none where no model was called for it."""
    if "cost_nanousd" not in made:
        return []
    tokens, cost_usd = (made["input_tokens"], made["output_tokens"]), round(made["cost_nanousd"] / NANO, 6)
    models = {made["model"]: ModelShare(1, sum(tokens), cost_usd)}
    return [StepEstimate("plan", 0, 1, *tokens, cost_usd, 0.0, 0.0, models)]


def _step(stage: int, works: Sequence[Rehearsed]) -> StepEstimate:
    """Works of one step that are done side by side, as one."""
    shares = [(calls, name, each.terms[name]) for each in works for name, calls in each.calls.items()]
    calls = sum(calls for calls, _, _ in shares)
    return StepEstimate(
        step=works[0].work.step,
        stage=stage,
        calls=round(calls),
        input_tokens=round(sum(calls * terms.usage.input_tokens for calls, _, terms in shares)),
        output_tokens=round(sum(calls * terms.usage.output_tokens for calls, _, terms in shares)),
        cost_usd=round(sum(calls * terms.cost_nanousd for calls, _, terms in shares) / NANO, 6),
        took_s=round(max(each.end_s for each in works) - works[0].begin_s, 1),
        call_s=round(sum(calls * terms.took_s for calls, _, terms in shares) / calls if calls else 0.0, 1),
        models=_together(
            {
                name: ModelShare(
                    calls=round(calls),
                    tokens=round(calls * terms.usage.total_tokens),
                    cost_usd=round(calls * terms.cost_nanousd / NANO, 6),
                )
            }
            for calls, name, terms in shares
        ),
    )


def _held_nanousd(went: Rehearsed, at_once: int) -> float:
    """What a budget holds beyond the costs while as many calls of a step are under way as can be."""
    total = sum(went.calls.values())
    beyond = sum(
        calls * (went.terms[name].most_nanousd - went.terms[name].cost_nanousd) for name, calls in went.calls.items()
    )
    return beyond / total * min(total, at_once) if total else 0.0


def _without_models_s(batches: int, around: Circumstances) -> float:
    return 3 * around.overheads.stage_s + _children_s(batches, around)


def _children_s(batches: int, around: Circumstances) -> float:
    """What so many children take that call no model."""
    return -(-batches // around.at_once) * (around.overheads.before_s + around.overheads.after_s)


def _together(shares: Iterable[Mapping[str, ModelShare]]) -> dict[str, ModelShare]:
    found: dict[str, ModelShare] = {}
    for models in shares:
        for name, share in models.items():
            old = found.get(name, ModelShare(0, 0, 0.0))
            cost_usd = round(old.cost_usd + share.cost_usd, 6)
            found[name] = ModelShare(old.calls + share.calls, old.tokens + share.tokens, cost_usd)
    return dict(sorted(found.items(), key=lambda item: -item[1].calls))
