"""Plans and rolls of one account, as values."""

from __future__ import annotations

import pytest

from rota.accounts import Account, Counters, Plan
from rota.errors import NoCapacityError
from rota.ledger_item import PAST, RING, decode, slot_name
from rota.limits import MICROS, Bookings, SlidingWindow, TokenBucket
from tests.fixtures.ledger_world import catalog_of

NOW = 1_763_640_000
NOW_MS = NOW * 1000 + 250
LIMITERS = {"tpm": SlidingWindow(1000, 60), "rpm": TokenBucket(30, 60)}
MODEL = catalog_of(m=[("tpm", 1000, "sliding_window"), ("rpm", 30, "token_bucket")]).models[0]
AMOUNTS = {"tpm": 300, "rpm": 1}


def account(**facts: object) -> Account:
    """An account whose open slot is now, with 300 of 1,000 tokens handed out of it."""
    usual = {
        "version": 7,
        "open_s": NOW,
        "rolled_s": NOW,
        "room": {"tpm": 700, "rpm": 28},
        "handed": {"tpm": 300, "rpm": 1},
        "quotas": {"tpm": 1000, "rpm": 30},
    }
    return Account("m", LIMITERS, LIMITERS, **(usual | facts))  # type: ignore[arg-type]


def test_a_new_account_starts_now_by_opening_a_slot() -> None:
    """Nothing was ever booked, so the first call opens the first slot in the current second."""
    assert Account("m", LIMITERS, LIMITERS).plan(AMOUNTS, NOW_MS) == Plan(start_ms=NOW_MS, open_s=NOW, fast=False)


def test_room_in_the_open_slot_is_taken_without_a_roll() -> None:
    """The common case: one commutative write."""
    assert account().plan(AMOUNTS, NOW_MS) == Plan(start_ms=NOW_MS, open_s=NOW, fast=True)


@pytest.mark.parametrize(
    ("facts", "open_s"),
    [
        ({"room": {"tpm": 299, "rpm": 28}, "handed": {"tpm": 701, "rpm": 1}}, NOW + 62),
        ({"room": {"tpm": 700, "rpm": 0}, "handed": {"tpm": 300, "rpm": 29}}, NOW + 2),
        ({"open_s": NOW - 1}, NOW),
        ({"open_s": NOW + 9}, NOW),  # room now beats room in a later open slot
        ({"blocked_until_s": NOW + 5}, NOW + 5),
        ({"quotas": {"tpm": 1200, "rpm": 30}}, NOW),
        ({"quotas": {"tpm": 1000}}, NOW),  # a limit that the item does not know yet
        # A refund into the open slot: its counter does not show it, a roll of the same second does.
        ({"room": {"tpm": 0}, "handed": {"tpm": 1000}, "bookings": {"tpm": Bookings({NOW: -400})}}, NOW),
    ],
)
def test_when_a_slot_must_be_rolled(facts: dict[str, object], open_s: int) -> None:
    """Each reason why the open slot does not serve, and the second that does."""
    plan = account(**facts).plan(AMOUNTS, NOW_MS)
    assert plan == Plan(start_ms=max(NOW_MS, open_s * 1000), open_s=open_s, fast=False)


def test_an_open_slot_ahead_is_joined_when_nothing_earlier_fits() -> None:
    """Everyone who has to wait joins the same future second while it has room."""
    full = {"tpm": Bookings({NOW - 1: 1000})}
    ahead = account(open_s=NOW + 61, bookings=full)
    assert ahead.plan(AMOUNTS, NOW_MS) == Plan(start_ms=(NOW + 61) * 1000, open_s=NOW + 61, fast=True)


def test_a_call_above_the_quota_is_refused_by_name() -> None:
    """Before anything is written, with the limit that is in the way."""
    with pytest.raises(NoCapacityError, match="m can never take 1001 tpm: its quota holds 1000 at once"):
        account().plan({"tpm": 1001, "rpm": 1}, NOW_MS)


