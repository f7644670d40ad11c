"""Money and quota units of a call."""

from __future__ import annotations

import pytest

from rota.catalog import Model, Price
from rota.pricing import booked_amounts, cost_nanousd, used_amounts
from rota.usage import Usage
from tests.fixtures.ledger_world import catalog_of

KINDS = ("tpm", "rpm", "itpm", "otpm", "tpd", "rpd")
MODEL = catalog_of(m=[(kind, 1_000_000, "sliding_window") for kind in KINDS]).models[0]


def model(**changes: object) -> Model:
    """A model with all six limits."""
    return MODEL.model_copy(update=changes)


@pytest.mark.parametrize(
    ("price", "usage", "nanousd"),
    [
        (Price(input_usd=0.035, output_usd=0.14), Usage(2700, 300), 136_500),
        (Price(input_usd=0.035, output_usd=0.14), Usage(1, 0), 35),
        (Price(input_usd=0.0001, output_usd=0), Usage(1, 0), 1),  # rounded up
        (Price(input_usd=0.1, output_usd=0.2), Usage(3, 0), 300),  # not 301 through binary fractions
        (Price(input_usd=1, output_usd=2, cached_usd=0.5), Usage(10, 10, 100), 80_000),
        (Price(input_usd=1, output_usd=2), Usage(0, 0, 100), 100_000),  # no price of its own: as other input
        (Price(input_usd=0, output_usd=0), Usage(10, 10, 10), 0),
    ],
)
def test_what_a_call_costs(price: Price, usage: Usage, nanousd: int) -> None:
    """Dollars per million tokens become billionths of a dollar per call."""
    assert cost_nanousd(model(price=price), usage) == nanousd


@pytest.mark.parametrize(
    ("burndown", "booked", "used"),
    [
        (1.0, {"tpm": 1500, "otpm": 500}, {"tpm": 1100, "otpm": 100}),
        (5.0, {"tpm": 3500, "otpm": 2500}, {"tpm": 1500, "otpm": 500}),
        (0.5, {"tpm": 1500, "otpm": 500}, {"tpm": 1050, "otpm": 50}),  # the vendor reserves max_tokens whole
    ],
)
def test_what_counts_against_each_limit(burndown: float, booked: dict[str, int], used: dict[str, int]) -> None:
    """Output burns down faster on some models; a request is a request; cached input is free of quota."""
    other = {"rpm": 1, "rpd": 1, "itpm": 1000}
    burning = model(output_burndown=burndown)
    assert booked_amounts(burning, 1000, 500) == booked | other | {"tpd": booked["tpm"]}
    assert used_amounts(burning, Usage(1000, 100, 700)) == used | other | {"tpd": used["tpm"]}


def test_only_the_models_own_limits_are_counted() -> None:
    """Callers pass the amounts on as they are."""
    assert booked_amounts(catalog_of(m=[("rpm", 9, "token_bucket")]).models[0], 1000, 500) == {"rpm": 1}
