"""Quotas as they will stand: the arithmetic of `rota.limits` and `rota.tickets` run forward, call by call.

Each limit is kept twice: as booked, with what a call may use until it is settled, which decides when a call may start;
and as expected, with what it is likely to use, by which those who wait are told when to come back.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from rota.accounts import Account, Amounts
from rota.limits import Limiter, SlidingWindow, TokenBucket
from rota.quotas import MINUTE_S

STEADY_PARTS = 6
"""Into which the last minute is divided to tell steady use from bursts: a job that has just ended left some of them."""
LEAST_LEFT = 0.05
"""Of a quota that others use up: calls of ours still get in between."""


@dataclass(slots=True)
class Window:
    """A sliding window: units by slot, oldest first."""

    limit: SlidingWindow
    amount: float
    slots: dict[int, float]
    total: float

    @property
    def period_s(self) -> int:
        """Seconds in which the whole quota is used once."""
        return self.limit.period_s

    def start_s(self, units: float, now_s: float) -> float:
        """The first moment from `now_s` at which `units` fit if nothing more is settled."""
        self._forget(now_s)
        most = max(self.amount, units)  # above a lowered quota a call waits until it has that to itself
        missing, start_s = self.total + units - most, now_s
        for slot, held in self.slots.items():
            if missing <= 0:
                break
            missing -= held
            start_s = (slot + self.limit.span) * self.limit.slot_s
        return max(now_s, start_s)

    def queued_s(self, ahead: float, units: float, now_s: float) -> float:
        """When `units` start if `ahead` others start before them, each as soon as it can."""
        spans, rest = divmod(ahead + units, max(self.amount, units))
        return self.start_s(rest, now_s) + spans * self.period_s

    def take(self, units: float, at_s: float) -> None:
        """Book for a moment."""
        slot, latest = self.limit.slot_of(int(at_s)), next(reversed(self.slots), 0)
        self.slots[slot] = self.slots.get(slot, 0.0) + units
        self.total += units
        if slot < latest:
            self.slots = dict(sorted(self.slots.items()))

    def settle(self, units: float, booked_s: float, _now_s: float) -> None:
        """Give back what was booked for `booked_s` and not used."""
        slot = self.limit.slot_of(int(booked_s))
        if slot in self.slots:
            self.slots[slot] -= units
            self.total -= units

    def _forget(self, now_s: float) -> None:
        while self.slots:
            slot = next(iter(self.slots))
            if (slot + self.limit.span) * self.limit.slot_s > now_s:
                return
            self.total -= self.slots.pop(slot)


@dataclass(slots=True)
class Bucket:
    """A token bucket: units that are missing from it at `at_s`."""

    limit: TokenBucket
    amount: float
    missing: float
    at_s: float

    @property
    def period_s(self) -> int:
        """See `Window.period_s`."""
        return self.limit.period_s

    def start_s(self, units: float, now_s: float) -> float:
        """See `Window.start_s`."""
        self._refill(now_s)
        over = self.missing - (now_s - self.at_s) * self._rate + units - max(self.limit.capacity, units)
        return now_s + max(0.0, over) / self._rate

    def queued_s(self, ahead: float, units: float, now_s: float) -> float:
        """See `Window.queued_s`."""
        at_once = min(ahead + units, self.limit.capacity)
        return self.start_s(at_once, now_s) + (ahead + units - at_once) / self._rate

    def take(self, units: float, at_s: float) -> None:
        """See `Window.take`."""
        self._refill(at_s)
        self.missing += units

    def settle(self, units: float, _booked_s: float, now_s: float) -> None:
        """See `Window.settle`."""
        self._refill(now_s)
        self.missing = max(0.0, self.missing - units)

    @property
    def _rate(self) -> float:
        return self.amount / self.limit.window_s

    def _refill(self, now_s: float) -> None:
        if now_s > self.at_s:
            self.missing = max(0.0, self.missing - (now_s - self.at_s) * self._rate)
            self.at_s = now_s


@dataclass(slots=True)
class Quotas:
    """All limits of one model from now on: as booked, and as expected. `tail_s` is the end of its queue."""

    booked: Mapping[str, Window | Bucket]
    expected: Mapping[str, Window | Bucket]
    capacities: Amounts
    from_s: float
    tail_s: float
    closed: bool

    def start_s(self, amounts: Amounts, now_s: float) -> float:
        """The first moment at which a call fits into every limit; infinite when it never does."""
        if self.closed or any(units > self.capacities[kind] for kind, units in amounts.items()):
            return math.inf
        first_s = max(now_s, self.from_s)
        return max(self.booked[kind].start_s(units, first_s) for kind, units in amounts.items())

    def due_s(self, amounts: Amounts, stands: Amounts, now_s: float, took_s: float) -> float:
        """When a call's turn comes that takes a ticket now; see `tickets.Queue.due_ms`."""
        first_s = self._first_s(stands, now_s, took_s)
        waiting_s, starts = max(0.0, self.tail_s - first_s), [first_s]
        for kind, units in amounts.items():
            limit = self.expected[kind]
            paced = limit.limit.window_s == MINUTE_S
            starts.append(limit.queued_s(waiting_s * limit.amount / limit.period_s if paced else 0.0, units, now_s))
        return max(starts)

    def take_ticket(self, stands: Amounts, now_s: float, took_s: float) -> None:
        """Move the end of the queue on by the time in which the quota carries one call."""
        limits = {kind: self.expected[kind] for kind in stands if self.expected[kind].limit.window_s == MINUTE_S}
        advance_s = max((stands[kind] * each.period_s / each.amount for kind, each in limits.items()), default=0.0)
        self.tail_s = max(self.tail_s, self._first_s(stands, now_s, took_s)) + advance_s

    def take(self, amounts: Amounts, stands: Amounts, at_s: float) -> None:
        """Book a call for a moment."""
        for kind, units in amounts.items():
            self.booked[kind].take(units, at_s)
            self.expected[kind].take(min(units, stands[kind]), at_s)

    def settle(self, amounts: Amounts, stands: Amounts, booked_s: float, now_s: float) -> None:
        """A call has ended: what it booked and did not use is room again."""
        for kind, units in amounts.items():
            self.booked[kind].settle(max(0, units - stands[kind]), booked_s, now_s)

    def _first_s(self, stands: Amounts, now_s: float, took_s: float) -> float:
        """When something could start if nobody queued."""
        return max(now_s + took_s, self.from_s, *(self.expected[kind].start_s(1, now_s) for kind in stands))


