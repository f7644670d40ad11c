"""Where a request goes: what its caller asked for, else the first rule, else its step's pool, else the default.

asked for a model, pool or tier ──► there
otherwise ──► first rule that holds ──► the step's pool ──► routing.default
                   and an experiment's arm may say otherwise
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from rota.catalog import Catalog, Model
from rota.policy import Level, Use
from rota.routing.chain import pool_of
from rota.routing.complexity import Complexity, measure
from rota.routing.experiments import assigned
from rota.routing.request import ModelRequest
from rota.routing.rules import holds
from rota.routing.tiers import tier_for
from rota.schemas import Tier


@dataclass(frozen=True, slots=True)
class Aim:
    """The target, what decided on it (see `Decision.rule`), and what was found out on the way."""

    rule: str
    use: Use
    experiment: str | None = None
    complexity: Complexity | None = None
    why: tuple[str, ...] = ()


@dataclass(slots=True)
class _Judge:
    """Measures the request's text when somebody asks, once."""

    request: ModelRequest
    catalog: Catalog
    found: Complexity | None = field(default=None)

    def complexity(self) -> Complexity | None:
        if self.found is None:
            self.found = self.request.complexity
        if self.found is None and self.request.text:
            self.found = measure(self.request.text, self.catalog.routing.thresholds)
        return self.found

    def level(self) -> Level | None:
        complexity = self.complexity()
        return complexity.level if complexity else None


def aim(request: ModelRequest, catalog: Catalog) -> Aim:
    """Decide on a target; `tier: auto` becomes a tier."""
    judge = _Judge(request, catalog)
    asked = _asked(request)
    found = asked or _ruled(request, catalog, judge)
    if asked is None and (part := assigned(catalog.experiments, request, judge.level)):
        name, arm = part
        found = replace(found, experiment=f"{name}:{arm.name}")
        if arm.use:
            found = replace(found, rule=f"experiment:{name}:{arm.name}", use=arm.use)
    if found.use.tier == "auto":
        found = _with_tier(found, request, catalog, judge)
    return replace(found, complexity=judge.found) if judge.found else found


def models_for(request: ModelRequest, catalog: Catalog) -> list[Model]:
    """The models that a request is aimed at."""
    return [catalog.model(name) for name in pool_of(aim(request, catalog).use, catalog).models]


def _asked(request: ModelRequest) -> Aim | None:
    if request.model:
        return Aim("asked", Use(model=request.model))
    if request.named_pool:
        return Aim("asked", Use(pool=request.named_pool))
    if request.tier in (1, 2, 3):
        return Aim("asked", Use(tier=request.tier))
    return None


def _ruled(request: ModelRequest, catalog: Catalog, judge: _Judge) -> Aim:
    for rule in catalog.routing.rules:
        if holds(rule.when, request, judge.level):
            return Aim(f"rule:{rule.name}", rule.use)
    if request.tier == "auto":
        return Aim("asked", Use(tier="auto"))
    if request.pool:
        return Aim("step", Use(pool=request.pool))
    return Aim("default", catalog.routing.default)


def _with_tier(found: Aim, request: ModelRequest, catalog: Catalog, judge: _Judge) -> Aim:
    complexity = judge.complexity()
    tier: Tier = 1
    why = ["nothing to judge by: the lowest tier"]
    if complexity:
        tier, why = tier_for(complexity, request.stakes, catalog.routing.thresholds)
    use = Use.model_construct(tier=tier, prefer=found.use.prefer)
    return replace(found, use=use, why=(*found.why, *why))
