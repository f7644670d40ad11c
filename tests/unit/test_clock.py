"""The clock that follows the service's `Date` headers."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from rota.clock import ServiceClock

TRUE_MS = 1_763_640_000_000


class Wrong:
    """A local clock that is `error_ms` ahead of the true one, which the test moves."""

    def __init__(self, error_ms: int) -> None:
        self.error_ms, self.true_ms = error_ms, TRUE_MS

    def __call__(self) -> int:
        return self.true_ms + self.error_ms


def observe(clock: ServiceClock, local: Wrong, took_ms: int = 20) -> None:
    """One request whose reply is made half-way."""
    sent_ms = local()
    local.true_ms += took_ms
    made = datetime.fromtimestamp((local.true_ms - took_ms // 2) // 1000, UTC)
    clock.observe(format_datetime(made, usegmt=True), sent_ms, local())


def test_a_right_clock_is_left_alone() -> None:
    """Headers know whole seconds only; they must not disturb a clock that they do not contradict."""
    local = Wrong(0)
    clock = ServiceClock(local)
    for step_ms in (0, 333, 990, 5, 12_345):
        local.true_ms += step_ms
        observe(clock, local)
        assert clock.now_ms() == local.true_ms


@pytest.mark.parametrize("error_ms", [-40_000, -2000, -700, 700, 2000, 40_000])
def test_a_wrong_clock_comes_close_at_once_and_closer_with_every_reply(error_ms: int) -> None:
    """One reply leaves at most a second and the way; some more at odd moments leave less than the guard."""
    local = Wrong(error_ms)
    clock = ServiceClock(local)
    for replies in range(1, 30):
        local.true_ms += 377
        observe(clock, local)
        assert abs(clock.now_ms() - local.true_ms) <= (1020 if replies == 1 else 800)
    assert abs(clock.now_ms() - local.true_ms) <= 150


@pytest.mark.parametrize("error_ms", [-60, 60])
def test_a_nearly_right_clock_is_never_made_worse(error_ms: int) -> None:
    """A header that proves it wrong by a little moves it by as little, not to the middle of what is possible."""
    local = Wrong(error_ms)
    clock = ServiceClock(local)
    for _ in range(30):
        local.true_ms += 377
        observe(clock, local)
        assert abs(clock.now_ms() - local.true_ms) <= 60


def test_a_clock_that_was_set_anew_is_followed() -> None:
    """What was learned before contradicts the newest reply, which wins."""
    local = Wrong(0)
    clock = ServiceClock(local)
    observe(clock, local)
    local.error_ms = 90_000
    observe(clock, local)
    assert abs(clock.now_ms() - local.true_ms) <= 1020


@pytest.mark.parametrize("header", ["", "yesterday", "Thu, 99 Nov 2026 99:00:00 GMT"])
def test_a_malformed_header_is_ignored(header: str) -> None:
    """An intermediary may strip or break it."""
    clock = ServiceClock(lambda: TRUE_MS)
    clock.observe(header, 0, 1)
    assert clock.now_ms() == TRUE_MS


def test_the_system_clock_counts_milliseconds() -> None:
    """Without a replacement the real time is used."""
    assert ServiceClock().now_ms() > TRUE_MS
