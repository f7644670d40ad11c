"""The queue of calls that can wait: each takes one ticket, comes back when its turn is near, and then books.

A model's queue is one number in its item, the end of the queue as a time (`tail_ms`). A ticket moves it on by the time
in which the quota carries what the call is likely to use. Time itself empties the queue: a ticket whose holder died
needs no cleaning up. Whoever gives up at once takes its time off the end again. So does a job that is stopped, with all
its tickets behind which nobody else stands; those before others' stay, because their turns were told.

    now ── booked ── F: first room ··· tickets before mine ··· tail │ mine │ ──► time
                     └── ahead = (tail - F) x quota per second ─────┘
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from rota.accounts import Account, Amounts
from rota.limits import Bookings, Limiter
from rota.quotas import MINUTE_S

NOBODYS = "-"
"""Holder of the tickets that belong to no job."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """A place in a model's queue, by how much it has moved the tail on, and the job whose it is."""

    model: str
    advance_ms: int
    holder: str = NOBODYS


@dataclass(frozen=True, slots=True)
class Queue:
    """A model's queue as one caller finds it.

    `first_ms` is when something could start if nobody queued, `advance_ms` what this caller's ticket adds to the tail.
    """

    account: Account
    bookings: Mapping[str, Bookings]
    amounts: Amounts
    now_ms: int
    first_ms: int
    advance_ms: int

    def due_ms(self, tail_ms: int) -> int:
        """When a call starts whose ticket begins at `tail_ms`."""
        waiting_ms, from_s = max(0, tail_ms - self.first_ms), self.now_ms // 1000
        starts = []
        for kind, units in self.amounts.items():
            limit = self.account.limiters[kind]
            ahead = waiting_ms * limit.amount // (limit.period_s * 1000) if _paces(limit) else 0
            starts.append(limit.queued(self.bookings[kind], ahead, units, from_s))
        return max(self.first_ms, *(start * 1000 for start in starts))


def queue(account: Account, amounts: Amounts, expected: Amounts, now_ms: int, settled_ms: int) -> Queue:
    """The queue of a model for a call that books `amounts` and is `expected` to use less.

    Calls that left within the last `settled_ms` have given nothing back yet: their bookings count as what calls like
    this one use.
    """
    now_s, bookings, firsts, advances = now_ms // 1000, {}, [], [1]
    for kind, units in expected.items():
        limit, closed = account.limiters[kind], account.closed(kind, now_s)
        young = limit.slot_of(now_s - settled_ms // 1000)
        bookings[kind] = _settled(closed, young, units / max(1, amounts[kind]))
        firsts.append(limit.earliest(bookings[kind], 1, now_s))
        if _paces(limit):
            advances.append(units * limit.period_s * 1000 // limit.amount)
    first_ms = max(now_ms + settled_ms, account.blocked_until_s * 1000, *(first * 1000 for first in firsts))
    return Queue(account, bookings, amounts, now_ms, first_ms, max(advances))


def _paces(limit: Limiter) -> bool:
    """Whether calls follow each other at the pace of this quota; that of a day is there until it is spent."""
    return limit.window_s == MINUTE_S


def _settled(bookings: Bookings, young: int, share: float) -> Bookings:
    """The bookings once every call has been settled."""
    slots = {slot: round(units * share) if slot >= young else units for slot, units in bookings.slots.items()}
    return replace(bookings, slots=slots)
