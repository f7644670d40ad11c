"""Whose request this is, as the authorizer found it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast, get_args

from functions.serve_api.problems import NotAuthenticatedError
from rota.errors import InvalidInputError
from rota.keys import is_owner
from rota.routing.request import Stakes
from rota.schemas import Degree, UserTier


@dataclass(frozen=True, slots=True)
class Caller:
    """A key's owner, tier and monthly budget (None: none of its own), and what the request is charged to."""

    owner: str
    tier: UserTier
    budget_usd: float | None
    feature: str = "api"

    def stakes(self, value: Degree, error_tolerance: Degree, business_impact: Degree) -> Stakes:
        """What routing goes by."""
        return Stakes(self.owner, self.tier, self.feature, value, error_tolerance, business_impact)


def caller_of(context: Mapping[str, Any] | None, feature: str = "api") -> Caller:
    """The caller in the authorizer's context. Raises NotAuthenticatedError when there is none.

    Raises InvalidInputError for a feature that cannot name a counter.
    """
    if not is_owner(feature):
        raise InvalidInputError(
            "feature", "must be 1 to 63 of a-z, 0-9, dot, dash, underscore, and begin with a-z or 0-9"
        )
    found = context or {}
    owner, tier, budget = found.get("owner"), found.get("tier"), found.get("budget_usd")
    if not is_owner(owner):
        raise NotAuthenticatedError("this request carries no valid key")
    return Caller(
        str(owner),
        cast(UserTier, tier if tier in get_args(UserTier) else "free"),
        float(budget) if budget not in (None, "", "None") else None,
        feature,
    )
