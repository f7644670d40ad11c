"""Rules of rota.yaml: conditions over a request's fields, of which the first that hold decide."""

from __future__ import annotations

from collections.abc import Callable

from rota.policy import Level, When
from rota.routing.request import ModelRequest

LevelOf = Callable[[], Level | None]
"""The request's complexity, found out only when a condition asks; None when there is nothing to judge by."""


def holds(when: When, request: ModelRequest, level: LevelOf) -> bool:
    """Whether all conditions that are given hold for the request."""
    stakes = request.stakes
    facts = (
        (when.task, request.task),
        (when.user_tier, stakes.user_tier),
        (when.value, stakes.value),
        (when.error_tolerance, stakes.error_tolerance),
        (when.business_impact, stakes.business_impact),
        (when.user, stakes.user),
        (when.feature, stakes.feature),
    )
    if any(allowed and fact not in allowed for allowed, fact in facts):
        return False
    if not set(when.needs) <= set(request.needs):
        return False
    if when.min_input_tokens is not None and request.input_tokens < when.min_input_tokens:
        return False
    if when.max_input_tokens is not None and request.input_tokens > when.max_input_tokens:
        return False
    return not when.complexity or level() in when.complexity
