"""How much input one call of a step may have: what the step allows, and what every model of its pool can take."""

from __future__ import annotations

from collections.abc import Iterable

from rota.catalog import Model, Step

TOKEN_LIMITS = ("tpm", "itpm", "tpd")


def input_budget(models: Iterable[Model], step: Step) -> int:
    """Input tokens of one call, prompt included, so that any model of the pool may take it.

    Sizes follow from the pool: on a quota of 8,000 tokens a minute a call of 10,000 could never start.
    """
    return min([step.max_input_tokens, *(_room(model, step.max_output_tokens) for model in models)])


def _room(model: Model, max_output_tokens: int) -> int:
    """What a model's context and quotas leave for the input of one call."""
    capacities = [limit.limiter().capacity for limit in model.limits if limit.kind.value in TOKEN_LIMITS]
    output = round(max_output_tokens * max(1.0, model.output_burndown))
    return min([model.context_tokens - max_output_tokens, *(capacity - output for capacity in capacities)])
