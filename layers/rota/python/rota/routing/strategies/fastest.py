"""The model that answers calls like this one soonest, as its own calls have taught; unknown ones are tried first."""

from __future__ import annotations

from collections.abc import Sequence

from rota.catalog import Model, Pool
from rota.learned import Learned
from rota.routing.request import ModelRequest
from rota.routing.strategies import Live


def order(models: Sequence[Model], pool: Pool, request: ModelRequest, live: Live) -> list[Model]:
    """By mean latency for the output asked for."""

    def latency(model: Model) -> tuple[int, int]:
        known = live.get(model.id, Learned())
        return known.latency_ms(request.max_output_tokens), pool.models.index(model.id)

    return sorted(models, key=latency)
