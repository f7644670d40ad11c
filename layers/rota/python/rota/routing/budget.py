"""How much input one call of a step may have: what the step allows, and what every model of its pool can take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rota.accounts import Account
from rota.catalog import Model, Step
from rota.limits import Limiter

TOKEN_LIMITS = ("tpm", "itpm", "tpd")


def input_budget(models: Sequence[Model], step: Step, accounts: Mapping[str, Account] | None = None) -> int:
    """Input tokens of one call, prompt included, so that any model of the pool may take it.

    Sizes follow from the pool: on a quota of 8,000 tokens a minute a call of 10,000 could never start. `accounts`
    say what the quotas stand at now; without them they are as configured. Disabled models do not count.
    """
    accounts = accounts or {}
    used = [model for model in models if model.id not in accounts or not accounts[model.id].standing.disabled]
    rooms = [_room(model, step.max_output_tokens, _limiters(model, accounts.get(model.id))) for model in used or models]
    return min([step.max_input_tokens, *rooms])


def _limiters(model: Model, account: Account | None) -> Mapping[str, Limiter]:
    return account.whole if account else {limit.kind.value: limit.limiter() for limit in model.limits}


def _room(model: Model, max_output_tokens: int, limiters: Mapping[str, Limiter]) -> int:
    """What a model's context and quotas leave for the input of one call."""
    capacities = [limiter.capacity for kind, limiter in limiters.items() if kind in TOKEN_LIMITS]
    output = round(max_output_tokens * max(1.0, model.output_burndown))
    context = min(model.context_tokens - max_output_tokens, model.max_input_tokens or model.context_tokens)
    return min([context, *(capacity - output for capacity in capacities)])
