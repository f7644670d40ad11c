"""Before anything is spent: how long a fan-out will take, what it will cost, and which models will carry it.

A model's quota admits at once what is free now and then its refill; the fan-out is over when the pool together
has admitted everything. The figures are what the ledger's arithmetic allows, plus one call's own duration.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rota.accounts import Account
from rota.catalog import Model
from rota.limits import Limiter, TokenBucket
from rota.pricing import NANO, cost_nanousd
from rota.routing.request import ModelRequest
from rota.usage import Usage

CALL_S = 3.0
"""A typical call of a small model, for the tail of the estimate, while nothing is known of the pool's own."""
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


@dataclass(frozen=True, slots=True)
class _Carrier:
    """One model and the load: what its average call is likely to use, and what is taken of its quotas now.

    `queue_s` is how long others who wait keep the model busy first.
    """

    model: Model
    request: ModelRequest
    account: Account
    expected: Mapping[str, int]
    used: Mapping[str, int]
    queue_s: float

    def calls_by(self, after_s: float) -> float:
        """How many calls the model admits within `after_s` seconds: the tightest limit decides."""
        if self.account.standing.disabled:
            return 0.0
        own_s = max(0.0, after_s - self.queue_s)
        return min(
            max(0.0, _units_by(own_s, limit, self.used[kind])) / max(1, self.expected[kind])
            for kind, limit in self.account.limiters.items()
        )

    @property
    def cost_nanousd(self) -> int:
        """Of one average call."""
        usage = self.account.learned.expected(self.request.input_tokens, self.request.max_output_tokens)
        return cost_nanousd(self.model, Usage(*usage))

    @property
    def call_s(self) -> float:
        """How long one call takes."""
        return self.account.learned.latency_ms(self.request.max_output_tokens) / 1000 or CALL_S


def estimate(load: Load, models: Sequence[Model], accounts: Mapping[str, Account], now_ms: int) -> Estimate:
    """The estimate for `load` on `models`, whose accounts were just read. An empty load costs nothing."""
    if not load.calls:
        return Estimate(0, 0.0, {})
    carriers = [_carrier(load, model, accounts[model.id], now_ms) for model in models]
    wait_s = _wait_s(load, carriers)
    calls = {each.model.id: each.calls_by(wait_s) for each in carriers}
    if not wait_s:  # everything fits now: the pool takes turns, each model up to its room
        calls = {model_id: min(room, load.calls / len(models)) for model_id, room in calls.items()}
    total = sum(calls.values()) or 1.0
    mix = {model_id: round(count / total, 4) for model_id, count in calls.items()}
    cost = load.calls * sum(each.cost_nanousd * mix[each.model.id] for each in carriers) / NANO
    call_s = max(each.call_s for each in carriers)
    return Estimate(math.ceil(wait_s + call_s), round(cost, 6), mix)


def _carrier(load: Load, model: Model, account: Account, now_ms: int) -> _Carrier:
    request = ModelRequest("summarize", "", load.input_tokens // load.calls, load.output_tokens // load.calls)
    expected = request.claim(model, account.learned, 0).expected
    used = {kind: account.used(kind, now_ms) for kind in account.limiters}
    return _Carrier(model, request, account, expected, used, max(0, account.tail_ms - now_ms) / 1000)


def _wait_s(load: Load, carriers: Sequence[_Carrier]) -> int:
    """The first second by which the pool has admitted every call (bisection: admission only grows)."""
    low, high = 0, LONGEST_S
    while low < high:
        middle = (low + high) // 2
        admitted = sum(each.calls_by(middle) for each in carriers)
        low, high = (low, middle) if admitted >= load.calls else (middle + 1, high)
    return low


def _units_by(after_s: float, limit: Limiter, used: int) -> float:
    if isinstance(limit, TokenBucket):
        return limit.amount - used + limit.amount * after_s / limit.window_s
    return limit.amount * (1 + after_s // limit.window_s) - used
