"""The laboratory itself: repeatable, true to the vendors' words, and quick."""

from __future__ import annotations

import pytest

from rota.errors import (
    ProviderError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    RateLimitedError,
    RequestTooLargeError,
)
from rota.providers.base import Completion, ModelCall
from tests.fixtures.pool_calls import estimated_tokens, prompt_of
from tests.fixtures.pool_report import PoolReport
from tests.fixtures.pool_world import PoolWorld
from tests.fixtures.pools import pool_of
from tests.fixtures.virtual_vendors import VirtualProvider


def burst_of(calls: int, seed: int) -> PoolReport:
    """A burst on two windows."""
    world = PoolWorld(pool_of(a=100_000, b=60_000), seed)
    world.burst(calls)
    return world.run()


def test_a_seed_tells_everything() -> None:
    """The same seed gives the same run, another one another."""
    first = burst_of(40, seed=3)
    assert burst_of(40, seed=3) == first
    assert burst_of(40, seed=4) != first


def test_a_burst_on_windows_is_not_refused() -> None:
    """Sixty calls on 100k and 60k tokens a minute: two minutes' quotas, no refusal, never more than allowed."""
    report = burst_of(60, seed=1)
    assert (report.completed, report.failed, report.refusals) == (60, {}, 0)
    assert all(busiest <= quota for busiest, quota in report.busiest_60s.values())
    assert report.bound_s <= report.makespan_s < report.bound_s + 20
    assert report.waits["all"].calls == 60
    assert report.calls_by_model["a"] > report.calls_by_model["b"] > 0


def test_an_overloaded_bucket_is_used_up() -> None:
    """Workers that always want more than a bucket gives: next to nothing is left, nothing refused."""
    world = PoolWorld(pool_of("token_bucket", a=60_000), seed=2, processes=4)
    world.closed_loop(12, 240)
    report = world.run()
    assert report.refusals == 0
    assert 0.9 < world.report(60, 240).used_share < 1.1


def test_a_hanging_model_is_left() -> None:
    """Calls that get no answer go on to the other model after the time-out; the vendor keeps their charge."""
    world = PoolWorld(pool_of("token_bucket", timeout_s=20, a=200_000, b=200_000), seed=5)
    world.trouble("a", "hang", until_s=30)
    world.burst(10)
    report = world.run()
    assert (report.completed, report.calls_by_model) == (10, {"a": 0, "b": 10})
    moved = [story for story in world.stories if story.attempts]
    assert moved
    assert {story.attempts[0].code for story in moved} == {"provider_timeout"}
    assert all(20 <= story.left_s[1] - story.left_s[0] < 21 for story in moved)


def test_callers_of_every_kind_meet() -> None:
    """Arrivals, interactive calls and a stranger who spends the quota: the report keeps them apart."""
    world = PoolWorld(pool_of(a=100_000, b=60_000), seed=6)
    world.arrivals(1.0, 30)
    world.burst(3, at_s=10, priority="interactive", model="b", input_tokens=1000)
    world.spender("a", 5000, every_s=10, from_s=0, until_s=60)
    report = world.run()
    assert report.waits["interactive"].calls == 3
    assert report.waits["bulk"].calls + 3 == report.completed == len(world.stories)
    assert all(story.model == "b" for story in world.stories if story.spec.priority == "interactive")


def test_the_ideal_queue_is_a_bound() -> None:
    """Sixty calls on two windows: what fits at once waits for nothing, the rest for the window to turn."""
    world = PoolWorld(pool_of(a=100_000, b=60_000), seed=1)
    world.burst(60, spread_s=0.0)
    report, ideal = world.run(), world.ideal()
    assert (ideal["all"].calls, ideal["all"].p50_s) == (60, 0.0)
    assert ideal["all"].longest_s == pytest.approx(60, abs=0.01)
    assert ideal["all"].p95_s <= report.waits["all"].p95_s


