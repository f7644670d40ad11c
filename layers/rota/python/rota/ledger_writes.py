"""The writes of the ledger as DynamoDB update requests: pure, one clause per path, top-level names only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rota.accounts import OPENS_AT, Account, Amounts, Counters, Plan
from rota.booking import Booking
from rota.breaker import Change, answered, counted
from rota.health import Snapshot
from rota.learned import Learned
from rota.ledger_item import COUNTERS, LEARNED, LETTERS, WINDOW, slot_name
from rota.limits import Limiter
from rota.policy import Health
from rota.quotas import STEP_EVERY_S, Standing

Update = Mapping[str, Any]
"""Arguments of `update_item` besides table and key; empty when there is nothing to write."""

# Conditions as sentences; `f<l> >= :n<l>` (the open slot has room for me) joins the first four for each limit.
OPEN_SLOT_IS_AS_PLANNED = "o = :o"
NOT_BLOCKED = "(attribute_not_exists(b) OR b <= o)"
NOT_PROBED = "(attribute_not_exists(y) OR y < :y)"
NOT_WRITTEN_BY_ME = "w <> :w"
NOBODY_WROTE_SINCE = "v = :v"
NOBODY_EVER_WROTE = "attribute_not_exists(v)"
BLOCK_IS_LONGER = "attribute_exists(v) AND (attribute_not_exists(b) OR b < :b)"
LAST_STEP_IS_LONG_AGO = "attribute_exists(v) AND (attribute_not_exists(j) OR j <= :ago)"
SAME_STEP_LEFT_MORE = "j = :j AND s > :s"
BLOCK_IS_NOT_LONGER = "(attribute_not_exists(b) OR b <= :b)"
HAS_NOT_LEFT = "attribute_not_exists(yu)"
CAME_BACK = "yu = :back"
WINDOW_IS_AS_SEEN = "wa = :seen"
NO_WINDOW_YET = "attribute_exists(v) AND attribute_not_exists(wa)"


def take(plan: Plan, amounts: Amounts, nonce: str) -> Update:
    """Book in the open slot. Only deltas, so that callers do not disturb each other."""
    conditions = [OPEN_SLOT_IS_AS_PLANNED, NOT_BLOCKED, NOT_PROBED, NOT_WRITTEN_BY_ME]
    adds, values = {"v": 1}, {":o": _number(plan.open_s), ":y": _number(OPENS_AT)}
    for kind, units in amounts.items():
        letter = LETTERS[kind]
        adds |= {f"f{letter}": -units, f"c{letter}": units}
        conditions.append(f"f{letter} >= :n{letter}")
        values[f":n{letter}"] = _number(units)
    return _update({"w": {"S": nonce}}, adds, [], " AND ".join(conditions), values)


def roll(account: Account, plan: Plan, amounts: Amounts, nonce: str, now_ms: int) -> Update:
    """Close the open slot into its slot, open the planned one and book in it, if nobody wrote since `account`."""
    change = account.roll(amounts, plan, now_ms)
    sets: dict[str, dict[str, str]] = {"w": {"S": nonce}, "o": _number(change.open_s), "m": _number(now_ms // 1000)}
    if change.blocked_until_s is not None:
        sets["b"] = _number(change.blocked_until_s)
    for kind, limit in account.limiters.items():
        letter = LETTERS[kind]
        sets |= {
            f"f{letter}": _number(change.room[kind]),
            f"c{letter}": _number(change.handed[kind]),
            f"q{letter}": _number(limit.amount),
            f"u{letter}": _number(change.full_at_us[kind]),
        }
    adds = {"v": 1} | {slot_name(kind, slot): units for kind, (slot, units) in change.closed.items()}
    adds |= _learned(account.learned.halved())
    removes = [slot_name(kind, slot) for kind, slots in change.expired.items() for slot in slots]
    if not account.version:
        return _update(sets, adds, removes, NOBODY_EVER_WROTE, {})
    return _update(sets, adds, removes, NOBODY_WROTE_SINCE, {":v": _number(account.version)})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a booked call: units `used` per limit, what to count and to learn, whether the vendor answered."""

    used: Amounts = field(default_factory=dict)
    counters: Counters = field(default_factory=Counters)
    learned: Learned = field(default_factory=Learned)
    answered: bool = False


def settlement(
    limiters: Mapping[str, Limiter], booking: Booking, outcome: Outcome, health: Health, now_s: int
) -> Update:
    """Give back what was booked and not used; take what was used beyond it from now; count, and learn.

    A vendor that answered in time closes the breaker that stood open when the call was booked (see `breaker`).
    """
    counters, used, learned = counted(booking, outcome.counters, health), outcome.used, outcome.learned
    adds = {name: getattr(counters, field) for field, name in COUNTERS.items()} | _learned(learned)
    for kind, limit in limiters.items():
        rest, slot = booking.amounts.get(kind, 0) - used.get(kind, 0), limit.slot_of(booking.open_s)
        if rest > 0 and limit.counts(slot, now_s):
            adds[slot_name(kind, slot)] = -rest
        if rest < 0:  # the room promised in the open slot shrinks with it, and a roll in flight must look again
            adds |= {slot_name(kind, limit.slot_of(now_s)): -rest, f"f{LETTERS[kind]}": rest, "v": 1}
    adds = {name: units for name, units in adds.items() if units}
    change = answered(booking, counters, health, now_s) if outcome.answered else Change()
    sets, removes = _numbers(change.sets), list(change.removes)
    return _update(sets, adds, removes, "", {}) if sets or adds or removes else {}


