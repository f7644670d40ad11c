"""A model's breaker: what an answered or a failed call changes of it, as values of the ledger's item.

closed ──► open: failures in a row (strikes), or the model left its pools for its errors or its latency
open ──► half-open: that time is over; one call at a time probes the model, all others keep off
half-open ──► closed: a probe was answered in time

A model that left its pools comes back so only after a whole window without a probe that failed or was slow: a single
answer says little of a model that fails 5 % of its calls, and so answers nineteen in twenty.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from rota.accounts import Counters
from rota.booking import Booking
from rota.health import is_slow
from rota.policy import Health

OPEN_MS = 5_000
"""How long a breaker stays open before a first probe, and between the probes of a model that left its pools."""
PROBE_AGAIN_MS = 15_000
"""How long it stays open after a probe that failed or was slow."""
GONE_MS = 60_000
"""The same for a wrong key or a retired model, which somebody must put right."""

BLOCKED_UNTIL, STRIKES, OUT_UNTIL = "b", "y", "yu"


@dataclass(frozen=True, slots=True)
class Change:
    """Attributes of the item to set (s) and to remove."""

    sets: Mapping[str, int] = field(default_factory=dict)
    removes: tuple[str, ...] = ()


def answered(booking: Booking, counters: Counters, health: Health, now_s: int) -> Change:
    """What follows from a vendor's answer to the call that `counters` count: refused, slow or in time."""
    if not booking.is_probe:
        return Change(removes=(STRIKES,)) if booking.strikes else Change()
    if booking.out_until_s and not counters.calls:
        return Change()  # it was refused: alive, but no better
    if is_slow(counters.latency_ms if counters.calls else None, health):
        return Change({BLOCKED_UNTIL: now_s + PROBE_AGAIN_MS // 1000, **still_out(booking, health, now_s)})
    if booking.out_until_s > now_s:
        return Change({BLOCKED_UNTIL: now_s + OPEN_MS // 1000})
    back = {OUT_UNTIL: 0} if booking.out_until_s else {}
    return Change(back if counters.refusals else {BLOCKED_UNTIL: 0, **back}, (STRIKES,))


def counted(booking: Booking, counters: Counters, health: Health) -> Counters:
    """What to count of an answered call. A slow probe is no news, and counts with the latency that is just allowed.

    Otherwise the probes of an outage would take a model out of its pools that has just come back.
    """
    if not booking.is_probe or not is_slow(counters.latency_ms, health):
        return counters
    return replace(counters, latency_ms=health.max_latency_ms or 0)


def still_out(booking: Booking, health: Health, now_s: int) -> Mapping[str, int]:
    """After a probe that failed or was slow: a model that left its pools stays out for a whole window more."""
    return {OUT_UNTIL: out_until_s(health, now_s)} if booking.out_until_s else {}


def out_until_s(health: Health, now_s: int) -> int:
    """Until when a model stays out of its pools at least that leaves them now."""
    return now_s + 60 * health.window_minutes
