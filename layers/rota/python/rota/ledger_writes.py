"""The four writes of the ledger as DynamoDB update requests: pure, one clause per path, top-level names only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rota.accounts import Account, Amounts, Counters, Plan
from rota.ledger_item import COUNTERS, LETTERS, slot_name
from rota.limits import Limiter

Update = Mapping[str, Any]
"""Arguments of `update_item` besides table and key; empty when there is nothing to write."""

# Conditions as sentences; `f<l> >= :n<l>` (the open slot has room for me) joins the first three for each limit.
OPEN_SLOT_IS_AS_PLANNED = "o = :o"
NOT_BLOCKED = "(attribute_not_exists(b) OR b <= o)"
NOT_WRITTEN_BY_ME = "w <> :w"
NOBODY_WROTE_SINCE = "v = :v"
NOBODY_EVER_WROTE = "attribute_not_exists(v)"
BLOCK_IS_LONGER = "attribute_exists(v) AND (attribute_not_exists(b) OR b < :b)"


def take(plan: Plan, amounts: Amounts, nonce: str) -> Update:
    """Book in the open slot. Only deltas, so that callers do not disturb each other."""
    conditions = [OPEN_SLOT_IS_AS_PLANNED, NOT_BLOCKED, NOT_WRITTEN_BY_ME]
    adds, values = {"v": 1}, {":o": _number(plan.open_s)}
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
    for kind, limit in account.limiters.items():
        letter = LETTERS[kind]
        sets |= {
            f"f{letter}": _number(change.room[kind]),
            f"c{letter}": _number(change.handed[kind]),
            f"q{letter}": _number(limit.amount),
            f"u{letter}": _number(change.full_at_us[kind]),
        }
    adds = {"v": 1} | {slot_name(kind, slot): units for kind, (slot, units) in change.closed.items()}
    removes = [slot_name(kind, slot) for kind, slots in change.expired.items() for slot in slots]
    if not account.version:
        return _update(sets, adds, removes, NOBODY_EVER_WROTE, {})
    return _update(sets, adds, removes, NOBODY_WROTE_SINCE, {":v": _number(account.version)})


def settlement(
    limiters: Mapping[str, Limiter], open_s: int, booked: Amounts, used: Amounts, *, counters: Counters, now_s: int
) -> Update:
    """Give back what was booked in the second `open_s` and not used; take what was used beyond it from now."""
    adds = {name: getattr(counters, field) for field, name in COUNTERS.items()}
    for kind, limit in limiters.items():
        rest, slot = booked.get(kind, 0) - used.get(kind, 0), limit.slot_of(open_s)
        if rest > 0 and limit.counts(slot, now_s):
            adds[slot_name(kind, slot)] = -rest
        if rest < 0:  # the room promised in the open slot shrinks with it, and a roll in flight must look again
            adds |= {slot_name(kind, limit.slot_of(now_s)): -rest, f"f{LETTERS[kind]}": rest, "v": 1}
    adds = {name: units for name, units in adds.items() if units}
    return _update({}, adds, [], "", {}) if adds else {}


def blocking(until_ms: int) -> Update:
    """Keep new bookings out of the slots before `until_ms`, unless they are kept out for longer already."""
    return _update({"b": _number(-(-until_ms // 1000))}, {"v": 1}, [], BLOCK_IS_LONGER, {})


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
    request: dict[str, Any] = {
        "UpdateExpression": " ".join(filter(None, clauses)),
        "ExpressionAttributeValues": values,
    }
    if condition:
        request |= {"ConditionExpression": condition, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    return request
