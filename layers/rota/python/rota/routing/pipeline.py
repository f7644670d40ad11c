"""The routing pipeline: from a request to an ordered list of candidates, with the reason for it.

    request ──► pool ──► eligible ──► order ──► [dispatch: quote + book ──► call ──► check ──► settle]

Classification, rules, experiments and health join as stages before and between these; nothing here reads a
clock, the network or a random source.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from rota.catalog import Catalog, Model, Pool
from rota.errors import NoCapacityError
from rota.routing.eligible import ineligible
from rota.routing.order import STRATEGIES
from rota.routing.request import ModelRequest


@dataclass(frozen=True, slots=True)
class Decision:
    """The outcome of routing: `candidates` in order of preference, `rule` that chose them, `left_out` with reasons."""

    rule: str
    candidates: tuple[Model, ...]
    left_out: Mapping[str, str]


def route(request: ModelRequest, catalog: Catalog, excluded: Collection[str] = ()) -> Decision:
    """Decide which models may serve `request`, best first.

    Raises NoCapacityError, with every model's reason, when none can. `excluded` are models that failed already.
    """
    pool = Pool(models=(request.model,)) if request.model else catalog.pool(request.pool)
    rule = f"model:{request.model}" if request.model else f"pool:{request.pool}:{pool.strategy}"
    models = [catalog.model(model_id) for model_id in pool.models]
    reasons = {model.id: ineligible(model, request, excluded) for model in models}
    eligible = [model for model in models if reasons[model.id] is None]
    left_out = {model_id: reason for model_id, reason in reasons.items() if reason}
    if not eligible:
        why = "; ".join(f"{model_id} {reason}" for model_id, reason in left_out.items())
        too_large = any(model.id not in excluded for model in models)
        raise NoCapacityError(f"no model of {rule} can take this call: {why}", too_large=too_large)
    return Decision(rule, tuple(STRATEGIES[pool.strategy](eligible, pool, request)), left_out)
