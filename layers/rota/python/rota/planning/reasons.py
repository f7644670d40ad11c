"""The limits of a job, which of them an estimate misses, and that as words."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum

from rota.estimate import JobEstimate
from rota.job_item import Job
from rota.money import dollars, nanousd

SPARE = 0.15
"""How much more than estimated a job must have room for: estimates are right to within some fifteen per cent."""


class Missed(Enum):
    """A limit that an estimate does not keep."""

    DEADLINE = "deadline"
    BUDGET = "budget"


@dataclass(frozen=True, slots=True)
class Limits:
    """`deadline_s` is as asked, `left_s` what is left of it, `budget_usd` what the job may cost; None for no limit."""

    deadline_s: int | None
    left_s: float | None
    budget_usd: float | None

    @classmethod
    def of(cls, job: Job, now_ms: int) -> Limits:
        """A job's limits at a moment."""
        deadline_s = job.options.get("deadline_s")
        left_s = None if deadline_s is None else deadline_s - (now_ms - job.created_ms) / 1000
        return cls(deadline_s, left_s, job.options.get("budget_usd"))

    def missed(self, estimate: JobEstimate) -> list[Missed]:
        """What an estimate misses. A budget must hold what calls under way may cost, too, or it would stop some."""
        missed = []
        if self.left_s is not None and _seconds(estimate) > self.left_s:
            missed.append(Missed.DEADLINE)
        if self.budget_usd is not None and _dollars(estimate) > self.budget_usd:
            missed.append(Missed.BUDGET)
        return missed

    def sentence(self, missed: Collection[Missed], estimate: JobEstimate, tokens: int) -> str:
        """`the deadline of 60 s leaves room for 140,000 of 410,000 tokens`, and the same for money."""
        said = []
        if Missed.DEADLINE in missed and self.left_s is not None:
            room = _share(tokens, self.left_s, _seconds(estimate))
            said.append(f"the deadline of {self.deadline_s} s leaves room for {room} of {tokens:,} tokens")
        if Missed.BUDGET in missed and self.budget_usd is not None:
            room = _share(tokens, self.budget_usd, _dollars(estimate))
            budget = dollars(nanousd(self.budget_usd))
            said.append(f"the budget of {budget} leaves room for {room} of {tokens:,} tokens")
        return ", and ".join(said)


def _seconds(estimate: JobEstimate) -> float:
    return (1 + SPARE) * estimate.eta_s


def _dollars(estimate: JobEstimate) -> float:
    return (1 + SPARE) * estimate.cost_usd + estimate.held_usd


def _share(tokens: int, limit: float, needed: float) -> str:
    """About how many tokens a limit allows, to two figures."""
    room = tokens * max(0.0, limit) / needed if needed else 0.0
    return f"{int(float(f'{min(room, tokens):.2g}')):,}"
