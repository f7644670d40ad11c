"""Whether a model is fit, from two snapshots of its counters."""

from __future__ import annotations

import math
from typing import Any

import pytest

from rota.health import CHANCE, Snapshot, judge
from rota.policy import Health

FIVE_MINUTES_AGO = Snapshot(1000, 5_000, 70, 9_000_000)


def verdict(calls: int, failures: int, latency_ms: int = 0, **policy: Any) -> tuple[str, str]:
    """State and sentence after so many answered and failed calls that took so long on average."""
    begin = FIVE_MINUTES_AGO
    now = Snapshot(1300, begin.calls + calls, begin.failures + failures, begin.latency_ms + calls * latency_ms)
    judged = judge(begin, now, Health(**policy))
    assert (judged.calls, judged.window_s) == (calls + failures, 300)
    return judged.state, judged.sentence


@pytest.mark.parametrize(
    ("calls", "failures", "state"),
    [
        (0, 0, "unknown"),
        (10, 9, "unknown"),  # 19 calls
        (11, 9, "failing"),
        (29, 1, "healthy"),  # 3.3 %, which says nothing
        (28, 2, "healthy"),
        (27, 3, "failing"),
        (96, 4, "healthy"),
        (95, 5, "failing"),
        (232, 8, "failing"),
        (99_000, 1_000, "healthy"),
        (98_900, 1_100, "failing"),
        (0, 25, "failing"),
    ],
)
def test_more_failures_than_chance_makes_of_one_percent(calls: int, failures: int, state: str) -> None:
    """The more calls there are, the nearer to 1 % is the share that is too much."""
    assert verdict(calls, failures)[0] == state


def test_the_limit_itself_seldom_fails() -> None:
    """A model of exactly 1 % shows as many failures as take it out in fewer than one window of twenty (Poisson)."""
    for calls in (20, 100, 240, 1_000):
        least = next(k for k in range(calls) if verdict(calls - k, k)[0] == "failing")
        mean = calls / 100
        below = sum(math.exp(-mean) * mean**k / math.factorial(k) for k in range(least))
        assert 1 - below < CHANCE


def test_slow_is_a_matter_of_the_mean() -> None:
    """Two seconds are too much where two seconds are the limit; without a limit nothing is."""
    assert verdict(100, 0, 2_000, max_latency_ms=2_000) == ("slow", "slow: 2.0 s on average")
    assert verdict(100, 0, 1_999, max_latency_ms=2_000) == ("healthy", "healthy")
    assert verdict(100, 0, 60_000)[0] == "healthy"
    assert verdict(19, 2, 9_000, max_latency_ms=2_000)[0] == "healthy"  # 21 calls, of which 19 were answered


def test_failing_goes_before_slow_and_says_how_much() -> None:
    """One sentence, for people."""
    assert verdict(310, 10, 9_000, max_latency_ms=2_000) == ("failing", "failing: 3.1 % of 320 calls")


def test_the_policy_sets_what_is_too_much() -> None:
    """More errors are allowed, or fewer calls enough."""
    assert verdict(80, 20, max_error_rate=0.2)[0] == "healthy"
    assert verdict(3, 2, min_calls=5)[0] == "failing"
