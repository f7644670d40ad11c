"""The dynamic pool in virtual time: real dispatchers and ledger, one look a minute, vendors that fail or are slow.

Two models with quota for everything; the first is the cheaper one and serves all calls while nothing is wrong.
"""

from __future__ import annotations

from typing import Any

from rota.policy import Health
from rota.pool_health import Move, look
from tests.fixtures.pool_world import EPOCH_S, PoolWorld
from tests.fixtures.pools import pool_of

RATE_PER_S = 1.5
LOOKS_FROM_S, LOOK_EVERY_S = 30, 60
WINDOW_S = 300
BEGIN_S, END_S, SECONDS = 420, 1020, 1500
"""When the trouble begins and ends, and the world."""


class Watched(PoolWorld):
    """A pool of two; `moves` are the changes of the pool and their times."""

    def __init__(self, seed: int, **policy: Any) -> None:
        catalog = pool_of("sliding_window", a=600_000, b=600_000)
        routing = catalog.routing.model_copy(update={"health": Health(**policy)})
        super().__init__(catalog.model_copy(update={"routing": routing}), seed)
        self.moves: list[tuple[float, Move]] = []
        self.arrivals(RATE_PER_S, SECONDS, priority="interactive")
        self.time.spawn(self._watch, at_s=EPOCH_S + LOOKS_FROM_S)

    def _watch(self) -> None:
        while self.now_s < SECONDS:
            self.moves += [(self.now_s, move) for move in look(self.catalog, self.processes[0].ledger)]
            self.time.sleep(LOOK_EVERY_S)

    def calls_of_a(self, from_s: float, until_s: float) -> int:
        """Calls that left for `a` in that time, whatever became of them."""
        count = 0
        for story in self.stories:
            models = [*(attempt.model for attempt in story.attempts), story.model]
            calls = zip(story.left_s, models, strict=False)
            count += sum(model == "a" and from_s <= left_s < until_s for left_s, model in calls)
        return count

    def share_of_a(self, from_s: float, until_s: float) -> float:
        """Of all calls that would have been its own."""
        return self.calls_of_a(from_s, until_s) / (RATE_PER_S * (until_s - from_s))


def test_a_model_that_fails_now_and_then_is_out_until_it_recovers() -> None:
    """5 % of calls: out within the window and a minute, then probes only; back within a window of the last failure."""
    world = Watched(seed=1)
    world.trouble("a", "error", BEGIN_S, END_S, probability=0.05)
    report = world.run()
    assert report.failed == {}
    (left_s, left), (back_s, back) = world.moves
    assert (left.model, left.event, back.event) == ("a", "model_left_pool", "model_came_back")
    assert left.why.startswith("failing: ")
    assert BEGIN_S < left_s <= BEGIN_S + WINDOW_S + LOOK_EVERY_S
    assert END_S < back_s <= END_S + WINDOW_S + 2 * LOOK_EVERY_S
    assert world.share_of_a(left_s + 60, END_S) < 0.12
    assert world.calls_of_a(left_s + 60, END_S) <= (END_S - left_s - 60) / 5 + 1  # one in five seconds
    assert world.share_of_a(back_s, SECONDS) > 0.8


def test_a_model_that_became_slow_is_out_until_it_recovers() -> None:
    """Three times its usual latency, a fifth above the limit: no call fails."""
    world = Watched(seed=1, max_latency_ms=2_000)
    world.trouble("a", "slow", BEGIN_S, END_S, factor=3.5)
    report = world.run()
    assert report.failed == {}
    (left_s, left), (back_s, _) = world.moves
    assert left.why.startswith("slow: 2.")
    assert BEGIN_S < left_s <= BEGIN_S + WINDOW_S + LOOK_EVERY_S
    assert END_S < back_s <= END_S + WINDOW_S + 2 * LOOK_EVERY_S
    assert world.share_of_a(left_s + 60, END_S) < 0.08
    assert world.share_of_a(back_s, SECONDS) > 0.8


def test_a_model_at_four_times_the_limit_is_out_at_once() -> None:
    """Time-outs open the breaker before anybody looks; slow answers of its probes do not close it, a quick one does."""
    world = Watched(seed=1, max_latency_ms=2_000)
    world.trouble("a", "slow", BEGIN_S, END_S, factor=12)
    report = world.run()
    assert report.failed == {}
    assert world.share_of_a(BEGIN_S + 60, END_S) < 0.08
    assert world.share_of_a(END_S + 60, SECONDS) > 0.8
    assert world.moves == []


def test_a_healthy_model_stays() -> None:
    """One call in two hundred fails, as everywhere."""
    world = Watched(seed=1, max_latency_ms=2_000)
    world.trouble("a", "error", probability=0.005)
    assert world.run().failed == {}
    assert world.vendors.models["a"].tally.faults["error"] > 3
    assert world.moves == []
    assert world.share_of_a(0, SECONDS) > 0.8