def striking(booking: Booking, strikes: int, until_ms: int | None, learned: Learned, also: Mapping[str, int]) -> Update:
    """Count strikes against a model, and open its breaker until then; set what else follows.

    A probe's failure is no news: when the breaker has closed, it must not speak against the model's health.
    """
    sets = _numbers(also) if until_ms is None else _numbers({"b": -(-until_ms // 1000), **also})
    failures = {} if booking.is_probe else {COUNTERS["failures"]: 1}
    return _update(sets, {"y": strikes, "v": 1} | failures | _learned(learned), [], "attribute_exists(v)", {})


def leaving(seen: Snapshot, now: Snapshot, until_s: int, blocked_until_s: int, why: str) -> Update:
    """Take a model out of its pools: its breaker opens, and its health is judged from now on.

    A roll in flight looks again, a booking in the open slot finds the strikes, a settlement changes neither.
    """
    sets = _numbers({"yu": until_s, "b": blocked_until_s}) | {"yw": {"S": why}} | _window(now)
    condition = " AND ".join((WINDOW_IS_AS_SEEN, HAS_NOT_LEFT, BLOCK_IS_NOT_LONGER))
    return _update(sets, {"y": OPENS_AT, "v": 1}, [], condition, {":seen": _number(seen.at_s)})


def returning(seen: Snapshot, now: Snapshot) -> Update:
    """Note that a model has come back to its pools; its health is judged from now on."""
    values = {":seen": _number(seen.at_s), ":back": _number(0)}
    return _update(_window(now), {}, ["yu", "yw"], f"{WINDOW_IS_AS_SEEN} AND {CAME_BACK}", values)


def watching(seen: Snapshot | None, now: Snapshot) -> Update:
    """Judge a model's health from now on."""
    if seen is None:
        return _update(_window(now), {}, [], NO_WINDOW_YET, {})
    return _update(_window(now), {}, [], WINDOW_IS_AS_SEEN, {":seen": _number(seen.at_s)})


def blocking(until_ms: int) -> Update:
    """Keep new bookings out of the slots before `until_ms`, unless they are kept out for longer already."""
    return _update({"b": _number(-(-until_ms // 1000))}, {"v": 1}, [], BLOCK_IS_LONGER, {})


def shrinking(before: Standing, after: Standing, kinds: Iterable[str]) -> Update:
    """Use less of the quotas: a new step, or more of the last one. The open slot promises no room any more."""
    sets = {"s": _number(after.shrunk), **_no_room(kinds)}
    if after.shrunk_at_s == before.shrunk_at_s:
        return _update(sets, {"v": 1}, [], SAME_STEP_LEFT_MORE, {":j": _number(after.shrunk_at_s)})
    sets |= {"j": _number(after.shrunk_at_s), "g": _number(after.floor)}
    ago = _number(after.shrunk_at_s - STEP_EVERY_S)
    return _update(sets, {"v": 1}, [], LAST_STEP_IS_LONG_AGO, {":ago": ago})


def finding(found: Amounts) -> Update:
    """Note the quotas that the vendor was found to give."""
    sets = {f"x{LETTERS[kind]}": _number(amount) for kind, amount in found.items()}
    return _update({**sets, **_no_room(found)}, {"v": 1}, [], "", {})


def setting(kinds: Iterable[str], by_hand: Mapping[str, int | None], disabled: bool | None) -> Update:
    """Quotas set by hand (None: no longer), and whether the model is used at all (None: as it is).

    `kinds` are all of the model's limits.
    """
    sets = {f"h{LETTERS[kind]}": _number(amount) for kind, amount in by_hand.items() if amount is not None}
    removes = [f"h{LETTERS[kind]}" for kind, amount in by_hand.items() if amount is None]
    if disabled:
        sets["n"] = _number(1)
    elif disabled is not None:
        removes.append("n")
    return _update({**sets, **_no_room(kinds)}, {"v": 1}, removes, "", {})


def _no_room(kinds: Iterable[str]) -> dict[str, dict[str, str]]:
    """Whoever books next must roll, and so reckon anew."""
    return {f"f{LETTERS[kind]}": _number(0) for kind in kinds}


def _learned(learned: Learned) -> dict[str, int]:
    return {name: value for field, name in LEARNED.items() if (value := getattr(learned, field))}


def _window(begin: Snapshot) -> dict[str, dict[str, str]]:
    return _numbers({name: getattr(begin, field) for field, name in WINDOW.items()})


def _numbers(values: Mapping[str, int]) -> dict[str, dict[str, str]]:
    return {name: _number(value) for name, value in values.items()}


def _number(value: int) -> dict[str, str]:
    return {"N": str(value)}


def _update(
    sets: Mapping[str, Mapping[str, str]],
    adds: Mapping[str, int],
    removes: list[str],
    condition: str,
    values: Mapping[str, Mapping[str, str]],
) -> Update:
    """One request; the value of attribute `x` is called `:x` when set and `:dx` when added."""
    clauses = [
        "SET " + ", ".join(f"{name} = :{name}" for name in sets) if sets else "",
        "ADD " + ", ".join(f"{name} :d{name}" for name in adds) if adds else "",
        "REMOVE " + ", ".join(removes) if removes else "",
    ]
    values = {f":{name}": value for name, value in sets.items()} | dict(values)
    values |= {f":d{name}": _number(units) for name, units in adds.items()}
    request: dict[str, Any] = {"UpdateExpression": " ".join(filter(None, clauses))}
    if values:
        request["ExpressionAttributeValues"] = values
    if condition:
        request |= {"ConditionExpression": condition, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    return request
