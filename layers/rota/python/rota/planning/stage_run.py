"""One stage of calls run ahead of time: events in the order of time, and admission's rules for who waits how.

asked for ──► the first candidate that has room now or soon: booked ──► call ──► settled ──► the next child asks
     └──────► long to wait: a ticket ──► comes back when its turn is near ──► books, or waits on as it is told
"""

from __future__ import annotations

import heapq
import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, islice

from rota.accounts import Amounts
from rota.admission import AT_ONCE_MS, HORIZON_MS, PATIENCE
from rota.catalog import Model
from rota.planning.cast import Cast, Terms
from rota.planning.quota import Quotas

MOST_REHEARSED = 4000
"""Calls of a stage that are run ahead one by one: a fraction of a second. Beyond, they go on at the pace they had."""
SPREAD_S = 0.35
"""How much later than its turn a call comes back on average (see `admission`)."""


@dataclass(frozen=True, slots=True)
class Overheads:
    """Seconds beside the calls: before and after each in its child, and for a stage's own planning.

    The defaults are the requests that `benchmarks.costs` counts (6 ms each to DynamoDB, 25 to S3) and 50 ms until the
    machine has entered a state and a warm function runs.
    """

    before_s: float = 0.2
    after_s: float = 0.1
    stage_s: float = 0.4


USUAL = Overheads()


@dataclass(frozen=True, slots=True)
class _Event:
    """What happens to a call: it is asked for (after so many returns), or its call on a model ends."""

    call: int
    returns: int = 0
    model: str = ""
    terms: Terms | None = None
    amounts: Amounts = field(default_factory=dict)
    booked_s: float = 0.0


@dataclass(slots=True)
class StageRun:
    """One stage from `begin_s` on, epoch seconds; `skipped_s` is what the calls take that were not run one by one.

    `ended` counts calls that have ended by model, as those teach how much is to be booked.
    """

    casts: Sequence[Cast]
    quotas: Mapping[str, Quotas]
    ended: Counter[str]
    at_once: int
    overheads: Overheads
    begin_s: float
    skipped_s: float = 0.0
    _events: list[tuple[float, int, _Event]] = field(default_factory=list)
    _order: int = 0
    _ends: list[float] = field(default_factory=list)
    _last: Sequence[int] = ()

    @property
    def counts(self) -> list[int]:
        """How many calls of each work are run ahead."""
        total = sum(cast.work.calls for cast in self.casts)
        return [max(1, round(cast.work.calls * min(1.0, MOST_REHEARSED / total))) for cast in self.casts]

    def play(self) -> float:
        """Run to the end of the stage, and say when that is."""
        total, count = sum(cast.work.calls for cast in self.casts), sum(self.counts)
        self._last = list(accumulate(self.counts))
        coming = iter(range(count))
        for call in islice(coming, self.at_once):
            self._push(self.begin_s + self.overheads.before_s, _Event(call))
        while self._events:
            now_s, _, event = heapq.heappop(self._events)
            if event.terms is None:
                self._ask(event, now_s, coming)
            else:
                self.quotas[event.model].settle(event.amounts, event.terms.stands, event.booked_s, now_s)
                self.ended[event.model] += 1
                self._ends.append(now_s)
                self._follow(now_s, coming)
        self.skipped_s = self._pace_s() * (total - count) if self._ends else 0.0
        return (self._ends[-1] if self._ends else self.begin_s) + self.overheads.after_s

    def _ask(self, event: _Event, now_s: float, coming: Iterator[int]) -> None:
        at = bisect_right(self._last, event.call)
        cast, number = self.casts[at], event.call - (self._last[at - 1] if at else 0)
        start_s, model, group = self._soonest(cast, number, now_s)
        if model is None:  # nobody can take it: it is done without a model
            self._follow(now_s, coming)
        elif cast.bulk and _must_queue(start_s - now_s, event.returns):
            turn_s = start_s if event.returns else self._ticket(cast, group, now_s)
            self._push(max(now_s, turn_s) + SPREAD_S, _Event(event.call, event.returns + 1))
        else:
            terms, amounts = cast.play_on(model), cast.amounts_on(model)
            self.quotas[model.id].take(amounts, terms.stands, start_s)
            self._push(start_s + terms.took_s, _Event(event.call, 0, model.id, terms, amounts, start_s))

    def _follow(self, now_s: float, coming: Iterator[int]) -> None:
        """A child has ended, and the Map begins the next one."""
        if (call := next(coming, None)) is not None:
            self._push(now_s + self.overheads.after_s + self.overheads.before_s, _Event(call))

    def _soonest(self, cast: Cast, call: int, now_s: float) -> tuple[float, Model | None, Sequence[Model]]:
        """When, where and in which group: the first candidate that can start now, else the one that can soonest."""
        for group in cast.groups(call):
            best_s, best = math.inf, None
            for model in group:
                start_s = self.quotas[model.id].start_s(cast.amounts_on(model), now_s)
                if start_s < best_s:
                    best_s, best = start_s, model
                if best_s <= now_s:
                    break
            if best is not None:
                return best_s, best, group
        return math.inf, None, ()

    def _ticket(self, cast: Cast, group: Sequence[Model], now_s: float) -> float:
        """When the call's turn comes where that is soonest."""
        dues = {}
        for model in group:
            terms, amounts, quotas = cast.terms_on(model), cast.amounts_on(model), self.quotas[model.id]
            if quotas.start_s(amounts, now_s) < math.inf:
                dues[model.id] = quotas.due_s(amounts, terms.stands, now_s, terms.settled_s)
        soonest = min(dues, key=dues.__getitem__)
        terms = cast.terms[soonest]
        self.quotas[soonest].take_ticket(terms.stands, now_s, terms.settled_s)
        return dues[soonest]

    def _pace_s(self) -> float:
        """Seconds per call in the second half of the stage."""
        half = len(self._ends) // 2
        return (self._ends[-1] - self._ends[half]) / max(1, len(self._ends) - 1 - half)

    def _push(self, at_s: float, event: _Event) -> None:
        self._order += 1
        heapq.heappush(self._events, (at_s, self._order, event))


def _must_queue(ahead_s: float, returns: int) -> bool:
    """See `admission`: who has come back books what starts within the horizon, and anything in the end."""
    if returns:
        return ahead_s > HORIZON_MS / 1000 and returns < PATIENCE
    return ahead_s > AT_ONCE_MS / 1000
