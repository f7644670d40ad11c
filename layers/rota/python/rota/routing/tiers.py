"""The tier for a request that names none: how demanding it is, how sure that is, and what hangs on the answer."""

from __future__ import annotations

from typing import cast

from rota.policy import Thresholds
from rota.routing.complexity import Complexity
from rota.routing.request import Stakes
from rota.schemas import Tier

TIER_OF_LEVEL = {"simple": 1, "medium": 2, "complex": 3}
HIGHEST = 3


def tier_for(complexity: Complexity, stakes: Stakes, thresholds: Thresholds) -> tuple[Tier, list[str]]:
    """The tier and the reasons for it, as sentences.

    Near a boundary one tier up; one up when errors hurt (low tolerance) or much depends on it (high impact), the
    highest for both at once and for what an enterprise values highly; one down where errors are caught later (high
    tolerance).
    """
    tier = TIER_OF_LEVEL[complexity.level]
    why = [f"{complexity.level}: score {complexity.score:.2f}, confidence {complexity.confidence:.2f}"]
    low, high = thresholds.unsure
    if low <= complexity.confidence <= high:
        tier += 1
        why.append("not sure of that: one tier up")
    careful = (stakes.error_tolerance == "low") + (stakes.business_impact == "high")
    if careful == 2 or (stakes.user_tier == "enterprise" and stakes.value == "high"):
        tier = HIGHEST
        why.append("too much depends on it for less than the highest tier")
    elif careful:
        tier += 1
        why.append("an error would hurt: one tier up")
    elif stakes.error_tolerance == "high":
        tier -= 1
        why.append("errors are caught later: one tier down")
    return cast(Tier, max(1, min(HIGHEST, tier))), why
