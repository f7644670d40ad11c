"""The ledger's invariants, with random callers against vendors that count for themselves (see `ledger_world`)."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fixtures.ledger_world import Habits, World, catalog_of
from tests.fixtures.schedule_model import earliest
from tests.fixtures.vendor_model import over_bucket, over_fixed_window, over_sliding_window

seeds = st.integers(0, 1 << 40)
worlds = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
WINDOW, BUCKET = "sliding_window", "token_bucket"
MODELS = {
    "window": [("tpm", 20_000, WINDOW)],
    "windows": [("tpm", 20_000, WINDOW), ("rpm", 12, WINDOW)],
    "bucket": [("tpm", 20_000, BUCKET)],
    "buckets": [("tpm", 20_000, BUCKET), ("rpm", 12, BUCKET), ("rpd", 200, BUCKET), ("tpd", 150_000, BUCKET)],
    "mixed": [("itpm", 20_000, WINDOW), ("otpm", 16_000, BUCKET), ("rpd", 150, WINDOW)],
    "narrow": [("tpm", 3000, WINDOW), ("rpm", 1, BUCKET)],
}


def worst_overrun(world: World, share: float = 1) -> float:
    """By how many units the worst call was over `share` of any quota of its vendor; at most 0 is in order."""
    overruns = [-float("inf")]
    for before, limit in zip(world.first_catalog.models[0].limits, world.catalog.models[0].limits, strict=True):
        kind, window_s = limit.kind.value, limit.kind.window_s
        quotas, calls = [(0.0, before.amount * share), (world.requoted_ms, limit.amount * share)], world.calls(kind)
        if limit.algorithm == WINDOW:
            overruns.append(over_sliding_window(calls, quotas, window_s))
            overruns += [over_fixed_window(calls, quotas, window_s, offset) for offset in range(0, 60_000, 7001)]
        else:
            overruns.append(float(over_bucket(calls, quotas, window_s)))
    return max(overruns)


@pytest.mark.parametrize("model", MODELS)
@worlds
@given(seed=seeds)
def test_no_call_is_ever_over_a_quota(model: str, seed: int) -> None:
    """Nothing over, with stale reads, interleavings, late calls, crashes, lost replies, refunds and late cancels."""
    world = World(seed, catalog_of(**{model: MODELS[model]}), Habits())
    world.run()
    assert world.booked
    assert worst_overrun(world) <= 0


@pytest.mark.parametrize("model", MODELS)
@worlds
@given(seed=seeds)
def test_no_call_is_over_a_quota_after_a_pause(model: str, seed: int) -> None:
    """Slots are named modulo 1,000: pauses around multiples of that must not wake old bookings or hide new ones."""
    habits = Habits(callers=3, seconds=80, idle=(0, 61, 300, 935, 1000, 1001, 4065))
    world = World(seed, catalog_of(**{model: MODELS[model]}), habits)
    world.run()
    assert worst_overrun(world) <= 0


@pytest.mark.parametrize("model", MODELS)
@worlds
@given(seed=seeds)
def test_no_news_of_the_vendor_leads_over_its_quota(model: str, seed: int) -> None:
    """Quotas shrink, grow back, are found and set by hand, breakers open and are probed, callers queue: never over."""
    world = World(seed, catalog_of(**{model: MODELS[model]}), Habits(news=0.15, block=0, seconds=200))
    world.run()
    assert world.booked
    assert worst_overrun(world) <= 0


@pytest.mark.parametrize("model", ["windows", "buckets", "mixed"])
@pytest.mark.parametrize("factor", [0.5, 0.93, 1.1, 3])
@worlds
@given(seed=seeds)
def test_no_call_is_over_a_quota_that_changed(model: str, factor: float, seed: int) -> None:
    """Time-valued state is re-based when the quota changes; what was booked before under a larger one is exempt."""
    changed = [(kind, max(1, int(amount * factor)), algorithm) for kind, amount, algorithm in MODELS[model]]
    habits = Habits(requoted=catalog_of(**{model: changed}), sizes=(200, 500, 1000))
    world = World(seed, catalog_of(**{model: MODELS[model]}), habits)
    world.run()
    assert worst_overrun(world) <= 0


@pytest.mark.parametrize("model", ["window", "bucket"])
@worlds
@given(seed=seeds)
def test_an_overrun_is_bounded_by_the_unbooked_use(model: str, seed: int) -> None:
    """A call that uses more than it booked can push others over, but never by more than the extra itself."""
    world = World(seed, catalog_of(**{model: MODELS[model]}), Habits(extra=0.3, sizes=(200, 1000)))
    world.run()
    assert worst_overrun(world) <= sum(extra for _, extra in world.extras)


@pytest.mark.parametrize("model", [name for name in MODELS if name != "narrow"])  # one unit refills late on purpose
@pytest.mark.parametrize("dies", [0, 0.1])
@worlds
@given(seed=seeds)
def test_nothing_is_stranded_and_nothing_is_lost(model: str, dies: float, seed: int) -> None:
    """At every quiet moment the slots add up to what the callers hold, and a plan starts when there is room first."""
    habits = Habits(fault=0, block=0, callers=5, seconds=100, dies_booking=dies, dies_settling=dies)
    world = World(seed, catalog_of(**{model: MODELS[model]}), habits)
    size = world.random.choice(habits.sizes)

    def compare() -> None:
        account, now_s = world.account(), int(world.now_ms // 1000)
        amounts = {kind: 1 if kind.startswith("rp") else size for kind in account.limiters}
        slots = {kind: world.slots(kind, limit.slot_of) for kind, limit in account.limiters.items()}
        plan = account.plan(amounts, int(world.now_ms))
        assert earliest(account.limiters, slots, amounts, now_s) <= plan.open_s
        assert plan.open_s <= earliest(account.limiters, slots, {kind: n + 1 for kind, n in amounts.items()}, now_s)

    world.after = lambda: compare() if world.random.random() < 0.05 else None
    world.run()
    totals = world.account().counters
    assert (totals.calls, totals.used_tokens) == (world.settled.calls, world.settled.used_tokens)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("fault", [0, 0.03])
@worlds
@given(seed=seeds)
def test_a_death_in_the_middle_of_a_write_costs_one_window_at_most(model: str, fault: float, seed: int) -> None:
    """Killed while booking or settling, the write lost or performed: counted as performed, and free a window later."""
    habits = Habits(fault=fault, crash=0.1, dies_booking=0.1, dies_settling=0.3, block=0, seconds=100)
    world = World(seed, catalog_of(**{model: MODELS[model]}), habits)
    world.run()
    totals = world.account().counters
    assert (totals.calls, totals.used_tokens) == (world.settled.calls, world.settled.used_tokens)
    world.use_up()
    assert worst_overrun(world) <= 0


@pytest.mark.parametrize("model", ["window", "windows", "bucket"])
def test_the_checkers_see_an_overrun(model: str) -> None:
    """A vendor with nine tenths of the quota refuses: the callers above use theirs up, and their judges can tell."""
    world = World(1, catalog_of(**{model: MODELS[model]}), Habits(callers=12, least_used=1))
    world.run()
    assert worst_overrun(world) <= 0 < worst_overrun(world, share=0.9)