def test_an_answer_can_be_cut_off() -> None:
    """A bound below what the model wants to write; the call completes, and the report counts it."""
    world = PoolWorld(pool_of(a=100_000), over_booking=0.5)
    world.burst(3)
    report = world.run()
    assert (report.completed, report.cut, report.unfinished) == (3, 3, 0)


def calling(world: PoolWorld, calls: int = 1, input_tokens: int = 900) -> list[Completion | ProviderError]:
    """What a provider says to callers who ask no ledger."""
    provider = VirtualProvider(world.vendors, "vendor")
    answers: list[Completion | ProviderError] = []

    def call() -> None:
        try:
            answers.append(provider.complete("a", "a", ModelCall("", prompt_of(input_tokens), 100), 30))
        except ProviderError as error:
            answers.append(error)

    for _ in range(calls):
        world.time.spawn(call)
    world.time.run()
    return answers


def test_vendors_count_what_the_specs_say() -> None:
    """Input as the prompt was made, half of the output that is allowed; headers say what is left."""
    world = PoolWorld(pool_of(a=10_000))
    (answer,) = calling(world)
    assert isinstance(answer, Completion)
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (900, 50)
    assert (answer.quota.limit_tokens, answer.quota.remaining_tokens) == (10_000, 9050)
    assert estimated_tokens(900) == -(-892 * 40 // 33)


def test_groq_says_when_to_come_back() -> None:
    """With the figures of its counter; above the whole quota it says never."""
    world = PoolWorld(pool_of("token_bucket", a=1500))
    errors = [answer for answer in calling(world, 2) if isinstance(answer, RateLimitedError)]
    assert [error.limit_tokens for error in errors] == [1500]
    assert errors[0].used_tokens == pytest.approx(1000, abs=5)
    assert errors[0].retry_after_s == pytest.approx(20, abs=0.2)
    (error,) = calling(world, input_tokens=2000)
    assert isinstance(error, RequestTooLargeError)
    assert world.report().refusals == 2


def test_bedrock_says_nothing() -> None:
    """A throttled call learns neither when nor how much."""
    world = PoolWorld(pool_of(kind="bedrock", a=1500))
    (error,) = [answer for answer in calling(world, 2) if isinstance(answer, RateLimitedError)]
    assert (error.retry_after_s, error.limit_tokens) == (None, None)


@pytest.mark.parametrize(
    ("kind", "error", "status"),
    [
        ("outage", ProviderUnavailableError, 503),
        ("capacity", ProviderUnavailableError, 498),
        ("too_large", RequestTooLargeError, 413),
        ("hang", ProviderTimeoutError, 0),
    ],
)
def test_trouble_has_its_error(kind: str, error: type[ProviderError], status: int) -> None:
    """As the wire would say it, and only while it lasts."""
    world = PoolWorld(pool_of("token_bucket", a=10_000))
    world.trouble("a", kind, until_s=10)
    (answer,) = calling(world)
    assert isinstance(answer, error)
    assert answer.status == status
    world.time.spawn(world.time.sleep, 10)
    world.time.run()
    assert isinstance(calling(world)[0], Completion)


def test_a_slow_vendor_finishes_what_nobody_awaits() -> None:
    """The caller leaves at its time-out, the vendor settles when it is done."""
    world = PoolWorld(pool_of("token_bucket", a=10_000))
    world.trouble("a", "slow", factor=1000)
    (answer,) = calling(world)
    assert isinstance(answer, ProviderTimeoutError)
    assert [call.tokens for call in world.vendors.models["a"].tally.admitted] == [950]


def test_vendors_may_have_other_quotas_than_the_catalog() -> None:
    """Windows of their own alignment among them: the second minute begins before ours does."""
    limits = {"a": [{"kind": "tpm", "amount": 2500, "algorithm": "fixed_window"}]}
    world = PoolWorld(pool_of(a=100_000), vendor_limits=limits)
    assert [isinstance(answer, Completion) for answer in calling(world, 3)].count(True) == 2
    world.time.spawn(world.time.sleep, 60 - 17.3 - world.now_s)
    world.time.run()
    assert isinstance(calling(world)[0], Completion)
