"""Each model gets its weight's share of the calls, evenly spread over a series.

Item i stands at the fractional part of i / golden ratio, which fills the unit interval more evenly than chance does
(the Weyl sequence of the golden ratio has the lowest discrepancy of its kind), and takes the model whose part of the
interval that is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from rota.catalog import Model, Pool
from rota.routing.request import ModelRequest
from rota.routing.strategies import Live

_INVERSE_GOLDEN_RATIO = (math.sqrt(5) - 1) / 2


def order(models: Sequence[Model], pool: Pool, request: ModelRequest, _live: Live) -> list[Model]:
    """The one whose turn it is, then the others by weight."""
    by_weight = sorted(models, key=lambda m: (-_weight(pool, m), pool.models.index(m.id)))
    at = request.rotation * _INVERSE_GOLDEN_RATIO % 1.0 * sum(_weight(pool, model) for model in models)
    for model in by_weight:
        at -= _weight(pool, model)
        if at < 0:
            return [model, *(other for other in by_weight if other is not model)]
    return by_weight


def _weight(pool: Pool, model: Model) -> float:
    return pool.weights.get(model.id, 1.0)
