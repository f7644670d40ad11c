"""Rules, tiers, experiments, fallbacks, cascade: which models a request may reach, and why."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from rota.catalog import Catalog
from rota.catalog_file import parse_catalog
from rota.errors import Attempt, CatalogError, NoCapacityError
from rota.policy import Thresholds
from rota.routing.complexity import graded
from rota.routing.decision import Decision
from rota.routing.experiments import arm_of, point
from rota.routing.pipeline import route
from rota.routing.request import ModelRequest, Stakes
from rota.routing.tiers import tier_for
from tests.fixtures.tiers import document, three_tiers

COST_TIERS = {
    "rules": [
        {"name": "dear", "when": {"user_tier": "enterprise", "value": "high"}, "use": {"tier": 3}},
        {"name": "paying", "when": {"user_tier": ["pro", "enterprise"]}, "use": {"tier": 2}},
        {"name": "rest", "use": {"tier": 1}},
    ]
}
"""Seed C2."""


def ask(text: str = "", task: str = "chat", tokens: int = 500, **fields: Any) -> ModelRequest:
    """A request that names neither pool nor model."""
    return ModelRequest(task, fields.pop("pool", ""), tokens, 100, text=text, **fields)  # type: ignore[arg-type]


def groups(decision: Decision) -> list[list[str]]:
    """Candidates and then each group of fallbacks, by id."""
    return [[model.id for model in group] for group in (decision.candidates, *decision.fallbacks)]


def failed(*attempts: tuple[str, str]) -> list[Attempt]:
    """Models and codes of what failed."""
    return [Attempt(model, code, "") for model, code in attempts]


@pytest.mark.parametrize(
    ("user_tier", "value", "tier"),
    [
        ("enterprise", "high", 3),
        ("enterprise", "low", 2),
        ("pro", "high", 2),
        ("pro", "low", 2),
        ("free", "high", 1),
        ("free", "low", 1),
    ],
)
def test_cost_tiers_follow_user_and_value(user_tier: Any, value: Any, tier: int) -> None:
    """Seed C2's table, written as three rules."""
    catalog = three_tiers(routing=COST_TIERS)
    decision = route(ask(stakes=Stakes(user_tier=user_tier, value=value)), catalog)
    assert decision.tier == tier
    assert {model.tier for model in decision.candidates} == {tier}


def test_tasks_have_their_models() -> None:
    """Seed C4: one rule a task; the first that holds decides, and what no rule names goes to the default."""
    routing = {
        "rules": [
            {"name": "code", "when": {"task": ["code", "review"], "complexity": "complex"}, "use": {"model": "strong"}},
            {"name": "any-code", "when": {"task": ["code", "review"]}, "use": {"tier": 2}},
            {"name": "words", "when": {"task": "translation"}, "use": {"pool": "cheap", "prefer": "tiny"}},
        ],
        "default": {"tier": 1},
    }
    catalog = three_tiers(routing=routing)
    hard = graded(0.9, Thresholds(), {})
    found = {
        "complex": route(ask(task="code", complexity=hard), catalog),
        "code": route(ask(task="code", complexity=graded(0.1, Thresholds(), {})), catalog),
        "translation": route(ask(task="translation"), catalog),
        "chat": route(ask(task="chat"), catalog),
    }
    assert {name: each.rule for name, each in found.items()} == {
        "complex": "rule:code",
        "code": "rule:any-code",
        "translation": "rule:words",
        "chat": "default",
    }
    assert groups(found["complex"])[0] == ["strong"]
    assert groups(found["translation"])[0][0] == "tiny"


def test_in_a_tier_the_models_that_are_good_at_the_task_come_first() -> None:
    """Seed C4 without a rule; among them and among the others the strategy decides; a pool keeps its own order."""
    skilled = document()
    skilled["models"][1]["tasks"] = ["translation"]
    catalog = parse_catalog(skilled)
    assert groups(route(ask(task="translation", tier=1), catalog))[0] == ["small-elsewhere", "tiny", "small"]
    assert groups(route(ask(task="chat", tier=1), catalog))[0] == ["tiny", "small", "small-elsewhere"]
    assert groups(route(ask(task="translation", named_pool="cheap"), catalog))[0][0] == "small"


