"""The vendor's side of a simulated job: each call is admitted or refused by the definition of window and bucket alone.

Nothing here knows slots, seconds or how the calls were booked. A call holds what it booked from its start to its end
and then what it used, as Bedrock counts; a bucket gets the difference back at the end, as Groq's does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import merge

from benchmarks.scale_simulation import Quota, Starts

WINDOW_S = 60.0
EXPIRES, ENDS, STARTS = 2, 1, 0
"""Events of one moment in the order that is hardest on the caller: nothing leaves before what starts."""

Event = tuple[float, int, int]


def refusals(quota: Quota, starts: Starts) -> int:
    """Calls that the vendor would have refused, for tokens or for requests."""
    ones = [1] * len(starts.booked)
    refused = _refused(quota, quota.tpm, starts, starts.booked, starts.used)
    return refused + (_refused(quota, quota.rpm, starts, ones, ones) if quota.rpm else 0)


def _refused(quota: Quota, amount: int, starts: Starts, booked: Sequence[int], used: Sequence[int]) -> int:
    count = _by_window if quota.algorithm == "window" else _by_bucket
    return count(amount, starts, booked, used)


def _by_window(amount: int, starts: Starts, booked: Sequence[int], used: Sequence[int]) -> int:
    """In the 60 seconds before each start: what ended calls used, what the others booked, and the call itself."""
    held, refused = 0, 0
    for at_s, kind, call in merge(_events(starts, ENDS), _events(starts, STARTS), _events(starts, EXPIRES)):
        if kind == STARTS:
            held += booked[call]
            refused += held > amount
        elif kind == ENDS:
            if at_s < starts.start_s[call] + WINDOW_S:
                held -= booked[call] - used[call]
        else:
            held -= used[call] if starts.end_s[call] <= at_s else booked[call]
    return refused


def _by_bucket(amount: int, starts: Starts, booked: Sequence[int], used: Sequence[int]) -> int:
    """A bucket that is full at first, refills by the second and never above its brim."""
    level, last_s, refused = float(amount), 0.0, 0
    for at_s, kind, call in merge(_events(starts, ENDS), _events(starts, STARTS)):
        level = min(amount, level + (at_s - last_s) * amount / WINDOW_S)
        last_s = at_s
        if kind == STARTS:
            refused += booked[call] > level
            level -= booked[call]
        else:
            level = min(amount, level + booked[call] - used[call])
    return refused


def _events(starts: Starts, kind: int) -> Iterator[Event]:
    times = starts.end_s if kind == ENDS else starts.start_s
    later = WINDOW_S if kind == EXPIRES else 0.0
    return iter(sorted((at_s + later, kind, call) for call, at_s in enumerate(times)))
