"""How much input one call of a step may have: what the step allows, and what every model of its pool can take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rota.accounts import Account
from rota.catalog import Model, Step
from rota.learned import FRAME_TOKENS

TOKEN_LIMITS = ("tpm", "itpm", "tpd")

LEAST_FACTOR = 0.7
"""Batches grow by no more than 1 ÷ this over what their estimate says. English prose has 0.69 to 0.83 tokens for each
estimated one; what a model has learned from prose must not make batches of code or tables overflow."""

BYTES_PER_KB, BYTES_PER_TOKEN = 1024, 3.3
"""A batch of as many estimated tokens has no more bytes, in any script, save one of nothing but emoji."""


def input_budget(
    models: Sequence[Model], step: Step, accounts: Mapping[str, Account] | None = None, quota_share: float = 1.0
) -> int:
    """Input tokens of one call by estimate, prompt included, so that any model of the pool may take it.

    Sizes follow from the pool: on a quota of 8,000 tokens a minute a call of 10,000 could never start, and none may
    take more than `quota_share` of one. `accounts` say what the quotas stand at now, and how many tokens the models
    really count for an estimated one, so that batches are filled; without them quotas are as configured and estimates
    are believed. Disabled models do not count.
    """
    accounts = accounts or {}
    factor = max(_factor(accounts.get(model.id)) for model in _used(models, accounts))
    return min(int(step.max_input_tokens / factor), most_input(models, step, accounts, quota_share))


def most_input(
    models: Sequence[Model], step: Step, accounts: Mapping[str, Account] | None = None, quota_share: float = 1.0
) -> int:
    """The same whatever the step allows: what contexts, quotas and models' own bounds hold at most."""
    accounts = accounts or {}
    used = _used(models, accounts)
    return min(_room(model, step.max_output_tokens, accounts.get(model.id), quota_share) for model in used)


def _used(models: Sequence[Model], accounts: Mapping[str, Account]) -> Sequence[Model]:
    """Models that are not disabled, if there are any."""
    return [one for one in models if one.id not in accounts or not accounts[one.id].standing.disabled] or models


def _factor(account: Account | None) -> float:
    """Tokens for each estimated one; estimates are believed while little is known."""
    learned = account.learned.input_factor() if account else None
    return 1.0 if learned is None else max(LEAST_FACTOR, learned)


def _room(model: Model, max_output_tokens: int, account: Account | None, quota_share: float) -> int:
    """What a model's context, quotas and own size of batches leave for the input of one call."""
    output = round(max_output_tokens * max(1.0, model.output_burndown))
    factor = _factor(account)
    context = int((model.context_tokens - max_output_tokens) / max(1.0, factor))
    rooms = [context, model.max_input_tokens or context]
    if model.max_batch_kb:
        rooms.append(int(model.max_batch_kb * BYTES_PER_KB / BYTES_PER_TOKEN))
    for limit in model.limits:
        if limit.name in TOKEN_LIMITS:
            whole = account.whole[limit.name] if account else limit.limiter()
            rooms.append(int((whole.capacity * quota_share - output - FRAME_TOKENS * (factor != 1.0)) / factor))
            rooms.append(limit.most_at_once - output)  # by estimate too: see `eligible`
    return min(rooms)
