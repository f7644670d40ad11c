"""The ledger's item on the wire: short top-level names, because an item up to 1 KB costs one write unit.

    v  version             w  nonce of the last writer    o  open slot (s)     m  when it was last rolled (s)
    b  blocked until (s)   q<l> quota it was written under  f<l> room left in the open slot   c<l> handed out of it
    u<l> bucket: full at (us)   <l><k> units in slot k     kc kr kf kl ki ko kb ku  lifetime counters
    x<l> quota as found    h<l> quota set by hand          n  disabled         s j g  shrunk to (permille) at (s), floor
    y  strikes in a row    z  end of the queue (ms)        zj whose tickets stand last   zs where these begin (ms)
    ln li lt lv lm lo lq lw lc lp lr  sums of what calls teach
    wa wc wf wl  at (s), calls, failures, latency where the window of health begins
    yu out of its pools until (s); 0: back, unnoticed      yw why it left them

`<l>` is the limit's letter; `<k>` is the slot's number modulo 1,000, read as the one near the last roll: its past is
short and `ledger.FARTHEST_MS` bounds its future (a call booked there may report extra use some minutes later).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rota.accounts import Account, Counters
from rota.catalog import Model
from rota.health import Snapshot
from rota.learned import Learned
from rota.limits import Bookings
from rota.quotas import WHOLE, Standing

LETTERS = {"tpm": "t", "rpm": "r", "itpm": "i", "otpm": "p", "tpd": "d", "rpd": "e"}
RING = 1000
PAST = 200
"""How many of the ring's slots lie before the last roll; windows and settlements reach back less than half of that."""
COUNTERS = {
    "calls": "kc",
    "refusals": "kr",
    "failures": "kf",
    "latency_ms": "kl",
    "input_tokens": "ki",
    "output_tokens": "ko",
    "booked_tokens": "kb",
    "used_tokens": "ku",
}
LEARNED = {
    "samples": "ln",
    "inputs": "li",
    "input": "lt",
    "input_squares": "lv",
    "notes": "lm",
    "output": "lo",
    "output_squares": "lq",
    "replies": "lw",
    "paces": "lc",
    "pace": "lp",
    "pace_squares": "lr",
}
WINDOW = {"at_s": "wa", "calls": "wc", "failures": "wf", "latency_ms": "wl"}

Item = Mapping[str, Mapping[str, Any]]


def slot_name(kind: str, slot: int) -> str:
    """The attribute that holds a slot of a limit."""
    return f"{LETTERS[kind]}{slot % RING}"


def decode(model: Model, item: Item, now_s: int) -> Account:
    """A model's account from its item (DynamoDB's typed JSON); an empty item is an account without bookings."""
    numbers = {name: int(value["N"]) for name, value in item.items() if "N" in value}
    rolled_s, kinds = numbers.get("m", 0), [limit.kind.value for limit in model.limits]

    def by_kind(prefix: str) -> dict[str, int]:
        names = {kind: prefix + LETTERS[kind] for kind in kinds}
        return {kind: numbers[name] for kind, name in names.items() if name in numbers}

    full_at_us = by_kind("u")
    shrunk = numbers.get("s", WHOLE), numbers.get("j", 0), numbers.get("g", 0)
    standing = Standing(by_kind("x"), by_kind("h"), "n" in numbers, *shrunk)
    limiters = standing.limiters(model.limits, now_s)
    return Account(
        model=model.id,
        limiters=limiters,
        whole=standing.whole(model.limits),
        version=numbers.get("v", 0),
        nonce=item.get("w", {}).get("S", ""),
        open_s=numbers.get("o", 0),
        rolled_s=rolled_s,
        room=by_kind("f"),
        handed=by_kind("c"),
        bookings={
            kind: Bookings(_slots(numbers, kind, limit.slot_of(rolled_s)), full_at_us.get(kind, 0))
            for kind, limit in limiters.items()
        },
        quotas=by_kind("q"),
        blocked_until_s=numbers.get("b", 0),
        counters=Counters(**{field: numbers.get(name, 0) for field, name in COUNTERS.items()}),
        standing=standing,
        learned=Learned(**{field: numbers.get(name, 0) for field, name in LEARNED.items()}),
        strikes=numbers.get("y", 0),
        tail_ms=numbers.get("z", 0),
        tail_holder=item.get("zj", {}).get("S", ""),
        window=Snapshot(**{field: numbers.get(name, 0) for field, name in WINDOW.items()}) if "wa" in numbers else None,
        out_until_s=numbers.get("yu"),
        left_for=item.get("yw", {}).get("S", ""),
    )


def _slots(numbers: Mapping[str, int], kind: str, near: int) -> dict[int, int]:
    """Slots of one limit with their full numbers: the ones from PAST before `near` on."""
    letter, slots = LETTERS[kind], {}
    for name, units in numbers.items():
        if name[0] == letter and name[1:].isdigit():
            slots[near - PAST + (int(name[1:]) - near + PAST) % RING] = units
    return slots
