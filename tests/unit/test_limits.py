"""Windows and buckets as pure arithmetic: tables, and properties against `schedule_model`."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rota.limits import KEEP_S, MICROS, SETTLE_S, Bookings, Limiter, SlidingWindow, TokenBucket, limiter
from tests.fixtures.schedule_model import fits

NOW = 1_763_640_000
ROUNDING = {SlidingWindow: 0, TokenBucket: 1}
"""A bucket's microseconds are rounded up, which may hide the unit that would just have fitted."""
Schedule = tuple[Limiter, Bookings]

MINUTE = SlidingWindow(1000, 60)
BUCKET = TokenBucket(600, 60)

limits = st.builds(
    limiter,
    st.sampled_from(["sliding_window", "token_bucket"]),
    st.integers(2, 300_000),
    st.sampled_from([60, 86_400]),
)


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    """A limit and bookings that keep to it, made by booking at random seconds."""
    limit = draw(limits)
    slots: dict[int, int] = {}
    for _ in range(draw(st.integers(0, 12))):
        second, units = NOW + draw(st.integers(-130, 200)) * limit.slot_s, draw(st.integers(1, limit.capacity))
        if fits(limit, slots, units, second):
            slot = limit.slot_of(second)
            slots[slot] = slots.get(slot, 0) + units
    return limit, Bookings(slots)


@settings(deadline=None)
@given(schedules(), st.integers(-10, 120), st.data())
def test_earliest_is_the_first_second_that_fits(schedule: Schedule, ahead: int, data: st.DataObject) -> None:
    """A scan over the seconds with the definitions of window and bucket finds the same one."""
    limit, bookings = schedule
    units, begin = data.draw(st.integers(1, limit.capacity)), NOW + ahead
    found = limit.earliest(bookings, units, begin)
    assert fits(limit, bookings.slots, units, found)
    more = units + ROUNDING[type(limit)]
    before = {begin} | {slot * limit.slot_s for slot in range(limit.slot_of(begin) + 1, limit.slot_of(found))}
    assert not any(fits(limit, bookings.slots, more, second) for second in before if second < found)


@settings(deadline=None)
@given(schedules(), st.integers(-10, 120))
def test_room_is_the_most_that_fits(schedule: Schedule, ahead: int) -> None:
    """What room says fits, and one unit more does not: later bookings are never disturbed, nothing is kept back."""
    limit, bookings = schedule
    second = NOW + ahead * limit.slot_s
    room = limit.room(bookings, second)
    assert room >= 0
    assert fits(limit, bookings.slots, room, second) or room == 0
    assert not fits(limit, bookings.slots, room + 1 + ROUNDING[type(limit)], second)


@settings(deadline=None)
@given(schedules(), st.integers(0, 200), st.data())
def test_forgetting_slots_changes_no_answer(schedule: Schedule, ahead: int, data: st.DataObject) -> None:
    """Old slots are dropped, or folded into `full_at_us`, without a unit gained; a bucket loses a rounding at most."""
    limit, bookings = schedule
    now_s = NOW + ahead * limit.slot_s
    aged = limit.aged(bookings, now_s)
    room, after = limit.room(bookings, now_s), limit.room(aged, now_s)
    assert after == room
    assert all(not limit.counts(slot, now_s - KEEP_S) for slot in bookings.slots.keys() - aged.slots.keys())
    assert all(aged.slots[slot] == bookings.slots[slot] for slot in aged.slots)


@settings(deadline=None)
@given(schedules(), st.integers(2, 300_000))
def test_a_changed_quota_leaves_the_same_units_missing(schedule: Schedule, amount: int) -> None:
    """Re-basing keeps the debt: at least the same, and more only where the bucket had been at its brim meanwhile."""
    old, bookings = schedule
    new = limiter("token_bucket" if isinstance(old, TokenBucket) else "sliding_window", amount, old.window_s)
    rebased = new.rebased(bookings, NOW, old.amount)
    assert new.used(rebased, NOW) >= old.used(bookings, NOW) - 1
    if isinstance(old, SlidingWindow):
        assert rebased == bookings


def test_a_full_bucket_in_debt_keeps_exactly_its_debt() -> None:
    """300 units missing of 600 are 300 missing of 1,200, and fill up in a quarter of a minute."""
    bookings = Bookings({NOW: 100}, (NOW + 20) * MICROS)
    assert BUCKET.used(bookings, NOW) == 300
    rebased = TokenBucket(1200, 60).rebased(bookings, NOW, 600)
    assert TokenBucket(1200, 60).used(rebased, NOW) == 300
    assert TokenBucket(1200, 60).used(rebased, NOW + 15) == 0


