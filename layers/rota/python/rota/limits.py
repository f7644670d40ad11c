"""The two ways vendors count a quota, as pure arithmetic: time is an argument, never read inside.

Bookings of one limit are units (tokens or requests) per slot of time. A schedule made here keeps every window of
the limit at or below the quota for any starting moment inside the booked slots, later bookings included, so an
existing booking is never delayed and room that refunds open earlier is used at once.

A refund is taken out of the booking's own slot, as if the call had never asked for it. That is exact for a call that
was not made. For one that was, it promises no more than a vendor that gives the rest back when the call ends.

Times are whole epoch seconds unless named otherwise; slot `k` of a limit covers `[k * slot_s, (k + 1) * slot_s)`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import accumulate
from operator import sub
from typing import Literal

MICROS = 1_000_000
LATE_S = 1
"""How long after the end of its slot a call may still reach the vendor: late to leave, on its way, clocks apart."""
SETTLE_S = 60
"""How long after its start a booking of a bucket can be given back: longer than most calls take."""
KEEP_S = 5
"""How long a slot that can no longer be settled is kept, so that a slow settlement never meets a removed slot."""
NEVER = 1 << 62


@dataclass(frozen=True, slots=True)
class Bookings:
    """What is booked on one limit: units per slot, and the moment a bucket would be full again without those slots.

    `full_at_us` is in epoch microseconds; windows do not use it.
    """

    slots: Mapping[int, int] = field(default_factory=dict)
    full_at_us: int = 0


@dataclass(frozen=True, slots=True)
class SlidingWindow:
    """At most `amount` units start in any `window_s` seconds (Bedrock's minutes, whatever their alignment)."""

    amount: int
    window_s: int

    @property
    def slot_s(self) -> int:
        """Length of a slot: a sixtieth of the window."""
        return max(1, self.window_s // 60)

    @property
    def span(self) -> int:
        """How many consecutive slots may fall into one window, counting calls that leave late."""
        return math.ceil((self.window_s + LATE_S) / self.slot_s) + 1

    @property
    def capacity(self) -> int:
        """The largest single booking that can ever start."""
        return self.amount

    def slot_of(self, at_s: int) -> int:
        """The slot that holds the second `at_s`."""
        return at_s // self.slot_s

    def earliest(self, bookings: Bookings, units: int, from_s: int) -> int:
        """The first second at or after `from_s` in which `units` fit. Needs `units <= capacity`."""
        slot, span, most = self.slot_of(from_s), self.span, self.amount - units
        begin = slot - span + 1
        for window, booked in enumerate(self._windows(bookings, begin, max(bookings.slots, default=0)), begin):
            if window > slot:
                break
            if booked > most:
                slot = window + span
        return max(from_s, slot * self.slot_s)

    def queued(self, bookings: Bookings, ahead: int, units: int, from_s: int) -> int:
        """The second in which `units` start when `ahead` others start before them, each as soon as it can.

        A window that is filled again as soon as it frees up repeats its pattern once per span.
        """
        spans, rest = divmod(max(0, ahead + units - 1), self.capacity)
        return self.earliest(bookings, min(rest + 1, self.capacity), from_s) + spans * self.period_s

    @property
    def period_s(self) -> int:
        """Seconds in which the whole quota is used once."""
        return self.span * self.slot_s

    def room(self, bookings: Bookings, at_s: int) -> int:
        """How many more units may start in the slot of `at_s`; negative when it is overbooked."""
        slot = self.slot_of(at_s)
        return self.amount - max(self._windows(bookings, slot - self.span + 1, slot))

    def _windows(self, bookings: Bookings, first: int, last: int) -> list[int]:
        """Units in each of the windows that begin at the slots `first` to `last`."""
        units = [0] * max(0, last - first + self.span)
        for slot, booked in bookings.slots.items():
            if booked > 0 and 0 <= slot - first < len(units):
                units[slot - first] = booked
        total = list(accumulate(units, initial=0))
        return list(map(sub, total[self.span :], total))

    def used(self, bookings: Bookings, now_s: int) -> int:
        """Units that count in the window ending now."""
        now = self.slot_of(now_s)
        return sum(max(0, units) for slot, units in bookings.slots.items() if now - self.span < slot <= now)

    def counts(self, slot: int, now_s: int) -> bool:
        """Whether a booking in `slot` still matters, so that it may be settled: some window may contain it."""
        return slot > self.slot_of(now_s) - self.span

    def aged(self, bookings: Bookings, now_s: int) -> Bookings:
        """The same bookings without the slots that no longer matter."""
        return Bookings({slot: units for slot, units in bookings.slots.items() if self.counts(slot, now_s - KEEP_S)})

    def rebased(self, bookings: Bookings, _now_s: int, _old: int) -> Bookings:
        """The bookings after the quota was changed: a window remembers units, whatever the quota was."""
        return bookings


@dataclass(frozen=True, slots=True)
class TokenBucket:
    """A bucket of `amount` units refilled at `amount / window_s` per second (Groq's refusals fit this exactly).

    Its state is kept as time: a bucket that lacks n units is full again after the time that n units take to refill.
    """

    amount: int
    window_s: int

    @property
    def slot_s(self) -> int:
        """Length of a slot: a second, and a minute for the quota of a day."""
        return max(1, self.window_s // 1440)

    @property
    def capacity(self) -> int:
        """The largest single booking that can ever start."""
        return self._units(self._brim_us)

    @property
    def _period_us(self) -> int:
        """Time in which the whole bucket refills; a bucket of one unit has no unit to shave, so it refills later."""
        return (self.window_s + (self._shaved_s if self.amount == 1 else 0)) * MICROS

    @property
    def _shaved_s(self) -> int:
        """Refill kept back from the brim: a call may arrive this much later than its slot begins."""
        return self.slot_s + LATE_S

    @property
    def _brim_us(self) -> int:
        return max((self.window_s - self._shaved_s) * MICROS, self._cost_us(1))

    def _cost_us(self, units: int) -> int:
        return -(-max(0, units) * self._period_us // self.amount)

    def _units(self, time_us: int) -> int:
        return time_us * self.amount // self._period_us

    def slot_of(self, at_s: int) -> int:
        """The slot that holds the second `at_s`."""
        return at_s // self.slot_s

    def earliest(self, bookings: Bookings, units: int, from_s: int) -> int:
        """The first second at or after `from_s` in which `units` fit. Needs `units <= capacity`."""
        cost, slot_us = self._cost_us(units), self.slot_s * MICROS
        for begin, end, full, bearable in self._stretches(bookings, self.slot_of(from_s)):
            slot = max(begin, -((self._brim_us - full - cost) // slot_us))
            if slot < end and cost <= bearable + max(0, end * slot_us - max(full, slot * slot_us)):
                break  # at the latest after the last booking
        return max(from_s, slot * self.slot_s)

    def queued(self, bookings: Bookings, ahead: int, units: int, from_s: int) -> int:
        """The second in which `units` start when `ahead` others start before them, each as soon as it can."""
        together = ahead + units
        at_once = min(together, self.capacity)
        return self.earliest(bookings, at_once, from_s) + self._cost_us(together - at_once) // MICROS

    @property
    def period_s(self) -> int:
        """Seconds in which the whole quota is used once."""
        return self.window_s

    def room(self, bookings: Bookings, at_s: int) -> int:
        """How many more units may start at `at_s` without delaying a later booking; negative when overbooked."""
        slot_us = self.slot_s * MICROS
        slot, end, full, bearable = self._stretches(bookings, self.slot_of(at_s))[0]
        now = max(full, slot * slot_us)
        return self._units(min(self._brim_us - (now - slot * slot_us), bearable + max(0, end * slot_us - now)))

    def _stretches(self, bookings: Bookings, at: int) -> list[tuple[int, int, int, int]]:
        """The time from slot `at` on, cut at each booked slot: (begin, end, full_at_us, bearable_us).

        `bearable_us` is what the bookings from `end` on can bear to find missing in addition; they bear what
        refills in the idle time before them, too.
        """
        slot_us, brim_us, period_us, amount = self.slot_s * MICROS, self._brim_us, self._period_us, self.amount
        ahead = sorted(slot for slot, units in bookings.slots.items() if slot > at and units > 0)
        full = self._full_at(bookings, at)
        cuts = [(at, full)]
        for slot in ahead:
            full = max(full, slot * slot_us) - (-bookings.slots[slot] * period_us // amount)
            cuts.append((slot, full))
        stretches, end, bearable = [], NEVER, NEVER
        for begin, full in reversed(cuts):
            stretches.append((begin, end, full, bearable))
            bearable = min(brim_us - (full - begin * slot_us), bearable + max(0, end * slot_us - full))
            end = begin
        return stretches[::-1]

    def _full_at(self, bookings: Bookings, last: int) -> int:
        """When the bucket is full again, counting the bookings up to and including slot `last`."""
        full, slot_us = bookings.full_at_us, self.slot_s * MICROS
        for slot in sorted(slot for slot, units in bookings.slots.items() if slot <= last and units > 0):
            full = max(full, slot * slot_us) + self._cost_us(bookings.slots[slot])
        return full

    def used(self, bookings: Bookings, now_s: int) -> int:
        """Units missing from the bucket now."""
        missing_us = self._full_at(bookings, self.slot_of(now_s)) - now_s * MICROS
        return max(0, -self._units(-missing_us))

    def counts(self, slot: int, now_s: int) -> bool:
        """Whether a booking in `slot` may still be settled: it has not been folded into `full_at_us`."""
        return slot >= self.slot_of(now_s - SETTLE_S)

    def aged(self, bookings: Bookings, now_s: int) -> Bookings:
        """The same bookings with the slots that can no longer be settled folded into `full_at_us`."""
        kept = {slot: units for slot, units in bookings.slots.items() if self.counts(slot, now_s - KEEP_S)}
        return Bookings(kept, self._full_at(bookings, self.slot_of(now_s - KEEP_S - SETTLE_S) - 1))

    def rebased(self, bookings: Bookings, now_s: int, old: int) -> Bookings:
        """The bookings after the quota was changed from `old`: the same units are missing now.

        A call on its way refills later than its slot says, at the vendor's new rate: more is shaved if that is lower.
        """
        now, now_us = self.slot_of(now_s), now_s * MICROS
        late_us = self._shaved_s * MICROS if old > self.amount else 0
        missing_us = max(0, replace(self, amount=old)._full_at(bookings, now) - now_us) + late_us
        full_at_us = now_us - (-missing_us * old // self.amount) - late_us
        past = sum(self._cost_us(units) for slot, units in bookings.slots.items() if slot <= now)
        return replace(bookings, full_at_us=full_at_us - past)


Limiter = SlidingWindow | TokenBucket


def limiter(algorithm: Literal["token_bucket", "sliding_window"], amount: int, window_s: int) -> Limiter:
    """The arithmetic of one configured quota: `amount` units per `window_s` seconds."""
    return (TokenBucket if algorithm == "token_bucket" else SlidingWindow)(amount, window_s)
