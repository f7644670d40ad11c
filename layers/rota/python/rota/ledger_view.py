"""The pool as the API shows it: what each model may do, what of it is booked, when it could start a call."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from rota.accounts import Account
from rota.catalog import Catalog, Model
from rota.errors import NoCapacityError
from rota.pricing import booked_amounts


def models_view(
    catalog: Catalog, accounts: Mapping[str, Account], now_ms: int, simulated: Collection[str]
) -> dict[str, Any]:
    """Every model in OpenAI's list shape plus fields; `simulated` are the providers that a laptop plays."""
    data = [
        _model_view(catalog, model, accounts[model.id], now_ms) | {"simulated": model.provider in simulated}
        for model in catalog.models
    ]
    return {"object": "list", "data": data}


def _model_view(catalog: Catalog, model: Model, account: Account, now_ms: int) -> dict[str, Any]:
    return {
        "id": model.id,
        "object": "model",
        "owned_by": model.provider,
        "tier": model.tier,
        "pools": [name for name, pool in catalog.pools.items() if model.id in pool.models],
        "limits": _limits(model, account, now_ms),
        "next_start_ms": _next_start_ms(catalog, model, account, now_ms),
        "blocked_until_ms": account.blocked_until_s * 1000 if account.blocked_until_s * 1000 > now_ms else None,
        "calls": account.counters.calls,
        "refusals": account.counters.refusals,
    }


def _limits(model: Model, account: Account, now_ms: int) -> list[dict[str, Any]]:
    booked = {limit.kind: account.used(limit.kind.value, now_ms) for limit in model.limits}
    return [
        {
            "kind": limit.kind.value,
            "amount": limit.amount,
            "algorithm": limit.algorithm,
            "booked": booked[limit.kind],
            "used_share": round(booked[limit.kind] / limit.amount, 4),
        }
        for limit in model.limits
    ]


def _next_start_ms(catalog: Catalog, model: Model, account: Account, now_ms: int) -> int | None:
    """When a typical call of the summarise step could start; None when the model can never hold one."""
    step = catalog.steps.summarize
    try:
        return account.plan(booked_amounts(model, step.max_input_tokens, step.max_output_tokens), now_ms).start_ms
    except NoCapacityError:
        return None
