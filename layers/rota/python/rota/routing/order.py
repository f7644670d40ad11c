"""Strategies: in which order eligible models are preferred. The ledger then takes the first that can start now,
or else the one that can start soonest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from rota.catalog import Model, Pool
from rota.routing.request import ModelRequest

Strategy = Callable[[Sequence[Model], Pool, ModelRequest], list[Model]]


def rotate(models: Sequence[Model], pool: Pool, request: ModelRequest) -> list[Model]:
    """Item i prefers model i mod n of the whole pool, then the following ones."""
    turn, size = request.rotation % len(pool.models), len(pool.models)
    return sorted(models, key=lambda model: (pool.models.index(model.id) - turn) % size)


def earliest(models: Sequence[Model], pool: Pool, request: ModelRequest) -> list[Model]:
    """Whichever starts soonest; among those that can start now the cheapest for this call, then the pool's order."""

    def price(model: Model) -> tuple[float, int]:
        tokens = request.input_tokens, request.max_output_tokens
        return tokens[0] * model.price.input_usd + tokens[1] * model.price.output_usd, pool.models.index(model.id)

    return sorted(models, key=price)


STRATEGIES: Mapping[str, Strategy] = {"rotate": rotate, "earliest": earliest}
