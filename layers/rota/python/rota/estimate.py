"""Before anything is spent: how long a fan-out will take, what it will cost, and which models will carry it.

A model's quota admits at once what is free now and then its refill; the fan-out is over when the pool together
has admitted everything. The figures are what the ledger's arithmetic allows, plus one call's own duration.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rota.accounts import Account
from rota.catalog import Limit, Model
from rota.pricing import NANO, booked_amounts, cost_nanousd
from rota.usage import Usage

CALL_S = 3.0
"""A typical call of a small model, for the tail of the estimate."""
LONGEST_S = 86_400


@dataclass(frozen=True, slots=True)
class Load:
    """Calls to be made: how many, and their input and (bounded) output tokens together."""

    calls: int
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """`eta_s` seconds from now, `cost_usd`, and the share of the calls per model (0 to 1, adding up to 1)."""

    eta_s: int
    cost_usd: float
    mix: Mapping[str, float]


def estimate(load: Load, models: Sequence[Model], accounts: Mapping[str, Account], now_ms: int) -> Estimate:
    """The estimate for `load` on `models`, whose accounts were just read. An empty load costs nothing."""
    if not load.calls:
        return Estimate(0, 0.0, {})
    wait_s = _wait_s(load, models, accounts, now_ms)
    calls = {model.id: _calls_by(wait_s, load, model, accounts[model.id], now_ms) for model in models}
    if not wait_s:  # everything fits now: the pool takes turns, each model up to its room
        calls = {model_id: min(room, load.calls / len(models)) for model_id, room in calls.items()}
    total = sum(calls.values()) or 1.0
    mix = {model_id: round(count / total, 4) for model_id, count in calls.items()}
    usage = Usage(load.input_tokens, load.output_tokens)
    cost = sum(cost_nanousd(model, usage) * mix[model.id] for model in models) / NANO
    return Estimate(math.ceil(wait_s + CALL_S), round(cost, 6), mix)


def _wait_s(load: Load, models: Sequence[Model], accounts: Mapping[str, Account], now_ms: int) -> int:
    """The first second by which the pool has admitted every call (bisection: admission only grows)."""

    def admitted(after_s: int) -> bool:
        return sum(_calls_by(after_s, load, m, accounts[m.id], now_ms) for m in models) >= load.calls

    low, high = 0, LONGEST_S
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if admitted(middle) else (middle + 1, high)
    return low


def _calls_by(after_s: int, load: Load, model: Model, account: Account, now_ms: int) -> float:
    """How many of the load's average calls a model admits within `after_s` seconds: the tightest limit decides."""
    average = booked_amounts(model, load.input_tokens // load.calls, load.output_tokens // load.calls)
    return min(
        max(0.0, _units_by(after_s, limit, account.used(limit.kind.value, now_ms))) / max(1, average[limit.kind.value])
        for limit in model.limits
    )


def _units_by(after_s: int, limit: Limit, used: int) -> float:
    window_s = limit.kind.window_s
    if limit.algorithm == "token_bucket":
        return limit.amount - used + limit.amount * after_s / window_s
    return limit.amount * (1 + after_s // window_s) - used
