"""Which models of a pool can serve a request at all."""

from __future__ import annotations

from collections.abc import Collection

from rota.catalog import Model
from rota.routing.request import ModelRequest


def ineligible(model: Model, request: ModelRequest, excluded: Collection[str]) -> str | None:
    """Why `model` cannot serve `request`, as a sentence's end; None when it can."""
    if model.id in excluded:
        return "failed for this call"
    if request.max_output_tokens > model.max_output_tokens:
        return f"writes at most {model.max_output_tokens} tokens"
    needed = request.input_tokens + request.max_output_tokens
    if needed > model.context_tokens:
        return f"holds {model.context_tokens} tokens of context, {needed} are needed"
    for limit in model.limits:
        units = request.amounts(model)[limit.kind.value]
        capacity = limit.limiter(limit.most).capacity
        if units > capacity:
            return f"its {limit.kind.value} quota admits {capacity} at once, {units} are needed"
    return None
