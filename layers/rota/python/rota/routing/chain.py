"""The order in which groups of models are tried: the target, other hosts of what just failed, fallbacks, tiers up.

target's models ──► routing.fallbacks, or the next tiers up, then down
a host failed           ──► the other hosts of the same model come before all others
output was not good     ──► higher tiers come before all others ("cascade")
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rota.catalog import Catalog, Model, Pool
from rota.errors import Attempt
from rota.policy import Use

POOR_OUTPUT = frozenset({"invalid_output", "doubtful_output"})
"""Codes of failures that a stronger model may cure."""
VENDOR_TROUBLE = frozenset({"provider_unavailable", "provider_timeout", "model_unavailable"})
"""Codes of failures that another host of the same model may not have."""


def pool_of(use: Use, catalog: Catalog) -> Pool:
    """The models of a target, and how one of them is picked."""
    if use.model:
        return Pool(models=(catalog.model(use.model).id,))
    if use.pool:
        return catalog.pool(use.pool)
    if use.tier is None or use.tier == "auto":
        raise ValueError("a target's tier must be decided first")
    return catalog.tier(use.tier)


def pools_after(use: Use, rule: str, catalog: Catalog) -> list[Pool]:
    """Where a call goes whose target's models all failed.

    Who asked for a model or a pool gets that, or nothing; who asked for a tier, nothing below it. For all others an
    answer of a lower tier is better than none.
    """
    if rule == "asked" and use.tier is None:
        return []
    if catalog.routing.fallbacks:
        return [pool_of(_tiered(fallback), catalog) for fallback in catalog.routing.fallbacks]
    tiers = [catalog.model(model_id).tier for model_id in pool_of(use, catalog).models]
    higher = [catalog.tier(tier) for tier in catalog.tiers if tier > max(tiers)]
    lower = [catalog.tier(tier) for tier in reversed(catalog.tiers) if tier < max(tiers)]
    return higher if rule == "asked" else higher + lower


def regrouped(groups: Iterable[Sequence[Model]], attempts: Sequence[Attempt], catalog: Catalog) -> list[list[Model]]:
    """The groups in the order that follows from what failed so far, each model once, no group empty."""
    flat = [list(group) for group in groups]
    failed_at = [catalog.model(attempt.model).tier for attempt in attempts if attempt.code in POOR_OUTPUT]
    if failed_at:
        higher = [[model for model in group if model.tier > max(failed_at)] for group in flat]
        flat = higher + flat
    if attempts and attempts[-1].code in VENDOR_TROUBLE and (family := catalog.model(attempts[-1].model).family):
        flat = [[model for group in flat for model in group if model.family == family], *flat]
    return _distinct(flat)


def _tiered(use: Use) -> Use:
    """`auto` among fallbacks means the lowest tier."""
    return Use(tier=1, prefer=use.prefer) if use.tier == "auto" else use


def _distinct(groups: Iterable[Iterable[Model]]) -> list[list[Model]]:
    seen: set[str] = set()
    found = []
    for group in groups:
        fresh = [model for model in group if model.id not in seen]
        seen |= {model.id for model in fresh}
        if fresh:
            found.append(fresh)
    return found