@pytest.mark.parametrize(
    ("slots", "units", "start"),
    [
        ({}, 1000, 0),
        ({0: 400}, 600, 0),
        ({0: 400}, 601, 62),  # a second for the slot, half for lateness, half for clocks
        ({-61: 400}, 1000, 1),
        ({-62: 1000}, 1000, 0),
        ({0: 400, 30: 400}, 300, 62),
        ({30: 400}, 601, 92),  # now would push the later booking over
        ({30: 400, 31: -50}, 600, 0),  # a negative slot promises nothing
        ({0: 1200}, 1, 62),  # overbooked after a quota was lowered
    ],
)
def test_when_a_window_has_room(slots: dict[int, int], units: int, start: int) -> None:
    """Seconds relative to now, in a window of 1,000 per minute."""
    bookings = Bookings({NOW + second: booked for second, booked in slots.items()})
    assert MINUTE.earliest(bookings, units, NOW) == NOW + start


@pytest.mark.parametrize(
    ("slots", "full_s", "units", "start"),
    [
        ({}, -100, 580, 0),  # two seconds of refill are kept back
        ({0: 580}, -100, 10, 1),
        ({0: 580}, -100, 580, 58),
        ({}, 30, 300, 2),
        ({-30: 300}, -100, 580, 0),  # refilled
        ({-30: 400}, -100, 480, 0),
        ({-30: 400}, -100, 490, 1),
        ({20: 580}, -100, 200, 0),  # what is taken now is back before the later booking
        ({20: 580}, -100, 210, 41),
        ({0: 300, 1: -100}, -100, 280, 0),  # a negative slot promises nothing
    ],
)
def test_when_a_bucket_has_room(slots: dict[int, int], full_s: int, units: int, start: int) -> None:
    """Seconds relative to now, in a bucket of 600 that refills 10 per second."""
    bookings = Bookings({NOW + second: booked for second, booked in slots.items()}, (NOW + full_s) * MICROS)
    assert BUCKET.earliest(bookings, units, NOW) == NOW + start


@pytest.mark.parametrize(
    ("limit", "slot_s", "capacity"),
    [
        (SlidingWindow(1000, 60), 1, 1000),
        (SlidingWindow(1000, 86_400), 1440, 1000),
        (TokenBucket(600, 60), 1, 580),
        (TokenBucket(30, 60), 1, 29),
        (TokenBucket(2, 60), 1, 1),
        (TokenBucket(1, 60), 1, 1),
        (TokenBucket(86_400, 86_400), 60, 86_339),
    ],
)
def test_slots_and_capacity(limit: Limiter, slot_s: int, capacity: int) -> None:
    """Long windows have long slots, so that they do not fill the item; a bucket always holds one unit."""
    assert (limit.slot_s, limit.capacity) == (slot_s, capacity)


def test_a_bucket_of_one_unit_waits_for_a_late_call() -> None:
    """There is no unit to shave, so the next call starts two seconds after the refill."""
    assert TokenBucket(1, 60).earliest(Bookings({NOW: 1}), 1, NOW) == NOW + 62


def test_a_late_refund_of_a_call_never_made_forgives_nobody_elses_use() -> None:
    """A refund goes to its own slot; taken from the bucket's debt it would cover a later call's use.

    500 booked at 0 but never called, 500 called at 55 when all was refilled: the vendor lacks 500, and so do we.
    """
    bookings = Bookings({NOW: 500 - 500, NOW + 55: 500})
    assert BUCKET.counts(NOW, NOW + 56)
    assert BUCKET.room(bookings, NOW + 56) == 580 - 490


@pytest.mark.parametrize(("limit", "age_s"), [(MINUTE, 61), (BUCKET, SETTLE_S), (SlidingWindow(9, 86_400), 61 * 1440)])
def test_a_slot_outlives_its_last_settlement(limit: Limiter, age_s: int) -> None:
    """Whoever may still settle into a slot finds it; it is dropped KEEP_S later, when nobody does any more."""
    slot, last_s = limit.slot_of(NOW), limit.slot_of(NOW) * limit.slot_s + age_s + limit.slot_s - 1
    bookings = Bookings({slot: 7})
    assert limit.counts(slot, last_s)
    assert not limit.counts(slot, last_s + 1)
    assert limit.aged(bookings, last_s + KEEP_S).slots == {slot: 7}
    assert limit.aged(bookings, last_s + KEEP_S + 1).slots == {}


def test_used_counts_the_last_window_and_the_missing_units() -> None:
    """What is booked ahead is not used yet."""
    slots = {NOW - 62: 1, NOW - 61: 10, NOW: 100, NOW + 1: 1000}
    assert MINUTE.used(Bookings(slots), NOW) == 110
    assert BUCKET.used(Bookings({NOW - 3: 100, NOW + 1: 500}), NOW) == 70
    assert BUCKET.used(Bookings(), NOW) == 0