def test_without_higher_tiers_a_lower_one_is_better_than_nothing() -> None:
    """Who did not ask for a tier is served by a lower one in the end; who did is not."""
    catalog = three_tiers(routing={"default": {"tier": 3}})
    down = failed(("strong", "provider_unavailable"))
    assert groups(route(ask(), catalog, down)) == [["middle"], ["tiny", "small", "small-elsewhere"]]
    with pytest.raises(NoCapacityError):
        route(ask(tier=3), catalog, down)


def test_conditions_are_all_needed_and_bounds_are_inclusive() -> None:
    """Tokens, needs, user, feature, tolerance, impact."""
    when = {
        "min_input_tokens": 100,
        "max_input_tokens": 200,
        "needs": "json",
        "user": "ada",
        "feature": ["search", "chat"],
        "error_tolerance": "low",
        "business_impact": "high",
    }
    catalog = three_tiers(
        routing={"rules": [{"name": "one", "when": when, "use": {"model": "strong"}}], "default": {"tier": 1}}
    )
    stakes = Stakes(user="ada", feature="chat", error_tolerance="low", business_impact="high")
    fits = {"tokens": 100, "needs": ("json",), "stakes": stakes}
    assert route(ask(**fits), catalog).rule == "rule:one"
    assert route(ask(**{**fits, "tokens": 200}), catalog).rule == "rule:one"
    for change in ({"tokens": 201}, {"tokens": 99}, {"needs": ()}, {"stakes": Stakes(user="bob")}):
        assert route(ask(**{**fits, **change}), catalog).rule == "default"


@pytest.mark.parametrize(
    ("score", "stakes", "tier"),
    [
        (0.0, {}, 1),
        (0.5, {}, 2),
        (1.0, {}, 3),
        (0.29, {}, 2),  # confidence 0.52: one up
        (0.31, {}, 3),
        (0.69, {}, 3),
        (0.0, {"error_tolerance": "low"}, 2),
        (0.0, {"business_impact": "high"}, 2),
        (0.0, {"error_tolerance": "low", "business_impact": "high"}, 3),  # a chief executive asks about projections
        (0.5, {"error_tolerance": "high"}, 1),  # bulk extraction with validation behind it
        (0.0, {"error_tolerance": "high"}, 1),
        (0.0, {"user_tier": "enterprise", "value": "high"}, 3),
        (1.0, {"business_impact": "high"}, 3),
    ],
)
def test_the_tier_follows_complexity_confidence_and_stakes(score: float, stakes: dict[str, Any], tier: int) -> None:
    """Seeds D1 and D2."""
    found, why = tier_for(graded(score, Thresholds(), {}), Stakes(**stakes), Thresholds())
    assert found == tier, why


def test_confidence_is_half_on_a_boundary_and_whole_far_away() -> None:
    """So that 45 to 55 % is the neighbourhood of a boundary."""
    confidences = {score: graded(score, Thresholds(), {}).confidence for score in (0.3, 0.7, 0.5, 0.0, 1.0)}
    assert confidences[0.3] == confidences[0.7] == 0.5
    assert confidences[0.5] == 1.0
    assert min(confidences[0.0], confidences[1.0]) == 1.0


def test_what_was_asked_for_goes_before_rules_and_has_no_way_out() -> None:
    """A model or pool by name is that or nothing; a tier may be promoted."""
    catalog = three_tiers(routing=COST_TIERS)
    assert groups(route(ask(model="strong"), catalog)) == [["strong"]]
    assert groups(route(ask(named_pool="best"), catalog)) == [["middle", "strong"]]
    assert groups(route(ask(tier=2), catalog)) == [["middle"], ["strong"]]


def test_a_step_goes_to_its_pool_and_then_one_tier_up() -> None:
    """Without rules a job's steps are as they always were."""
    decision = route(ask(pool="cheap", rotation=1), three_tiers())
    assert (decision.rule, decision.target) == ("step", "pool:cheap")
    assert groups(decision) == [["small-elsewhere", "tiny", "small"], ["middle"], ["strong"]]


def test_the_default_goes_by_the_text() -> None:
    """`tier: auto`, which is what rota.yaml has when it says nothing."""
    decision = route(ask("What time is it?"), three_tiers())
    assert (decision.rule, decision.tier) == ("default", 1)
    assert decision.complexity is not None
    assert decision.complexity.level == "simple"
    assert decision.as_dict()["why"]