def test_a_roll_closes_the_open_slot_and_drops_what_has_passed() -> None:
    """The handed units go to the slot they were taken from; a folded bucket slot keeps its debt."""
    bookings = {"tpm": Bookings({NOW - 70: 5, NOW - 20: 200}), "rpm": Bookings({NOW - 66: 29, NOW - 65: 3})}
    change = account(bookings=bookings).roll(AMOUNTS, Plan(NOW_MS, NOW + 1, fast=False), NOW_MS)
    assert change.closed == {"tpm": (NOW, 300), "rpm": (NOW, 1)}
    assert change.expired == {"tpm": [NOW - 70], "rpm": [NOW - 66]}
    assert change.room == {"tpm": 1000 - 200 - 300 - 300, "rpm": 28 - 1}
    assert change.handed == AMOUNTS
    assert change.full_at_us == {"tpm": 0, "rpm": (NOW - 66 + 58) * MICROS}


def test_a_slot_that_has_passed_is_not_closed_into_an_attribute() -> None:
    """It would be added and removed in one write, which DynamoDB refuses; a bucket folds it."""
    change = account(open_s=NOW - 70).roll(AMOUNTS, Plan(NOW_MS, NOW, fast=False), NOW_MS)
    assert change.closed == {}
    assert change.expired == {"tpm": [NOW - 70], "rpm": [NOW - 70]}  # also what a settlement has just made of it
    assert change.full_at_us["rpm"] == (NOW - 70 + 2) * MICROS


def test_the_quota_change_is_planned_and_rolled_from_the_same_moment() -> None:
    """A block that ends later does not move the moment at which the debt is re-based."""
    limiters = {"tpm": TokenBucket(300, 60)}
    bookings = {"tpm": Bookings({}, (NOW + 30) * MICROS)}
    shrunk = Account(
        "m",
        limiters,
        limiters,
        version=1,
        bookings=bookings,
        quotas={"tpm": 600},
        rolled_s=NOW,
        blocked_until_s=NOW + 20,
    )
    plan = shrunk.plan({"tpm": 290}, NOW_MS)
    assert plan.open_s == NOW + 62
    assert shrunk.roll({"tpm": 290}, plan, NOW_MS).room == {"tpm": 0}


def test_a_shrunk_quota_may_have_refilled_slowly_since_the_last_roll() -> None:
    """500 of 600 were missing then; half the rate gives 100 back in 20 s, and two late seconds are ten units more."""
    bookings = {"tpm": Bookings({}, (NOW + 30) * MICROS)}
    facts = {"version": 1, "bookings": bookings, "quotas": {"tpm": 600}, "rolled_s": NOW - 20}
    for amount, used in ((300, 410), (1200, 300)):
        limiters = {"tpm": TokenBucket(amount, 60)}
        assert Account("m", limiters, limiters, **facts).used("tpm", NOW_MS) == used  # type: ignore[arg-type]


def test_used_includes_the_open_slot() -> None:
    """What was handed out a moment ago counts although no slot shows it yet."""
    assert account(bookings={"tpm": Bookings({NOW - 30: 50})}).used("tpm", NOW_MS) == 350


@pytest.mark.parametrize("distance", [-PAST, -62, -1, 0, 1, 300, 999 - PAST])
def test_a_slot_is_read_back_from_its_short_name(distance: int) -> None:
    """Names are modulo 1,000; the last roll says which thousand, however long ago that was."""
    for rolled_s in (NOW, NOW + 1, NOW - 1 + RING, NOW + 437):
        slot = rolled_s + distance
        item = {"m": {"N": str(rolled_s)}, slot_name("tpm", slot): {"N": "5"}, "w": {"S": "x"}}
        assert decode(MODEL, item, NOW).bookings["tpm"].slots == {slot: 5}


def test_an_item_is_decoded_by_its_letters() -> None:
    """One attribute of every sort, typed as DynamoDB sends it."""
    numbers = {"v": 3, "o": NOW, "m": NOW, "b": NOW + 1, "qt": 1000, "ft": 10, "ct": 20, "ur": 5, "kc": 8, "ku": 99}
    item = {name: {"N": str(value)} for name, value in numbers.items()} | {"w": {"S": "me"}, "model": {"S": "m"}}
    assert decode(MODEL, item, NOW) == Account(
        "m",
        LIMITERS,
        LIMITERS,
        version=3,
        nonce="me",
        open_s=NOW,
        rolled_s=NOW,
        room={"tpm": 10},
        handed={"tpm": 20},
        bookings={"tpm": Bookings(), "rpm": Bookings({}, 5)},
        quotas={"tpm": 1000},
        blocked_until_s=NOW + 1,
        counters=Counters(calls=8, used_tokens=99),
    )
