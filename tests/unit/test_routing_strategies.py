"""Each strategy by its table, with the figures of the notes that Rota started from."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from rota import routing
from rota.catalog import Catalog, Pool
from rota.learned import Learned, Sample, pace
from rota.policy import Strategy
from rota.routing.request import ModelRequest
from rota.routing.strategies import Live, strategy
from tests.fixtures.tiers import three_tiers

ALL = ("small", "small-elsewhere", "tiny", "middle", "strong")


def order(
    name: Strategy, models: tuple[str, ...] = ALL, rotation: int = 0, live: Live | None = None, **pool: object
) -> list[str]:
    """The ids in the strategy's order."""
    catalog: Catalog = three_tiers()
    made = Pool(models=models, strategy=name, **pool)  # type: ignore[arg-type]
    request = ModelRequest("chat", "", 1000, 1000, rotation=rotation)
    return [model.id for model in strategy(name)([catalog.model(m) for m in models], made, request, live or {})]


def test_every_strategy_is_a_file_of_its_name_and_none_is_left_over() -> None:
    """What can be written in rota.yaml can be loaded, and the other way round."""
    files = {path.stem for path in (Path(routing.__path__[0]) / "strategies").glob("*.py")} - {"__init__"}
    assert files == {name.value for name in Strategy}
    for name in Strategy:
        assert sorted(order(name)) == sorted(ALL)


def test_rotate_gives_item_i_to_model_i_mod_n() -> None:
    """Five pages, five models: one each; page 6 is the first model's again."""
    assert [order(Strategy.ROTATE, rotation=at)[0] for at in range(6)] == [*ALL, ALL[0]]


def test_earliest_breaks_ties_by_the_price_of_this_call() -> None:
    """A thousand tokens in and out: $0.15, $0.40, $0.60, $2, $30 per thousand calls."""
    assert order(Strategy.EARLIEST) == ["tiny", "small", "small-elsewhere", "middle", "strong"]


def test_cheapest_divides_the_price_by_the_quota() -> None:
    """Seed B8, cost ÷ TPM: a small quota makes the cheapest model dear (0.15/10k against 0.4/120k per 1k tokens)."""
    assert order(Strategy.CHEAPEST) == ["small", "small-elsewhere", "tiny", "middle", "strong"]


def test_fastest_goes_by_what_calls_have_taught() -> None:
    """Means of 900, 300 and 600 ms; a model that nobody knows is tried first."""
    live = {
        name: Learned.of(Sample(1000, 500, pace(latency_ms, 1000)))
        for name, latency_ms in {"small": 900, "tiny": 300, "middle": 600}.items()
    }
    assert order(Strategy.FASTEST, ("small", "tiny", "middle", "strong"), live=live) == [
        "strong",
        "tiny",
        "middle",
        "small",
    ]


@pytest.mark.parametrize("items", [20, 200, 2000])
def test_weighted_shares_are_kept_from_the_first_items_on(items: int) -> None:
    """7 : 2 : 1 is met within two calls at every length of the series, which chance would not do."""
    models, weights = ("small", "middle", "strong"), {"small": 7.0, "middle": 2.0, "strong": 1.0}
    first = Counter(order(Strategy.WEIGHTED, models, at, weights=weights)[0] for at in range(items))
    for name, weight in weights.items():
        assert abs(first[name] - items * weight / 10) <= 2


def test_a_weight_of_nothing_is_the_last_resort() -> None:
    """It is never first, and still there when the others fail."""
    firsts = {order(Strategy.WEIGHTED, ("small", "tiny"), at, weights={"tiny": 0.0})[0] for at in range(50)}
    assert firsts == {"small"}
