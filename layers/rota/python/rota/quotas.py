"""What a quota stands at: as configured, as the vendor was found to give it, as set by hand, shrunk after refusals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from rota.catalog import Limit
from rota.limits import Limiter

MINUTE_S = 60
WHOLE = 1000
"""Permille of a quota that nobody refused."""
STEP = 930
"""A refusal leaves at most this many permille of what the quota stood at: six steps come down to two thirds."""
STEP_EVERY_S = 20
"""One step however many calls are refused at once: they all left under the same wrong quota."""
DEEPEST_STEP = 500
"""A refusal leaves at least this many permille, whatever it shows: somebody else may have spent the rest just once."""
LEAST = 100
GROWTH = 10
"""Permille that come back in the first minute after a step; twice as many in the second, three times in the third."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What a model's item says about its quotas beside rota.yaml. `found` and `by_hand` are amounts per kind of limit.

    A quota found to be 0 (AWS gives new accounts such) closes the model, until somebody sets one by hand.
    `shrunk` is the permille that refusals left since the step at `shrunk_at_s` (epoch seconds), `floor` the least that
    this step may leave.
    """

    found: Mapping[str, int] = field(default_factory=dict)
    by_hand: Mapping[str, int] = field(default_factory=dict)
    disabled: bool = False
    shrunk: int = WHOLE
    shrunk_at_s: int = 0
    floor: int = 0

    def amount(self, limit: Limit) -> int:
        """The quota before any shrinking: set by hand, else found, else configured, and never above the ceiling."""
        kind = limit.kind.value
        return min(limit.most, self.by_hand.get(kind, self.found.get(kind, limit.amount)))

    def closes(self, kind: str) -> bool:
        """Whether the vendor was found to allow nothing of this kind at all."""
        return self.by_hand.get(kind, self.found.get(kind)) == 0

    def permille(self, now_s: int) -> int:
        """How much of the quotas is used now: a shrunk one grows back, faster the longer nobody refuses."""
        minutes = max(0, now_s - self.shrunk_at_s) // 60
        return min(WHOLE, self.shrunk + GROWTH * minutes * (minutes + 1) // 2)

    def stepped(self, now_s: int) -> bool:
        """Whether the last step is so recent that refusals now belong to it."""
        return now_s - self.shrunk_at_s < STEP_EVERY_S

    def shrink(self, now_s: int, shown: int) -> Standing:
        """What stands after a refusal now that has `shown` how much, in permille, there can be at most."""
        if self.stepped(now_s):
            return replace(self, shrunk=max(self.floor, min(self.shrunk, shown)))
        stood = self.permille(now_s)
        floor = max(LEAST, stood * DEEPEST_STEP // WHOLE)
        shrunk = max(floor, min(shown, stood * STEP // WHOLE))
        return replace(self, shrunk=shrunk, shrunk_at_s=now_s, floor=floor)

    def whole(self, limits: Iterable[Limit]) -> Mapping[str, Limiter]:
        """The arithmetic of each quota, not shrunk, by kind."""
        return {limit.kind.value: limit.limiter(_shrunk(self.amount(limit), WHOLE)) for limit in limits}

    def limiters(self, limits: Iterable[Limit], now_s: int) -> Mapping[str, Limiter]:
        """The arithmetic of each quota as it stands now. Quotas of a day do not shrink: their refusals last."""
        permille = self.permille(now_s)
        return {
            limit.kind.value: limit.limiter(
                _shrunk(self.amount(limit), permille if limit.kind.window_s == MINUTE_S else WHOLE)
            )
            for limit in limits
        }


def _shrunk(amount: int, permille: int) -> int:
    """At least 1: the arithmetic divides by it. Calls of a closed model are refused before any arithmetic."""
    return max(1, amount * permille // WHOLE)