def test_another_host_of_the_same_model_comes_first_after_its_failure() -> None:
    """Seed D12: Groq is down, then the other host of the model, then the tier's others, then the next tier."""
    catalog = three_tiers()
    down = failed(("small", "provider_unavailable"))
    assert groups(route(ask(tier=1), catalog, down)) == [["small-elsewhere"], ["tiny"], ["middle"], ["strong"]]
    both = [*down, *failed(("small-elsewhere", "provider_timeout"))]
    assert groups(route(ask(tier=1), catalog, both)) == [["tiny"], ["middle"], ["strong"]]


def test_output_that_is_no_good_goes_one_tier_up() -> None:
    """Seed D5: the other models of the tier come last."""
    catalog = three_tiers()
    bad = failed(("small", "invalid_output"))
    assert groups(route(ask(tier=1), catalog, bad)) == [["middle"], ["strong"], ["tiny", "small-elsewhere"]]
    worse = [*bad, *failed(("middle", "doubtful_output"))]
    assert groups(route(ask(tier=1), catalog, worse))[0] == ["strong"]
    pool = route(ask(named_pool="best"), catalog, failed(("middle", "invalid_output")))
    assert groups(pool) == [["strong"]]


def test_a_refusal_for_quota_leaves_the_model_in_the_pool() -> None:
    """The ledger knows when it may be asked again."""
    decision = route(ask(tier=1), three_tiers(), failed(("small", "rate_limited")))
    assert "small" in groups(decision)[0]


def test_a_refused_key_takes_the_providers_other_models_with_it() -> None:
    """The chain is not burnt on calls that must fail, too; a model that is only denied leaves its siblings."""
    catalog = three_tiers()
    unauthorized = [Attempt("small", "model_unavailable", "wrong key", status=401)]
    assert groups(route(ask(tier=1), catalog, unauthorized)) == [["small-elsewhere"], ["strong"]]
    denied = [Attempt("small", "model_unavailable", "not yours", status=403)]
    assert "tiny" in [each for group in groups(route(ask(tier=1), catalog, denied)) for each in group]


def test_fallbacks_are_those_of_the_file() -> None:
    """A chain across providers, in its order, instead of the tiers."""
    routing = {"default": {"tier": 1}, "fallbacks": [{"model": "strong"}, {"pool": "best"}]}
    assert groups(route(ask(), three_tiers(routing=routing)))[1:] == [["strong"], ["middle"]]


def test_long_inputs_move_to_models_that_hold_them() -> None:
    """Seed D10: 40,000 tokens fit no model below tier 3, and the reasons say so; so does too small a quota."""
    decision = route(ask(tier=1, tokens=29_000), three_tiers())
    assert "tiny" in decision.left_out
    longer = three_tiers()
    with pytest.raises(NoCapacityError, match="holds 32000 tokens of context"):
        route(ask(tier=1, tokens=40_000), longer)
    large = document()
    large["models"][-1]["limits"][0]["amount"] = 100_000
    decision = route(ask(tier=1, tokens=40_000), parse_catalog(large))
    assert groups(decision) == [["strong"]]
    assert set(decision.left_out) == {"small", "small-elsewhere", "tiny", "middle"}


def test_a_least_tier_lifts_what_would_go_below() -> None:
    """After bad feedback; as far as there are higher models at all."""
    catalog = three_tiers(routing={"default": {"tier": 1}})
    assert groups(route(ask(least_tier=2), catalog)) == [["middle"], ["strong"]]
    assert groups(route(ask(least_tier=3, named_pool="cheap"), catalog)) == [["small", "small-elsewhere", "tiny"]]


EXPERIMENT = {
    "new-model": {
        "subject": "user",
        "when": {"task": "chat"},
        "arms": [{"name": "control", "percent": 90}, {"name": "treatment", "percent": 10, "use": {"model": "strong"}}],
    }
}


def test_arms_are_stable_and_shared_out_by_percentage() -> None:
    """Seed C5: 10 % of 10,000 users, the same ones however often and wherever it is asked."""
    experiment = three_tiers(experiments=EXPERIMENT).experiments["new-model"]
    first = [arm_of("new-model", experiment, f"user-{at}").name for at in range(10_000)]
    assert first == [arm_of("new-model", experiment, f"user-{at}").name for at in range(10_000)]
    assert 900 < Counter(first)["treatment"] < 1100


