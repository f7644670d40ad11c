"""Whichever starts soonest; among those that can start now the cheapest for this call, then the pool's order."""

from __future__ import annotations

from collections.abc import Sequence

from rota.catalog import Model, Pool
from rota.routing.request import ModelRequest
from rota.routing.strategies import Live


def order(models: Sequence[Model], pool: Pool, request: ModelRequest, _live: Live) -> list[Model]:
    """By price: when each can start is the ledger's part."""
    return sorted(models, key=lambda model: (request.price_usd(model), pool.models.index(model.id)))
