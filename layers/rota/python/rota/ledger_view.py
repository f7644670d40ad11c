"""The pool as the API shows it: what each model may do, what of it is booked, when it could start a call."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from rota.accounts import Account
from rota.catalog import Catalog, Limit, Model
from rota.errors import NoCapacityError
from rota.health import judge
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
    counters = account.counters
    return {
        "id": model.id,
        "object": "model",
        "owned_by": model.provider,
        "tier": model.tier,
        "pools": [name for name, pool in catalog.pools.items() if model.id in pool.models],
        "disabled": account.standing.disabled,
        "breaker": _breaker(account, now_ms),
        "breaker_reason": (account.left_for or "failures in a row") if account.is_probed else None,
        "health": _health(catalog, account, now_ms),
        "limits": [limit_view(limit, account, now_ms) for limit in model.limits],
        "next_start_ms": _next_start_ms(catalog, model, account, now_ms),
        "blocked_until_ms": account.blocked_until_s * 1000 if account.blocked_until_s * 1000 > now_ms else None,
        "calls": counters.calls,
        "refusals": counters.refusals,
        "booked_tokens": counters.booked_tokens,
        "used_tokens": counters.used_tokens,
        "learned": _learned(catalog, model, account),
    }


def limit_view(limit: Limit, account: Account, now_ms: int) -> dict[str, Any]:
    """One quota: what it stands at and why, and what of it is booked."""
    kind, standing = limit.kind.value, account.standing
    amount = 0 if standing.closes(kind) else account.limiters[kind].amount
    booked = account.used(kind, now_ms)
    whole = account.whole[kind].amount
    return {
        "kind": kind,
        "amount": amount,
        "configured": limit.amount,
        "ceiling": limit.most,
        "found": standing.found.get(kind),
        "set_by_hand": standing.by_hand.get(kind),
        "shrunk_share": round(account.limiters[kind].amount / whole, 4),
        "algorithm": limit.algorithm,
        "booked": booked,
        "used_share": round(booked / amount, 4) if amount else 1.0,
    }


def _breaker(account: Account, now_ms: int) -> str:
    """Closed; open while calls keep off; half-open when one at a time may try."""
    if not account.is_probed:
        return "closed"
    return "open" if account.blocked_until_s * 1000 > now_ms else "half-open"


def _health(catalog: Catalog, account: Account, now_ms: int) -> dict[str, Any] | None:
    """What the model's calls were like lately; its probes, when it has left its pools. None while nobody watches."""
    if account.window is None:
        return None
    verdict = judge(account.window, account.snapshot(now_ms // 1000), catalog.routing.health)
    return {
        "since_ms": account.window.at_s * 1000,
        "calls": verdict.calls,
        "error_rate": round(verdict.error_rate, 4) if verdict.calls else None,
        "mean_latency_ms": verdict.mean_latency_ms,
        "verdict": verdict.sentence,
    }


def _learned(catalog: Catalog, model: Model, account: Account) -> dict[str, Any]:
    """What the model's calls have taught; latency and time-out are those of a call of the summarise step."""
    learned, output_tokens = account.learned, catalog.steps.summarize.max_output_tokens
    most_ms = round(catalog.providers[model.provider].timeout_s * 1000)
    return {
        "samples": learned.samples,
        "input_tokens_per_estimated_token": round(learned.input / learned.inputs / 1000, 3) if learned.inputs else None,
        "output_share_of_bound": round(learned.output / learned.notes / 1000, 3) if learned.notes else None,
        "mean_latency_ms": learned.latency_ms(output_tokens) if learned.paces else None,
        "timeout_ms": learned.timeout_ms(output_tokens, most_ms),
    }


def _next_start_ms(catalog: Catalog, model: Model, account: Account, now_ms: int) -> int | None:
    """When a typical call of the summarise step could start; None when the model can never hold one."""
    step = catalog.steps.summarize
    try:
        return account.plan(booked_amounts(model, step.max_input_tokens, step.max_output_tokens), now_ms).start_ms
    except NoCapacityError:
        return None