def quotas_of(account: Account, now_ms: int) -> Quotas:
    """A model's quotas as they stand.

    What others have used throughout the last minute they are taken to go on using, unless they stand in its queue: then
    the queue's end is when its quota is free.
    """
    now_s = now_ms // 1000
    queued = account.tail_ms > now_ms
    booked = {kind: _quota(account, kind, now_ms, queued) for kind in account.limiters}
    return Quotas(
        booked=booked,
        expected={kind: _copied(quota) for kind, quota in booked.items()},
        capacities={kind: limit.capacity for kind, limit in account.whole.items()},
        from_s=max(float(now_s), account.blocked_until_s),
        tail_s=account.tail_ms / 1000,
        closed=account.standing.disabled or account.is_probed or any(map(account.standing.closes, account.limiters)),
    )


def _quota(account: Account, kind: str, now_ms: int, queued: bool) -> Window | Bucket:
    limit, now_s = account.limiters[kind], now_ms // 1000
    slots = {slot: max(0, units) for slot, units in sorted(account.closed(kind, now_s).slots.items())}
    steady = 0.0 if queued else _steady(limit, slots, now_s)
    amount = max(LEAST_LEFT * limit.amount, limit.amount - steady)
    if isinstance(limit, TokenBucket):
        return Bucket(limit, amount, account.used(kind, now_ms), now_s)
    total = sum(slots.values())
    passing = max(0.0, total - steady) / total if total else 0.0
    kept = {slot: units * passing for slot, units in slots.items()}
    return Window(limit, amount, kept, sum(kept.values()))


def _copied(quota: Window | Bucket) -> Window | Bucket:
    return replace(quota, slots=dict(quota.slots)) if isinstance(quota, Window) else replace(quota)


def _steady(limit: Limiter, slots: Mapping[int, int], now_s: int) -> float:
    """Units a minute that were used in every part of the last one; what came in bursts, or has ended, comes no more."""
    if limit.window_s != MINUTE_S:
        return 0.0
    parts, length_s = [0.0] * STEADY_PARTS, MINUTE_S // STEADY_PARTS
    for slot, units in slots.items():
        if 0 <= now_s - slot < MINUTE_S:
            parts[(now_s - slot) // length_s] += units
    return STEADY_PARTS * min(parts)
