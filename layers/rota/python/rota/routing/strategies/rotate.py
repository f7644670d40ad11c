"""Item i prefers model i mod n of the whole pool, then the following ones."""

from __future__ import annotations

from collections.abc import Sequence

from rota.catalog import Model, Pool
from rota.routing.request import ModelRequest
from rota.routing.strategies import Live


def order(models: Sequence[Model], pool: Pool, request: ModelRequest, _live: Live) -> list[Model]:
    """A model that is left out gives its turn to the one after it."""
    turn, size = request.rotation % len(pool.models), len(pool.models)
    return sorted(models, key=lambda model: (pool.models.index(model.id) - turn) % size)
