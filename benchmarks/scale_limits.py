"""The arithmetic of `rota.limits` kept up to date booking by booking, for simulations of a million calls.

`Window` and `Bucket` answer the same questions as `rota.limits.SlidingWindow` and `TokenBucket` with slots of one
second, but keep sums that every booking adjusts, where Rota computes them from an item that it has just read.
`Reference` answers them by `rota.limits` itself: `benchmarks.scale` runs a smaller job on both and compares.
Slots are whole seconds from 1 on; units are tokens or requests.
"""

from __future__ import annotations

from typing import Protocol

from rota.limits import LATE_S, SETTLE_S, Bookings, SlidingWindow, TokenBucket

PERIOD_S = 60
SPAN = PERIOD_S + LATE_S + 1
"""Seconds that may fall into one window: as `SlidingWindow(amount, 60).span`."""
SHAVED_S = 1 + LATE_S
FAR = 1 << 62


class Limit(Protocol):
    """One limit of one model."""

    amount: int

    def room(self, at: int) -> int:
        """Units that may still start in second `at`."""
        ...

    def earliest(self, units: int, begin: int) -> int:
        """The first second from `begin` on in which `units` fit."""
        ...

    def add(self, at: int, units: int) -> None:
        """Book, or with a negative number give back."""
        ...

    def counts(self, at: int, now: int) -> bool:
        """Whether a booking in second `at` may still be given back."""
        ...


class Window:
    """A sliding window: the sum of each window is kept, by the second it begins in."""

    def __init__(self, amount: int) -> None:
        self.amount = amount
        self._sums = [0] * (4 * SPAN)

    def room(self, at: int) -> int:
        """The quota less the fullest window that contains `at`."""
        if at >= len(self._sums) - SPAN:
            self._sums += [0] * (at + 4 * SPAN)
        return self.amount - max(self._sums[at : at + SPAN])

    def earliest(self, units: int, begin: int) -> int:
        """Go on behind the last window that is too full, until none is."""
        most, at = self.amount - units, begin
        while True:
            if at >= len(self._sums) - SPAN:
                self._sums += [0] * (at + 4 * SPAN)
            windows = self._sums[at : at + SPAN]
            if max(windows) <= most:
                return at
            last = SPAN - 1
            while windows[last] <= most:
                last -= 1
            at += last + 1

    def add(self, at: int, units: int) -> None:
        """Every window with `at` in it holds so much more; the one at index `k` begins in second `k - SPAN + 1`."""
        if at >= len(self._sums) - SPAN:
            self._sums += [0] * (at + 4 * SPAN)
        self._sums[at : at + SPAN] = [held + units for held in self._sums[at : at + SPAN]]

    def counts(self, at: int, now: int) -> bool:
        """As long as some window holds `at` and what is to come."""
        return at > now - SPAN


class Bucket:
    """A token bucket in ticks: a second refills `amount` of them, a unit costs 60; missing ones are kept by second."""

    def __init__(self, amount: int) -> None:
        self.amount, self._brim = amount, amount * (PERIOD_S - SHAVED_S)
        self._units, self._missing = [0] * 512, [0] * 512
        self._stale, self._last = 512, 0

    def room(self, at: int) -> int:
        """What the brim and every later booking leave."""
        self._refresh(at)
        missing, amount, bear = self._missing, self.amount, FAR
        for slot in range(self._last, at, -1):
            bear = min(self._brim - missing[slot] if self._units[slot] else FAR, bear + max(0, amount - missing[slot]))
        return min(self._brim - missing[at], bear + max(0, amount - missing[at])) // PERIOD_S

    def earliest(self, units: int, begin: int) -> int:
        """The first second with room: among the booked ones, or as soon as enough has refilled behind them."""
        self._refresh(begin)
        cost, missing, amount, brim = units * PERIOD_S, self._missing, self.amount, self._brim
        last, bear, found = max(self._last, begin), FAR, -1
        for slot in range(last, begin - 1, -1):
            bear_here = bear + max(0, amount - missing[slot])
            if min(brim - missing[slot], bear_here) >= cost:
                found = slot
            bear = min(brim - missing[slot] if self._units[slot] else FAR, bear_here)
        return found if found >= 0 else last + -((brim - missing[last] - cost) // amount)

    def add(self, at: int, units: int) -> None:
        """Book or give back; what is missing later is computed when it is asked for."""
        while at >= len(self._units):
            self._units += [0] * len(self._units)
            self._missing += [0] * len(self._missing)
            self._stale = min(self._stale, len(self._missing) // 2)
        self._units[at] += units
        self._stale, self._last = min(self._stale, at), max(self._last, at)

    def counts(self, at: int, now: int) -> bool:
        """For a minute, as Rota settles."""
        return at >= now - SETTLE_S

    def _refresh(self, at: int) -> None:
        """Bring `missing` up to date as far as the last booking and `at`."""
        until = max(at, self._last)
        if until >= len(self._units):
            self.add(until, 0)
        missing, units, amount = self._missing, self._units, self.amount
        for slot in range(max(1, self._stale), until + 1):
            before = missing[slot - 1] - amount
            missing[slot] = (before if before > 0 else 0) + units[slot] * PERIOD_S
        self._stale = until + 1


class Reference:
    """The same by `rota.limits`, for windows and buckets alike: slow, and what the others are compared with."""

    def __init__(self, limit: SlidingWindow | TokenBucket) -> None:
        self.amount, self._limit, self._bookings = limit.amount, limit, Bookings()

    def room(self, at: int) -> int:
        """As the ledger asks."""
        return self._limit.room(self._bookings, at)

    def earliest(self, units: int, begin: int) -> int:
        """As the ledger asks."""
        return self._limit.earliest(self._bookings, units, begin)

    def add(self, at: int, units: int) -> None:
        """Into the slots, as a roll or a settlement does."""
        slots = dict(self._bookings.slots)
        slots[at] = slots.get(at, 0) + units
        self._bookings = Bookings(slots, self._bookings.full_at_us)

    def counts(self, at: int, now: int) -> bool:
        """As the ledger asks; whoever asks lets time pass."""
        self._bookings = self._limit.aged(self._bookings, now)
        return self._limit.counts(at, now)
