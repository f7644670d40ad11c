"""What the quotas allow, whoever schedules: tokens admitted by a moment, and the earliest end of some work.

A bucket of Q admits Q at once and Q a minute from then on. A window admits Q at once and Q again every 60 s, so for T
tokens on Q a minute the earliest last start is T / Q x 60 - 60 s after the first, or (ceil(T / Q) - 1) x 60 s. Windows
that the vendor fixed before the run began (`phase_s` ago) open that much sooner. A model that is out admits nothing;
its bucket fills up meanwhile, its sliding window opens when it is back.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from benchmarks.peers.pools import Algorithm, PoolModel
from benchmarks.peers.workloads import Outage, Request

MINUTE_S = 60.0
_PRECISION_S = 0.001
_LONGEST_S = 86_400.0


def allowed_tokens(
    models: Sequence[PoolModel], algorithm: Algorithm, at_s: float, phase_s: float = 0.0, outage: Outage | None = None
) -> float:
    """The most tokens that calls started by `at_s` (seconds from the run's start) can have."""
    return sum(
        _allowed(model.tpm, algorithm, at_s, phase_s, outage if outage and outage.model == model.id else None)
        for model in models
    )


def _allowed(tpm: int, algorithm: Algorithm, at_s: float, phase_s: float, outage: Outage | None) -> float:
    if algorithm == "token_bucket":
        return _bucket(tpm, at_s, outage)
    return float(tpm * _openings(algorithm, at_s, phase_s, outage))


def _bucket(tpm: int, at_s: float, outage: Outage | None) -> float:
    rate = tpm / MINUTE_S
    if outage is None or at_s < outage.from_s:
        return tpm + rate * at_s
    before = tpm + rate * outage.from_s
    if at_s < outage.until_s:
        return before
    refilled = min(float(tpm), rate * (outage.until_s - outage.from_s))
    return before + refilled + rate * (at_s - outage.until_s)


def _openings(algorithm: Algorithm, at_s: float, phase_s: float, outage: Outage | None) -> int:
    """How many whole quotas a window model can have admitted by `at_s`."""
    count, opens_s = 0, 0.0
    while True:
        starts_s = opens_s
        if outage is not None and outage.from_s <= starts_s < outage.until_s:
            starts_s = outage.until_s
        if starts_s > at_s:
            return count
        count += 1
        if algorithm == "fixed_window":
            opens_s = (math.floor((starts_s + phase_s) / MINUTE_S) + 1) * MINUTE_S - phase_s
        else:
            opens_s = starts_s + MINUTE_S


def bound_s(
    requests: Sequence[Request],
    models: Sequence[PoolModel],
    algorithm: Algorithm,
    phase_s: float = 0.0,
    outage: Outage | None = None,
) -> float:
    """Before this many seconds the last call cannot have started.

    The pool has to admit all tokens, and the models whose context holds the large calls have to admit those.
    """
    earliest = max(request.at_s for request in requests)
    for context_tokens in sorted({model.context_tokens for model in models}):
        able = [model for model in models if model.context_tokens >= context_tokens]
        # Calls that no smaller context holds: these models, or larger ones, must serve them.
        smaller = [model.context_tokens for model in models if model.context_tokens < context_tokens]
        least = max(smaller, default=0)
        tokens = sum(r.tokens for r in requests if r.input_tokens + r.max_output_tokens > least)
        earliest = max(earliest, _earliest_s(tokens, able, algorithm, phase_s, outage))
    return earliest


def _earliest_s(
    tokens: int, models: Sequence[PoolModel], algorithm: Algorithm, phase_s: float, outage: Outage | None
) -> float:
    low, high = 0.0, _LONGEST_S
    if tokens <= allowed_tokens(models, algorithm, 0.0, phase_s, outage):
        return 0.0
    while high - low > _PRECISION_S:
        middle = (low + high) / 2
        if allowed_tokens(models, algorithm, middle, phase_s, outage) >= tokens:
            high = middle
        else:
            low = middle
    return round(high, 2)


def ideal_starts_s(
    requests: Sequence[Request], models: Sequence[PoolModel], algorithm: Algorithm, phase_s: float = 0.0
) -> list[float]:
    """When each call starts in one central queue, first come first served, that spends the pool to the last token.

    For calls without predecessors. Nobody can wait less on average but by serving small calls first.
    """
    starts, tokens = {}, 0
    for request in sorted(requests, key=lambda request: (request.at_s, request.index)):
        tokens += request.tokens
        starts[request.index] = max(request.at_s, _earliest_s(tokens, models, algorithm, phase_s, None))
    return [starts[request.index] for request in requests]
