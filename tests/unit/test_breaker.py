"""What answers change of a breaker."""

from __future__ import annotations

import pytest

from rota.accounts import Counters
from rota.booking import Booking
from rota.breaker import Change, answered, counted, still_out
from rota.policy import Health

NOW_S = 1_763_640_000
HEALTH = Health(max_latency_ms=2_000, window_minutes=5)
IN_TIME, SLOW, REFUSED = Counters(calls=1, latency_ms=1_999), Counters(calls=1, latency_ms=2_000), Counters(refusals=1)
OVER, AHEAD = NOW_S, NOW_S + 1
"""A model that left its pools may be back, or not yet."""


def booking(strikes: int = 0, out_until_s: int = 0) -> Booking:
    """Booked while so much stood against the model."""
    return Booking("m", NOW_S * 1000, NOW_S, {}, "n", strikes=strikes, out_until_s=out_until_s)


@pytest.mark.parametrize(
    ("strikes", "out_until_s", "counters", "sets", "removes"),
    [
        (0, 0, IN_TIME, {}, ()),
        (1, 0, IN_TIME, {}, ("y",)),
        (1, 0, SLOW, {}, ("y",)),  # no probe: only what fails counts
        (2, 0, IN_TIME, {"b": 0}, ("y",)),
        (2, 0, SLOW, {"b": NOW_S + 15}, ()),
        (2, 0, REFUSED, {}, ("y",)),  # alive; the refusal itself says until when to keep off
        (2, 0, Counters(), {"b": 0}, ("y",)),  # a request that was too large
        (2, AHEAD, IN_TIME, {"b": NOW_S + 5}, ()),
        (0, AHEAD, IN_TIME, {"b": NOW_S + 5}, ()),  # a settlement under way has taken the strikes
        (2, OVER, IN_TIME, {"yu": 0, "b": 0}, ("y",)),
        (2, OVER, SLOW, {"b": NOW_S + 15, "yu": NOW_S + 300}, ()),
        (2, AHEAD, SLOW, {"b": NOW_S + 15, "yu": NOW_S + 300}, ()),
        (2, OVER, REFUSED, {}, ()),
        (2, OVER, Counters(), {}, ()),
    ],
)
def test_an_answer(
    strikes: int, out_until_s: int, counters: Counters, sets: dict[str, int], removes: tuple[str, ...]
) -> None:
    """Only a probe that is answered in time closes; a model that left its pools must have been out long enough."""
    assert answered(booking(strikes, out_until_s), counters, HEALTH, NOW_S) == Change(sets, removes)


def test_without_a_latency_limit_no_answer_is_slow() -> None:
    """However long it took."""
    assert answered(booking(2), SLOW, Health(), NOW_S) == Change({"b": 0}, ("y",))


def test_a_failed_probe_begins_the_time_out_anew() -> None:
    """For models that left their pools; what strikes alone opened, closes by one answer."""
    assert still_out(booking(2, AHEAD), HEALTH, NOW_S) == {"yu": NOW_S + 300}
    assert still_out(booking(2), HEALTH, NOW_S) == {}


def test_slow_probes_are_counted_as_just_allowed() -> None:
    """Other calls as they were."""
    late = Counters(calls=1, latency_ms=9_000)
    assert counted(booking(2), late, HEALTH).latency_ms == 2_000
    assert counted(booking(2), IN_TIME, HEALTH).latency_ms == 1_999
    assert counted(booking(1), late, HEALTH).latency_ms == 9_000
    assert counted(booking(2), late, Health()).latency_ms == 9_000
