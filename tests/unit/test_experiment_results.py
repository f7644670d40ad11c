"""Experiments: counters by arm, and what they allow to be said."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from rota.outcomes.experiments import ArmTotals, ExperimentResults, one_call, results
from rota.outcomes.intervals import newcombe, wilson
from rota.policy import Experiment
from tests.fixtures.outcomes import TABLE, outcomes_table

NOW = 1_795_183_200_000
EXPERIMENT = Experiment.model_validate(
    {"arms": [{"name": "now", "percent": 80}, {"name": "small", "percent": 20, "use": {"tier": 1}}]}
)


@pytest.fixture
def dynamodb() -> Iterator[Any]:
    """The table of one test."""
    with outcomes_table() as client:
        yield client


@pytest.fixture
def store(dynamodb: Any) -> ExperimentResults:
    """The results of one test."""
    return ExperimentResults(dynamodb, TABLE)


def test_calls_and_ratings_add_up_by_arm(store: ExperimentResults) -> None:
    """Squares too; other experiments apart."""
    store.add("tone", "now", one_call(ok=True, fallback=True, cost_nanousd=10, latency_ms=300), NOW)
    store.add("tone", "now", one_call(ok=False, fallback=False, cost_nanousd=0, latency_ms=500), NOW)
    store.add("tone", "now", ArmTotals(rated_bad=1), NOW)
    store.add("tone", "small", ArmTotals(rated_good=1), NOW)
    store.add("other", "now", one_call(ok=True, fallback=False, cost_nanousd=1, latency_ms=1), NOW)
    assert store.arms("tone") == {
        "now": ArmTotals(2, 1, 1, 10, 100, 800, 340_000, 0, 1),
        "small": ArmTotals(rated_good=1),
    }
    assert store.arms("nothing") == {}


def test_the_dearest_calls_are_counted_to_the_last_digit(store: ExperimentResults) -> None:
    """Ten million calls of $9.99 and ten minutes, twice: 28 digits, which DynamoDB and its emulators hold exactly."""
    many, once = 10**7, one_call(ok=True, fallback=False, cost_nanousd=9_999_999_999, latency_ms=599_999)
    half = ArmTotals(many, many, 0, *(many * each for each in (once.cost_nanousd, once.cost_squares)))
    for _ in range(2):
        store.add("tone", "now", half, NOW)
    totals = store.arms("tone")["now"]
    assert totals.cost_squares == 2 * many * 9_999_999_999**2
    assert len(str(totals.cost_squares)) == 28


def test_results_say_what_is_known_of_each_arm() -> None:
    """In the experiment's order; the first is what the others are compared with."""
    now, small = ArmTotals(80, 76, 4, 80_000, 90_000_000, 80_000, 81_000_000), ArmTotals(20, 12, 0, 2_000, 210_000)
    first, second = results(EXPERIMENT, {"small": small, "now": now})
    assert (first["arm"], first["percent"], first["calls"], first["ok"], first["fallbacks"]) == ("now", 80, 80, 76, 4)
    assert (first["success_rate"], first["success_interval"]) == (0.95, wilson(76, 80))
    assert (first["mean_latency_ms"], first["mean_cost_usd"]) == (1000, 1e-6)
    low, high = first["latency_interval_ms"]
    assert (low + high) / 2 == pytest.approx(1000)
    assert high - 1000 == pytest.approx(1.96 * ((81_000_000 - 80 * 1000**2) / 79 / 80) ** 0.5)
    assert first["cost_interval_usd"][0] < 1e-6 < first["cost_interval_usd"][1]
    assert "success_difference" not in first
    assert second["success_difference"] == pytest.approx(-0.35)
    assert second["difference_interval"] == newcombe((12, 20), (76, 80))
    assert second["decided"] is True


def test_few_calls_decide_nothing() -> None:
    """An interval that holds zero is said to; an arm without calls has no figures, and nothing is divided by zero."""
    one = one_call(ok=True, fallback=False, cost_nanousd=5, latency_ms=7)
    first, second = results(EXPERIMENT, {"now": one})
    assert (first["mean_latency_ms"], first["latency_interval_ms"], first["cost_interval_usd"]) == (7, None, None)
    assert (second["calls"], second["success_rate"], second["mean_cost_usd"]) == (0, None, None)
    assert (second["success_difference"], second["difference_interval"]) == (None, (-1.0, 1.0))
    assert second["decided"] is False


def test_arms_that_are_no_longer_there_are_left_out() -> None:
    """The file says what is compared."""
    assert [arm["arm"] for arm in results(EXPERIMENT, {"old": ArmTotals(5, 5)})] == ["now", "small"]


def test_counters_go_after_thirteen_months(store: ExperimentResults, dynamodb: Any) -> None:
    """Counted from the last call."""
    store.add("tone", "now", ArmTotals(n=1), NOW)
    [item] = dynamodb.scan(TableName=TABLE)["Items"]
    assert item["expires_s"] == {"N": "1830297600"}
