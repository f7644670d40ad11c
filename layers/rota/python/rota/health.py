"""Whether a model is fit to stay in its pools: the vendor's failures and the latency between two looks at its counters.

Nothing here reads a clock or a table. Refusals (429) are no errors: the quotas handle them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from rota.policy import Health

CHANCE = 0.05
"""How seldom the limit itself would show so many failures: one failure in 30 calls says nothing about 1 %."""

State = Literal["unknown", "healthy", "failing", "slow"]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A model's lifetime totals at one moment (epoch s): answered calls and their latencies, the vendor's failures."""

    at_s: int
    calls: int
    failures: int
    latency_ms: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was seen in `window_s` seconds. `calls` are answered and failed ones; no latency without an answer."""

    state: State
    window_s: int
    calls: int
    error_rate: float
    mean_latency_ms: int | None

    @property
    def is_unfit(self) -> bool:
        """Whether the model is to leave its pools."""
        return self.state in ("failing", "slow")

    @property
    def sentence(self) -> str:
        """Such as `failing: 3.1 % of 320 calls` or `slow: 2.4 s on average`; otherwise the state alone."""
        if self.state == "failing":
            return f"failing: {100 * self.error_rate:.1f} % of {self.calls} calls"
        if self.state == "slow" and self.mean_latency_ms is not None:
            return f"slow: {self.mean_latency_ms / 1000:.1f} s on average"
        return self.state


def judge(earlier: Snapshot, now: Snapshot, health: Health) -> Verdict:
    """What the calls between two snapshots say of a model; `unknown` below `health.min_calls`."""
    answered, failures = now.calls - earlier.calls, now.failures - earlier.failures
    calls = answered + failures
    mean_ms = round((now.latency_ms - earlier.latency_ms) / answered) if answered else None
    state: State = "healthy"
    if calls < health.min_calls:
        state = "unknown"
    elif _exceeds(failures, calls * health.max_error_rate):
        state = "failing"
    elif answered >= health.min_calls and is_slow(mean_ms, health):
        state = "slow"
    return Verdict(state, now.at_s - earlier.at_s, calls, failures / calls if calls else 0.0, mean_ms)


def is_slow(latency_ms: int | None, health: Health) -> bool:
    """Whether a latency, of one call or on average, is above what the policy allows."""
    return latency_ms is not None and health.max_latency_ms is not None and latency_ms >= health.max_latency_ms


def _exceeds(failures: int, allowed: float) -> bool:
    """Whether so many failures are more than chance makes of an error rate that is just allowed.

    Chernoff's bound on a Poisson variable (Mitzenmacher and Upfal, Probability and Computing, 5.3): k or more come of
    a mean of m with a probability of at most exp(k - m) (m/k)^k. At 1 % they are 3 failures of 30 calls, 5 of 100, 8
    of 240, 19 of 1,000.
    """
    if failures <= allowed:
        return False
    return failures * math.log(failures / allowed) - (failures - allowed) > -math.log(CHANCE)
