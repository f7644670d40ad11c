"""The provider disagrees: wrong quotas, other spenders, wrong clocks, outages and silence, in virtual time."""

from __future__ import annotations

from typing import Any

import pytest

from rota.quotas import WHOLE
from tests.fixtures.pool_report import percentile
from tests.fixtures.pool_world import EPOCH_S, PoolWorld
from tests.fixtures.pools import pool_of

WIRES = ["bedrock", "openai_compatible"]
ALGORITHMS = ["sliding_window", "token_bucket"]
SECONDS = 900
END_S = int(EPOCH_S) + SECONDS


def moved_after(world: PoolWorld, from_s: float) -> int:
    """How many calls left for a vendor in vain since then."""
    return sum(left_s >= from_s for story in world.stories for left_s in story.left_s[:-1])


def calls_after(world: PoolWorld, from_s: float) -> int:
    """How many calls were answered since then."""
    return sum(story.outcome == "ok" and story.ended_s >= from_s for story in world.stories)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("wire", WIRES)
def test_a_quota_configured_too_high_by_half_is_found_out_within_two_windows(wire: Any, algorithm: Any) -> None:
    """Refusals fall to near zero, and nearly all that there really is gets used; Groq says its limit at once."""
    limits = {"a": [{"kind": "tpm", "amount": 66_667, "algorithm": algorithm}]}
    world = PoolWorld(pool_of(algorithm, wire, a=100_000), seed=1, vendor_limits=limits)
    world.closed_loop(20, SECONDS)
    report = world.run()
    assert report.failed == {}
    assert moved_after(world, 120) <= 0.03 * calls_after(world, 120)
    assert world.report(300, SECONDS).used_share >= 0.9
    standing = world.processes[0].ledger.account("a").standing
    if wire == "openai_compatible":
        assert (standing.found, standing.permille(END_S)) == ({"tpm": 66_667}, WHOLE)
        assert moved_after(world, 120) == 0
    else:
        assert 580 <= standing.permille(END_S) <= 720


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("wire", WIRES)
def test_the_quota_shrinks_while_somebody_else_spends_it_and_grows_back(wire: Any, algorithm: Any) -> None:
    """Two fifths of the quota are spent by others for five minutes; five minutes later all of it is used again."""
    world = PoolWorld(pool_of(algorithm, wire, a=100_000), seed=1)
    world.spender("a", 2000, 3.0, 120, 420)
    world.closed_loop(20, 1020)
    report = world.run()
    assert report.failed == {}
    assert moved_after(world, 240) <= 0.03 * calls_after(world, 240)
    assert world.report(240, 420).used_share >= 0.5
    assert world.report(840, 1020).used_share >= 0.95


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_clocks_that_are_off_by_two_seconds_do_no_harm(algorithm: Any) -> None:
    """The service's own date corrects them."""
    world = PoolWorld(pool_of(algorithm, "bedrock", a=100_000), seed=1, skew_ms=(-2000.0, 2000.0))
    world.closed_loop(20, 300)
    assert world.run().refusals == 0


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("kind", ["outage", "capacity"])
def test_an_outage_opens_the_breaker_and_not_the_quota(wire: Any, kind: str) -> None:
    """503 and 498 move the calls; after some probes the model is back with the whole of its quota."""
    world = PoolWorld(pool_of("sliding_window", wire, a=200_000, b=200_000), seed=1)
    world.arrivals(0.8, 600, priority="interactive")
    world.trouble("a", kind, 200, 380)
    report = world.run()
    assert report.failed == {}
    assert sum(len(story.attempts) for story in world.stories) <= 20  # of 144 calls in the time of the outage
    account = world.processes[0].ledger.account("a")
    assert (account.standing.shrunk, account.strikes) == (WHOLE, 0)
    assert any(story.model == "a" and 380 < story.asked_s < 420 for story in world.stories)


@pytest.mark.parametrize("strategy", ["earliest", "rotate"])
def test_a_provider_that_accepts_and_hangs_costs_little(strategy: Any) -> None:
    """A time-out learned from the model's own latency: the 95th percentile stays within three times the healthy one."""
    world = PoolWorld(pool_of("sliding_window", "bedrock", strategy, a=200_000, b=200_000), seed=1)
    world.arrivals(0.8, 600, priority="interactive")
    world.trouble("a", "hang", 300, 480)
    report = world.run()

    def p95_s(from_s: float, until_s: float) -> float:
        return percentile([s.ended_s - s.asked_s for s in world.stories if from_s <= s.asked_s < until_s], 0.95)

    assert report.failed == {}
    assert p95_s(300, 480) <= 3 * p95_s(60, 300)
    assert p95_s(500, 600) <= 1.5 * p95_s(60, 300)


def test_a_slow_model_is_given_more_time_instead_of_being_lost() -> None:
    """Calls that time out count as samples: four times the latency is learned, and the model is used again."""
    world = PoolWorld(pool_of("sliding_window", "bedrock", a=200_000), seed=1)
    world.arrivals(0.3, 900, priority="interactive")
    world.trouble("a", "slow", 300, 900, factor=4)
    report = world.run()
    assert report.failed.keys() <= {"all_models_failed"}
    late = [story for story in world.stories if story.asked_s > 600]
    assert sum(story.outcome == "ok" for story in late) >= 0.9 * len(late)


@pytest.mark.parametrize("wire", WIRES)
def test_a_request_too_large_is_moved_and_never_repeated(wire: Any) -> None:
    """The vendor's 413: another model takes the call; the same one is not asked again."""
    world = PoolWorld(pool_of("sliding_window", wire, a=100_000, b=100_000), seed=1)
    world.burst(10)
    world.trouble("a", "too_large")
    report = world.run()
    assert report.calls_by_model == {"a": 0, "b": 10}
    for story in world.stories:
        models = [attempt.model for attempt in story.attempts]
        assert len(models) == len(set(models)) <= 1


def test_when_everything_is_down_calls_do_not_wait_for_each_others_probes() -> None:
    """A hundred at once: each gives up after half a minute, whoever probes meanwhile."""
    world = PoolWorld(pool_of("sliding_window", "bedrock", a=200_000, b=200_000), seed=1)
    world.trouble("a", "outage")
    world.trouble("b", "outage")
    world.burst(100)
    report = world.run()
    assert report.completed == 0
    assert report.failed.keys() <= {"all_models_failed", "no_capacity"}
    assert max(story.ended_s - story.asked_s for story in world.stories) < 45


def test_a_short_outage_of_everything_is_waited_out() -> None:
    """Ten seconds: only those fail who find out; the others wait."""
    world = PoolWorld(pool_of("sliding_window", "bedrock", a=200_000, b=200_000), seed=1)
    for model in ("a", "b"):
        world.trouble(model, "outage", 60, 70)
    world.arrivals(1.0, 120, task="summarize")
    report = world.run()
    assert sum(report.failed.values()) <= 5  # those who found out that both models are down
    assert report.completed >= 0.95 * len(world.stories)
