"""The vendors' arithmetic, with time as an argument; Groq's figures are from refusals that people published."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.simulated.openai_wire import go_duration
from local.simulated.quotas import DAY_S, Charge, FixedWindow, Limit, Meter, Quotas, Refusal, SlidingWindow, TokenBucket
from local.simulated.tally import Tally, busiest


@pytest.mark.parametrize(
    ("kind", "limit", "used", "requested", "said"),
    [
        ("tpm", 6000, 5034, 1443, "4.77s"),
        ("tpd", 200_000, 197_494, 4035, "11m0.528s"),
        ("tpd", 100_000, 99_996, 484, "6m54.72s"),
        ("tpm", 6000, 3512.1, 3166, "6.781s"),
        ("rpm", 30, 29.3325, 1, "665ms"),
    ],
)
def test_a_bucket_computes_the_waits_that_groq_names(
    kind: str, limit: int, used: float, requested: int, said: str
) -> None:
    """`(used + requested - limit) / (limit / window)`, to the digit."""
    bucket = TokenBucket(Limit(kind, limit, "token_bucket"), refunds=False)
    bucket.charge(0, used)
    assert go_duration(bucket.wait_s(0, requested)) == said


def test_a_bucket_refills_all_the_time() -> None:
    """6,000 a minute are 100 a second, up to the brim and not above."""
    bucket = TokenBucket(Limit("tpm", 6000, "token_bucket"), refunds=False)
    bucket.charge(0, 6000)
    assert bucket.wait_s(0, 100) == 1.0
    assert bucket.wait_s(1, 100) == 0
    assert bucket.used(600) == 0
    assert bucket.wait_s(600, 6001) == math.inf


@pytest.mark.parametrize(("refunds", "left"), [(True, 100), (False, 1000)])
def test_a_bucket_gives_back_only_where_the_vendor_does(refunds: bool, left: float) -> None:
    """An overrun is charged either way, and a refund stops at the brim."""
    bucket = TokenBucket(Limit("tpm", 6000, "token_bucket"), refunds)
    charge = bucket.charge(0, 1000)
    bucket.settle(0, charge, 100)
    assert bucket.used(0) == left
    bucket.settle(0, Charge(0, 0), 500)
    assert bucket.used(0) == left + 500
    bucket.settle(600, Charge(0, 900), 100)
    assert bucket.used(600) == 0


def test_a_sliding_window_opens_when_its_oldest_charge_leaves() -> None:
    """Not a moment earlier, not a token more."""
    window = SlidingWindow(Limit("tpm", 100, "sliding_window"))
    window.charge(0, 60)
    window.charge(10, 40)
    assert (window.wait_s(10, 1), window.wait_s(10, 61), window.wait_s(10, 101)) == (50, 60, math.inf)
    assert window.wait_s(59.5, 60) == 0.5
    assert (window.wait_s(60, 60), window.used(60)) == (0, 40)


def test_a_settlement_keeps_its_place_in_the_window() -> None:
    """What is left of a charge still leaves 60 seconds after the call began."""
    window = SlidingWindow(Limit("tpm", 100, "sliding_window"))
    early, late = window.charge(0, 90), window.charge(5, 10)
    window.settle(30, early, 20)
    assert (window.used(30), window.used(60)) == (30, 10)
    window.settle(61, early, 0)
    assert window.used(61) == 10
    window.settle(62, late, 50)
    assert window.used(62) == 50


def test_a_fixed_window_turns_on_the_vendors_clock() -> None:
    """Everything is back at the full minute; a settlement of an earlier window changes nothing."""
    window = FixedWindow(Limit("tpm", 100, "fixed_window"))
    charge = window.charge(50, 80)
    assert (window.wait_s(50, 30), window.wait_s(50, 101)) == (10, math.inf)
    window.settle(59, charge, 10)
    assert (window.used(59), window.wait_s(60, 100)) == (10, 0)
    window.charge(60, 5)
    window.settle(61, charge, 0)
    assert window.used(61) == 5


Steps = st.lists(st.tuples(st.floats(0, 40), st.integers(1, 60), st.floats(0, 1)), min_size=1, max_size=60)


@given(Steps)
def test_no_window_ever_holds_more_than_the_quota(steps: list[tuple[float, int, float]]) -> None:
    """Whatever is admitted and given back, and the wait that is named is enough and not too long."""
    window = SlidingWindow(Limit("tpm", 100, "sliding_window"))
    now_s, admitted = 0.0, list[Charge]()
    for pause_s, units, kept in steps:
        now_s += pause_s
        wait_s = window.wait_s(now_s, units)
        now_s += wait_s
        assert window.wait_s(now_s, units) <= 1e-6
        charge = window.charge(now_s, units)
        window.settle(now_s, charge, math.ceil(units * kept))
        admitted.append(charge)
    assert busiest([c.at_s for c in admitted], [int(c.units) for c in admitted], 60 - 1e-6) <= 100


@given(Steps)
def test_a_bucket_never_grants_more_than_its_refill(steps: list[tuple[float, int, float]]) -> None:
    """In any span of t seconds at most capacity + t x rate."""
    bucket = TokenBucket(Limit("tpm", 60, "token_bucket"), refunds=False)
    now_s, granted = 0.0, 0
    for pause_s, units, _ in steps:
        now_s += pause_s + bucket.wait_s(now_s + pause_s, units)
        bucket.charge(now_s, units)
        granted += units
        assert granted <= 60 + now_s * 1.0 + 1e-6


def test_a_call_is_charged_to_all_quotas_or_none() -> None:
    """The refusal is that of the quota with the longest wait."""
    quotas = Quotas([Limit("tpm", 100, "sliding_window"), Limit("rpm", 2, "sliding_window")], refunds=True)
    first = quotas.admit(0, 30, 20)
    assert isinstance(first, list)
    refusal = quotas.admit(1, 30, 30)
    assert refusal == Refusal("tpm", 100, 50, 60, 59)
    assert {kind: used for kind, (_, used) in quotas.state(1).items()} == {"tpm": 50, "rpm": 1}
    quotas.settle(2, first, 30, 5)
    assert isinstance(quotas.admit(3, 30, 30), list)
    refusal = quotas.admit(4, 1, 1)
    assert isinstance(refusal, Refusal)
    assert (refusal.kind, refusal.requested) == ("rpm", 1)


@pytest.mark.parametrize(
    ("kind", "units", "window_s"),
    [("tpm", 35, 60), ("tpd", 35, DAY_S), ("itpm", 30, 60), ("otpm", 5, 60), ("rpm", 1, 60), ("rpd", 1, DAY_S)],
)
def test_each_kind_counts_its_own_units(kind: str, units: int, window_s: float) -> None:
    """Tokens in and out, one of them, or the request."""
    limit = Limit(kind, 1000, "sliding_window")
    assert (limit.units(30, 5), limit.window_s) == (units, window_s)


@pytest.mark.parametrize(
    "meter",
    [
        SlidingWindow(Limit("tpm", 10, "sliding_window")),
        FixedWindow(Limit("tpm", 10, "fixed_window")),
        TokenBucket(Limit("tpm", 10, "token_bucket"), refunds=True),
    ],
    ids=lambda meter: type(meter).__name__,
)
def test_every_way_of_counting_admits_up_to_the_quota(meter: Meter) -> None:
    """The last token fits, the next does not."""
    assert meter.wait_s(0, 10) == 0
    meter.charge(0, 10)
    assert meter.wait_s(0, 1) > 0
    assert meter.used(0) == 10


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0ms"), (0.0004, "1ms"), (0.665, "665ms"), (1, "1s"), (60, "1m0s"), (179.56, "2m59.56s"), (3602, "1h0m2s")],
)
def test_durations_are_written_as_go_does(seconds: float, text: str) -> None:
    """Rounded up to a millisecond: who waits that long has waited enough."""
    assert go_duration(seconds) == text


def test_the_tally_finds_the_busiest_minute() -> None:
    """Tokens count when their call was admitted; the window is half open."""
    tally = Tally()
    for at_s, tokens in ((0, 10), (30, 20), (59, 30), (60, 40), (200, 5)):
        tally.settle(tally.admit(at_s, 99), 1, 1, tokens)
        tally.leave()
    report = tally.report(250)
    assert (report["max_tokens_60s"], report["max_calls_60s"]) == (90, 3)
    assert report["tokens_per_window"] == {"0": 60, "1": 40, "3": 5}
    assert (report["tokens_last_60s"], report["used_tokens"], report["reserved_tokens"]) == (5, 105, 495)
    assert (report["concurrent"], report["concurrent_peak"]) == (0, 1)
