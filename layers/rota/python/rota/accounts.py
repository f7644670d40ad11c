"""One model's account: its ledger item as a value, and the pure decisions about booking on it.

An account has one *open slot*, a second in which calls are being admitted, with the room left in it for each limit.
Callers take room from the open slot without disturbing each other (a *fast* plan). A caller that does not fit
there closes it and opens the next one (`roll`), which only the holder of the newest version may do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import cycle

from rota.errors import NoCapacityError
from rota.health import Snapshot
from rota.learned import Learned
from rota.limits import Bookings, Limiter
from rota.quotas import Standing

Amounts = Mapping[str, int]
"""Units per kind of limit, such as {"tpm": 3200, "rpm": 1}."""


@dataclass(frozen=True, slots=True)
class Counters:
    """Lifetime totals of a model. `calls` were answered and took `latency_ms`, `failures` are its vendor's troubles."""

    calls: int = 0
    refusals: int = 0
    failures: int = 0
    latency_ms: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    booked_tokens: int = 0
    used_tokens: int = 0


OPENS_AT = 2
"""Strikes at which the breaker opens: one outage, or two calls without an answer."""
PROBE_S = 20
"""How long the others keep off while one call probes a model whose breaker is half-open."""


@dataclass(frozen=True, slots=True)
class Roll:
    """How a version-checked write closes the open slot and opens the next.

    `closed` adds what was handed out to slots per limit, `expired` names slots to remove, `full_at_us` is each
    bucket's new state; `room` is what the new slot has left after `handed` was taken from it. `blocked_until_s` keeps
    the others off while this call is a probe; None otherwise.
    """

    open_s: int
    room: Amounts
    handed: Amounts
    closed: Mapping[str, tuple[int, int]]
    expired: Mapping[str, list[int]]
    full_at_us: Amounts
    blocked_until_s: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """When a call may start, and how to write it: `fast` takes room from the open slot, otherwise that is rolled."""

    start_ms: int
    open_s: int
    fast: bool


