"""What a pool file says, in a few lines."""

from __future__ import annotations

from collections.abc import Iterator

from cli.figures import money
from rota.catalog import Catalog
from rota.policy import Budget, Experiment, Use, When


def summary(catalog: Catalog) -> Iterator[str]:
    """Aligned lines: a heading, and what there is of it."""
    width = max(len(heading) for heading, _ in _sections(catalog)) + 2
    for heading, entries in _sections(catalog):
        for at, entry in enumerate(entries or ["none"]):
            yield f"  {heading if at == 0 else '':<{width}}{entry}"


def _sections(catalog: Catalog) -> list[tuple[str, list[str]]]:
    routing = catalog.routing
    classifier = f"a model of {routing.classifier.pool}, else rules" if routing.classifier.pool else "rules"
    return [
        ("providers", [f"{name} ({provider.kind})" for name, provider in catalog.providers.items()]),
        ("models", [f"tier {tier}: {', '.join(_of_tier(catalog, tier))}" for tier in catalog.tiers]),
        ("pools", [f"{name}: {pool.strategy} of {', '.join(pool.models)}" for name, pool in catalog.pools.items()]),
        ("steps", [", ".join(f"{name} from {step.pool}" for name, step in catalog.steps if step)]),
        ("routing", [f"{_target(routing.default)} where nothing else says otherwise; complexity by {classifier}"]),
        ("rules", [f"{rule.name}: {_when(rule.when)} → {_target(rule.use)}" for rule in routing.rules]),
        ("fallbacks", [", then ".join(map(_target, routing.fallbacks)) or "the next tiers up, then down"]),
        ("experiments", [f"{name}: {_experiment(each)}" for name, each in catalog.experiments.items()]),
        ("shadows", [f"{each.model} on {each.percent:g} % of {_when(each.when)}" for each in catalog.shadows]),
        ("checks", [f"by {each.pool} on {each.percent:g} % of {_when(each.when)}" for each in catalog.checks]),
        ("budgets", [_budget(each) for each in catalog.budgets]),
    ]


def _of_tier(catalog: Catalog, tier: int) -> list[str]:
    return [model.id for model in catalog.models if model.tier == tier]


def _target(use: Use) -> str:
    prefer = f" (first {', '.join(use.prefer)})" if use.prefer else ""
    return use.label.replace(":", " ", 1) + prefer


def _when(when: When) -> str:
    """`task code or review, value high`."""
    given = [(name, value) for name, value in when if value not in ((), None)]
    shown = (f"{name} {' or '.join(map(str, value)) if isinstance(value, tuple) else value}" for name, value in given)
    return ", ".join(shown) or "all requests"


def _experiment(experiment: Experiment) -> str:
    arms = (f"{arm.name} {arm.percent:g} %{f' → {_target(arm.use)}' if arm.use else ''}" for arm in experiment.arms)
    return f"{', '.join(arms)}, by {experiment.subject}, of {_when(experiment.when)}"


def _budget(budget: Budget) -> str:
    whose = {"all": "all together"}.get(budget.per) or (budget.name and f"{budget.per} {budget.name}")
    return f"{whose or f'each {budget.per}'}: {money(budget.month_usd)} a month"
