"""Many waiting: one ticket each, in order, with interactive calls ahead. The dispatcher is real, time is not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fixtures.pool_report import PoolReport, percentile
from tests.fixtures.pool_world import PoolWorld
from tests.fixtures.pools import pool_of

BURST_S = 300.0
"""When the burst begins: the pool has been used before, so that its models have taught what calls use."""


def used_before(algorithm: Any, seed: int, **how: Any) -> PoolWorld:
    """Two models of 100,000 and 60,000 tokens a minute after fifty calls, idle again."""
    world = PoolWorld(pool_of(algorithm, strategy="rotate", a=100_000, b=60_000), seed=seed, **how)
    world.arrivals(1.0, 50)
    world.run()
    return world


def burst(world: PoolWorld, calls: int) -> PoolReport:
    """So many bulk calls at once."""
    world.burst(calls, at_s=BURST_S)
    return world.run()


@pytest.mark.parametrize("algorithm", ["sliding_window", "token_bucket"])
@pytest.mark.parametrize("seed", [1, 2])
def test_three_hundred_waiters_come_back_once_each(algorithm: str, seed: int) -> None:
    """At most 1.1 returns a call, nothing refused, and done as soon as an ideal queue would be, within a window."""
    world = used_before(algorithm, seed)
    before = len(world.stories)
    report = burst(world, 300)
    waiters = world.stories[before:]
    assert (report.refusals, report.failed) == (0, {})
    assert sum(story.returns for story in waiters) / len(waiters) <= 1.1
    makespan_s = max(story.ended_s for story in waiters) - BURST_S
    assert makespan_s < sum(story.spec.tokens for story in waiters) / 160_000 * 60 + 10


@pytest.mark.parametrize("algorithm", ["sliding_window", "token_bucket"])
def test_large_prompts_wait_no_longer_than_small_ones(algorithm: str) -> None:
    """The largest quarter against the rest at the 95th percentile: at most twice as long. Nobody starves."""
    report = burst(used_before(algorithm, 3), 300)
    assert report.waits["largest quarter"].p95_s <= 2 * report.waits["rest"].p95_s
    assert report.waits["all"].longest_s <= 1.3 * report.waits["all"].p95_s
    assert report.failed == {}


@pytest.mark.parametrize("algorithm", ["sliding_window", "token_bucket"])
def test_interactive_calls_pass_the_bulk_queue_of_another_job_while_the_pool_stays_full(algorithm: str) -> None:
    """One job floods the pool; the calls of another wait for room at most, not for the queue."""
    world = used_before(algorithm, 1)
    world.burst(300, at_s=BURST_S)
    world.arrivals(0.1, 240, at_s=BURST_S + 20, priority="interactive")
    report = world.run()
    interactive, bulk = report.waits["interactive"], report.waits["bulk"]
    assert interactive.p50_s <= bulk.p95_s / 10
    assert interactive.longest_s <= 70  # one window of the quota, whatever the length of the queue
    assert world.report(BURST_S, BURST_S + 240).used_share >= 0.95
    assert report.refusals == 0


def test_a_pool_that_nobody_used_before_is_not_left_idle() -> None:
    """What calls usually use stands in for what is not known yet: a cold burst ends as soon as a warm one."""
    world = PoolWorld(pool_of("token_bucket", a=100_000, b=60_000), seed=4)
    world.burst(300)
    report = world.run()
    assert report.makespan_s <= 1.05 * report.bound_s
    assert report.refusals == 0


def test_a_ticket_whose_holder_died_holds_nobody_up_for_longer_than_its_turn() -> None:
    """Two hundred take tickets and never return: whoever comes takes free room at once, and time empties the queue."""
    world = used_before("token_bucket", 5)
    for _ in range(200):
        world.submit(world.draw(), BURST_S)
    world.run(until_s=BURST_S + 3)  # everybody has asked; all who wait are gone
    before = len(world.stories)
    world.burst(20, at_s=BURST_S + 60)
    world.run()
    waits = [story.wait_s for story in world.stories[before:]]
    assert percentile(waits, 0.5) < 5
    assert all(story.outcome == "ok" for story in world.stories[before:])


@pytest.mark.parametrize(("algorithm", "least"), [("sliding_window", 0.95), ("token_bucket", 0.97)])
def test_sustained_overload_uses_the_quotas_up_and_no_more(algorithm: str, least: float) -> None:
    """Ten processes with clocks of their own, sixty callers: the figures of the ledger's promise."""
    world = PoolWorld(pool_of(algorithm, a=100_000, b=60_000), seed=1, processes=10)
    world.closed_loop(60, 600)
    report = world.run()
    assert world.report(180, 600).used_share >= least
    assert report.refusals == 0
    if algorithm == "sliding_window":
        assert all(most <= quota for most, quota in report.busiest_60s.values())