@dataclass(frozen=True, slots=True)
class Account:
    """A model's item. Version 0 means that nothing was ever booked. Times end in their unit; epoch based.

    `limiters` are the quotas as they stand now, `whole` the same before they shrank (see `quotas`). `strikes` counts
    failures in a row. `tail_ms` is the end of the queue, `tail_holder` whose tickets stand there (see `tickets`).
    `window` is where the model's health is judged from; `out_until_s` until when at least it has left its pools,
    `left_for` why (0: it is back, and nobody has noticed; None: it has not left).
    """

    model: str
    limiters: Mapping[str, Limiter]
    whole: Mapping[str, Limiter]
    version: int = 0
    nonce: str = ""
    open_s: int = 0
    rolled_s: int = 0
    room: Amounts = field(default_factory=dict)
    handed: Amounts = field(default_factory=dict)
    bookings: Mapping[str, Bookings] = field(default_factory=dict)
    quotas: Amounts = field(default_factory=dict)
    blocked_until_s: int = 0
    counters: Counters = field(default_factory=Counters)
    standing: Standing = field(default_factory=Standing)
    learned: Learned = field(default_factory=Learned)
    strikes: int = 0
    tail_ms: int = 0
    tail_holder: str = ""
    window: Snapshot | None = None
    out_until_s: int | None = None
    left_for: str = ""

    @property
    def is_out(self) -> bool:
        """Whether the model has left its pools for its errors or its latency."""
        return bool(self.out_until_s)

    @property
    def is_probed(self) -> bool:
        """Whether the breaker is open or half-open: one call at a time finds out whether the model is back."""
        return self.strikes >= OPENS_AT or self.is_out

    def snapshot(self, at_s: int) -> Snapshot:
        """The totals that health is judged by, as of `at_s`."""
        counters = self.counters
        return Snapshot(at_s, counters.calls, counters.failures, counters.latency_ms)

    def check(self, amounts: Amounts) -> None:
        """Raise NoCapacityError when the model may not be used, or a limit can never hold `amounts` at once."""
        if self.standing.disabled:
            raise NoCapacityError(f"{self.model} is disabled")
        for kind, units in amounts.items():
            if self.standing.closes(kind):
                raise NoCapacityError(f"{self.model} may not be used: its vendor gives it a quota of 0 {kind}")
            capacity = self.whole[kind].capacity
            if units > capacity:
                reason = f"{self.model} can never take {units} {kind}: its quota holds {capacity} at once"
                raise NoCapacityError(reason, too_large=True)

    def plan(self, amounts: Amounts, now_ms: int) -> Plan:
        """The earliest start for `amounts`. Raises NoCapacityError when there can be none."""
        self.check(amounts)
        now_s = now_ms // 1000
        begin_s = max(now_s, self.blocked_until_s)
        fits = not self.is_probed and self._fits_open(amounts)
        start_s = begin_s if fits and self.open_s == begin_s else self._earliest(amounts, begin_s, now_s)
        fast = fits and begin_s <= self.open_s <= start_s
        open_s = self.open_s if fast else start_s
        return Plan(start_ms=max(now_ms, open_s * 1000), open_s=open_s, fast=fast)

    def roll(self, amounts: Amounts, plan: Plan, now_ms: int) -> Roll:
        """Close the open slot and open `plan.open_s` with `amounts` handed out of it."""
        now_s = now_ms // 1000
        closed = {kind: self.closed(kind, now_s) for kind in self.limiters}
        aged = {kind: limit.aged(closed[kind], now_s) for kind, limit in self.limiters.items()}
        slots = {kind: limit.slot_of(self.open_s) for kind, limit in self.limiters.items()}
        return Roll(
            open_s=plan.open_s,
            room={kind: lim.room(aged[kind], plan.open_s) - amounts[kind] for kind, lim in self.limiters.items()},
            handed=dict(amounts),
            closed={
                kind: (slots[kind], units)
                for kind, units in self.handed.items()
                if units and slots[kind] in aged[kind].slots
            },
            expired={kind: sorted(closed[kind].slots.keys() - aged[kind].slots.keys()) for kind in self.limiters},
            full_at_us={kind: aged[kind].full_at_us for kind in self.limiters},
            blocked_until_s=plan.open_s + PROBE_S if self.is_probed else None,
        )

    def used(self, kind: str, now_ms: int) -> int:
        """Units of a limit that count at `now_ms`: in the window, or missing from the bucket."""
        now_s = now_ms // 1000
        return self.limiters[kind].used(self.closed(kind, now_s), now_s)

    def is_over(self, amounts: Amounts, at_ms: int) -> bool:
        """Whether more is booked up to `at_ms` than a quota allows, besides a call of `amounts` that has it to itself.

        The quota was lowered since, or calls used more than they had booked.
        """
        at_s = at_ms // 1000
        return any(
            self.limiters[kind].used(self.closed(kind, at_s), at_s) > max(self.limiters[kind].amount, units)
            for kind, units in amounts.items()
        )

    def _fits_open(self, amounts: Amounts) -> bool:
        if self._requoted():
            return False
        return all(self.room.get(kind, 0) >= units for kind, units in amounts.items())

    def _requoted(self) -> bool:
        return any(self.quotas.get(kind) != limit.amount for kind, limit in self.limiters.items())

    def closed(self, kind: str, now_s: int) -> Bookings:
        """One limit's bookings as if the open slot were closed and the account written under today's quota.

        The open slot is among them even when nothing was handed out of it: a settlement may make an attribute of
        it at any time, which must go with it.
        """
        limit, bookings = self.limiters[kind], self.bookings.get(kind, Bookings())
        if self.open_s:
            slot = limit.slot_of(self.open_s)
            units = bookings.slots.get(slot, 0) + self.handed.get(kind, 0)
            bookings = replace(bookings, slots={**bookings.slots, slot: units})
        old = self.quotas.get(kind, limit.amount)
        if old == limit.amount:
            return bookings
        # The vendor changed it some time since the last roll: late if it grew, early if it shrank.
        return limit.rebased(bookings, now_s if old < limit.amount else self.rolled_s, old)

    def _earliest(self, amounts: Amounts, begin_s: int, now_s: int) -> int:
        """The first second from `begin_s` that all limits accept: ask them in turn until none moves it on.

        A call above a shrunk quota waits until it has that quota to itself.
        """
        closed = {kind: self.closed(kind, now_s) for kind in amounts}
        start_s, accepted = begin_s, 0
        for kind in cycle(amounts):
            limit = self.limiters[kind]
            at_s = limit.earliest(closed[kind], min(amounts[kind], limit.capacity), start_s)
            accepted = accepted + 1 if at_s == start_s else 1
            start_s = at_s
            if accepted == len(amounts):
                break
        return start_s