def test_the_formula_is_that_of_every_language() -> None:
    """The first 8 bytes of SHA-256 as a big-endian number, modulo 10,000, ÷ 100: sha256sum gives 78540e7c4a9ed3b5…"""
    assert point("new-model", "ada") == 0x78540E7C4A9ED3B5 % 10_000 / 100


def test_an_arm_replaces_the_target_and_is_told() -> None:
    """Control goes where it would go anyway; who asks for a model is in no experiment; other tasks neither."""
    catalog = three_tiers(experiments=EXPERIMENT, routing={"default": {"tier": 1}})
    experiment = catalog.experiments["new-model"]
    users = {arm_of("new-model", experiment, f"u{at}").name: f"u{at}" for at in range(200)}
    treated = route(ask(subjects={"user": users["treatment"]}), catalog)
    control = route(ask(subjects={"user": users["control"]}), catalog)
    assert (treated.rule, treated.target) == ("experiment:new-model:treatment", "model:strong")
    assert (control.experiment, control.rule) == ("new-model:control", "default")
    assert route(ask(subjects={"user": users["treatment"]}, model="tiny"), catalog).experiment is None
    assert route(ask(task="code", subjects={"user": users["treatment"]}), catalog).experiment is None


@pytest.mark.parametrize(
    ("parts", "path", "said"),
    [
        (
            {"routing": {"rules": [{"name": "x", "use": {"model": "gone"}}]}},
            "routing.rules.0.use.model",
            "allowed: middle, small",
        ),
        (
            {"routing": {"rules": [{"name": "x", "use": {"tier": 1, "pool": "cheap"}}]}},
            "routing.rules.0.use",
            "exactly one",
        ),
        (
            {"routing": {"rules": [{"name": "x", "when": {"tsak": "chat"}, "use": {"tier": 1}}]}},
            "routing.rules.0.when.tsak",
            "did you mean 'task'?",
        ),
        (
            {"routing": {"rules": [{"name": "x", "when": {"task": "chatt"}, "use": {"tier": 1}}]}},
            "routing.rules.0.when.task",
            "did you mean 'chat'?",
        ),
        ({"routing": {"thresholds": {"simple_below": 0.8}}}, "routing.thresholds", "simple_below must be less"),
        ({"routing": {"classifier": {"kind": "model"}}}, "routing.classifier", "needs a pool"),
        (
            {"routing": {"classifier": {"kind": "model", "pool": "no"}}},
            "routing.classifier.pool",
            "allowed: best, cheap",
        ),
        (
            {"experiments": {"e": {"arms": [{"name": "a", "percent": 50}, {"name": "b", "percent": 40}]}}},
            "experiments.e",
            "100, not 90",
        ),
        ({"shadows": [{"model": "gone", "percent": 5}]}, "shadows.0.model", "allowed:"),
        ({"checks": [{"pool": "gone", "percent": 5}]}, "checks.0.pool", "allowed:"),
        ({"budgets": [{"per": "all", "name": "x", "month_usd": 5}]}, "budgets.0", "no name"),
        ({"pools": {"cheap": {"models": ["small"], "strategy": "fastets"}}}, "pools.cheap.strategy", "'fastest'"),
        ({"pools": {"cheap": {"models": ["small"], "weights": {"small": 1}}}}, "pools.cheap", "strategy weighted"),
    ],
)
def test_a_wrong_line_is_named_with_what_is_allowed(parts: dict[str, Any], path: str, said: str) -> None:
    """The path of the line, and the words that would do."""
    with pytest.raises(CatalogError) as error:
        three_tiers(**parts)
    assert error.value.field == path
    assert said in error.value.message


def test_a_tier_without_models_is_the_next_one_that_has_some() -> None:
    """Two tiers are enough to begin with."""
    two = document()
    two["models"] = [model for model in two["models"] if model["tier"] != 2]
    two["pools"]["best"]["models"] = ["strong"]
    catalog: Catalog = parse_catalog(two)
    assert catalog.tier(2).models == ("strong",)
    assert route(ask(complexity=graded(0.5, Thresholds(), {})), catalog).candidates[0].id == "strong"
