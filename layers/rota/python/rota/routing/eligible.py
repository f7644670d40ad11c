"""Which models can serve a request at all."""

from __future__ import annotations

from rota.catalog import Model
from rota.routing.request import ModelRequest


def ineligible(model: Model, request: ModelRequest) -> str | None:
    """Why `model` cannot serve `request`, as a sentence's end; None when it can."""
    if request.max_output_tokens > model.max_output_tokens:
        return f"writes at most {model.max_output_tokens} tokens"
    if model.max_input_tokens is not None and request.input_tokens > model.max_input_tokens:
        return f"is given at most {model.max_input_tokens} tokens of input, {request.input_tokens} are needed"
    needed = request.input_tokens + request.max_output_tokens
    if needed > model.context_tokens:
        return f"holds {model.context_tokens} tokens of context, {needed} are needed"
    amounts = request.amounts(model)
    for limit in model.limits:
        units = amounts[limit.name]
        if units > limit.most_at_once:
            return f"its {limit.name} quota admits {limit.most_at_once} at once, {units} are needed"
    return None
