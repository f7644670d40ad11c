"""The routing pipeline: from a request to an ordered list of candidates, with the reason for it.

    request ──► aim (asked, rules, experiments, tier) ──► chain (target, fallbacks, tiers) ──► eligible ──► strategy
            ──► [dispatch: quote + book ──► call ──► check ──► settle; a failure comes back here as an attempt]

Nothing here reads a clock, the network or a random source.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rota.catalog import Catalog, Model, Pool
from rota.errors import Attempt, NoCapacityError, RateLimitedError
from rota.routing.aim import Aim, aim
from rota.routing.chain import pool_of, pools_after, regrouped
from rota.routing.decision import Decision
from rota.routing.eligible import ineligible
from rota.routing.request import ModelRequest
from rota.routing.strategies import Live, strategy

UNAUTHORIZED = 401


def route(
    request: ModelRequest, catalog: Catalog, attempts: Sequence[Attempt] = (), live: Live | None = None
) -> Decision:
    """Decide which models may serve `request`, best first; `attempts` are what failed for it so far.

    Raises NoCapacityError, with every model's reason, when none can.
    """
    aimed = aim(request, catalog)
    excluded = dict.fromkeys(request.excluded, "is not to serve this call") | _excluded(attempts, catalog)
    target = pool_of(aimed.use, catalog)
    left_out: dict[str, str] = {}
    groups = [
        _ordered(pool, aimed, request, catalog, excluded, left_out, live or {})
        for pool in (target, *pools_after(aimed.use, aimed.rule, catalog))
    ]
    groups = regrouped(_above(groups, request, left_out), attempts, catalog)
    if not groups:
        reasons = "; ".join(f"{model_id} {reason}" for model_id, reason in left_out.items())
        too_large = any(model_id not in excluded for model_id in left_out)
        raise NoCapacityError(f"no model of {aimed.use.label} can take this call: {reasons}", too_large=too_large)
    tier = aimed.use.tier if isinstance(aimed.use.tier, int) else None
    return Decision(
        rule=aimed.rule,
        target=aimed.use.label,
        candidates=tuple(groups[0]),
        left_out=left_out,
        fallbacks=tuple(map(tuple, groups[1:])),
        tier=tier,
        complexity=aimed.complexity,
        experiment=aimed.experiment,
        why=aimed.why,
    )


def _excluded(attempts: Sequence[Attempt], catalog: Catalog) -> dict[str, str]:
    """Models that are not asked again for this call, and why: they failed, or their vendor does not take our key.

    One that only refused the call for its quota may be asked again.
    """
    excluded = {attempt.model: "failed for this call" for attempt in attempts if attempt.code != RateLimitedError.code}
    for attempt in attempts:
        if attempt.status == UNAUTHORIZED:
            provider = catalog.model(attempt.model).provider
            same = [model.id for model in catalog.models if model.provider == provider]
            excluded |= dict.fromkeys(same, f"has a provider that refused our key ({provider})")
    return excluded


def _ordered(
    pool: Pool,
    aimed: Aim,
    request: ModelRequest,
    catalog: Catalog,
    excluded: Mapping[str, str],
    left_out: dict[str, str],
    live: Live,
) -> list[Model]:
    """The pool's models that can serve, in the strategy's order, preferred ones first. Notes the others' reasons.

    Of a tier, those come first that are said to be good at the task; a pool was chosen by a person who knew.
    """
    eligible = []
    for model in map(catalog.model, pool.models):
        reason = excluded.get(model.id) or ineligible(model, request)
        if reason:
            left_out[model.id] = reason
        else:
            eligible.append(model)
    ordered = strategy(pool.strategy)(eligible, pool, request, live)
    prefer, of_tier = aimed.use.prefer, aimed.use.tier is not None

    def rank(model: Model) -> tuple[int, bool]:
        preferred = prefer.index(model.id) if model.id in prefer else len(prefer)
        return preferred, of_tier and request.task not in model.tasks

    return sorted(ordered, key=rank)


def _above(groups: list[list[Model]], request: ModelRequest, left_out: dict[str, str]) -> list[list[Model]]:
    """The groups without tiers that the request must not go to, as far as there are higher ones."""
    higher = [[model for model in group if model.tier >= request.least_tier] for group in groups]
    if not any(higher):
        return groups
    for group in groups:
        left_out |= {
            model.id: f"is of tier {model.tier}, tier {request.least_tier} was asked for"
            for model in group
            if model.tier < request.least_tier
        }
    return higher
