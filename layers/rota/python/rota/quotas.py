"""What a quota stands at: as configured, as the vendor was found to give it, as set by hand, shrunk after refusals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from rota.catalog import Limit
from rota.limits import Limiter

WHOLE = 1000
"""Permille of a quota that nobody refused."""
STEP = 930
"""A refusal leaves this many permille of what the quota stood at: six steps, two minutes, come down to two thirds."""
STEP_EVERY_S = 20
"""One step however many calls are refused at once: they all left under the same wrong quota."""
LEAST = 100
GROWTH = 10
"""Permille that come back in the first minute after a step; twice as many in the second, three times in the third."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What a model's item says about its quotas beside rota.yaml. `found` and `by_hand` are amounts per kind of limit.

    `shrunk` is the permille that the last refusal left at `shrunk_at_s` (epoch seconds).
    """

    found: Mapping[str, int] = field(default_factory=dict)
    by_hand: Mapping[str, int] = field(default_factory=dict)
    disabled: bool = False
    shrunk: int = WHOLE
    shrunk_at_s: int = 0

    def amount(self, limit: Limit) -> int:
        """The quota before any shrinking: set by hand, else found, else configured, and never above the ceiling."""
        kind = limit.kind.value
        return min(limit.most, self.by_hand.get(kind) or self.found.get(kind) or limit.amount)

    def permille(self, now_s: int) -> int:
        """How much of the quotas is used now: a shrunk one grows back, faster the longer nobody refuses."""
        minutes = max(0, now_s - self.shrunk_at_s) // 60
        return min(WHOLE, self.shrunk + GROWTH * minutes * (minutes + 1) // 2)

    def shrink(self, now_s: int) -> int:
        """The permille that a refusal now leaves."""
        return max(LEAST, self.permille(now_s) * STEP // WHOLE)

    def whole(self, limits: Iterable[Limit]) -> Mapping[str, Limiter]:
        """The arithmetic of each quota, not shrunk, by kind."""
        return {limit.kind.value: limit.limiter(self.amount(limit)) for limit in limits}

    def limiters(self, limits: Iterable[Limit], now_s: int) -> Mapping[str, Limiter]:
        """The arithmetic of each quota as it stands now. Quotas of a day do not shrink: their refusals last."""
        permille = self.permille(now_s)
        return {
            limit.kind.value: limit.limiter(
                _shrunk(self.amount(limit), permille if limit.kind.window_s == 60 else WHOLE)
            )
            for limit in limits
        }


def _shrunk(amount: int, permille: int) -> int:
    return max(1, amount * permille // WHOLE)
