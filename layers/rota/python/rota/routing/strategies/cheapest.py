"""The model whose quota's tokens cost least: price of this call ÷ tokens a minute, so that a large quota counts too."""

from __future__ import annotations

from collections.abc import Sequence

from rota.catalog import Model, Pool
from rota.routing.request import ModelRequest
from rota.routing.strategies import Live


def order(models: Sequence[Model], pool: Pool, request: ModelRequest, _live: Live) -> list[Model]:
    """By price ÷ configured tpm; a model without that quota stands as if it had the largest of the pool."""
    largest = max(map(_tpm, models), default=1.0) or 1.0
    return sorted(models, key=lambda m: (request.price_usd(m) / (_tpm(m) or largest), pool.models.index(m.id)))


def _tpm(model: Model) -> float:
    return max((limit.amount for limit in model.limits if limit.kind in ("tpm", "itpm")), default=0.0)
