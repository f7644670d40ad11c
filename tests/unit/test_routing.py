"""Which models may serve a request, and in which order."""

from __future__ import annotations

import pytest

from rota.catalog import Catalog
from rota.catalog_file import parse_catalog
from rota.errors import Attempt, InvalidInputError, NoCapacityError
from rota.routing.pipeline import route
from rota.routing.request import ModelRequest


def model(name: str, input_usd: float, context: int = 8000, tpm: int = 6000) -> dict[str, object]:
    """A model of the test pool."""
    return {
        "id": name,
        "provider": "local",
        "vendor_model": name,
        "tier": 1,
        "context_tokens": context,
        "max_output_tokens": 1000,
        "price": {"input_usd": input_usd, "output_usd": 1.0},
        "limits": [{"kind": "tpm", "amount": tpm, "algorithm": "sliding_window"}],
    }


@pytest.fixture
def catalog() -> Catalog:
    """Three models of rising price; `c` holds more context and has a larger quota."""
    step = {"pool": "turns", "max_output_tokens": 100}
    return parse_catalog(
        {
            "version": 1,
            "providers": {"local": {"kind": "openai_compatible", "base_url": "http://127.0.0.1:9/v1"}},
            "models": [model("a", 3.0), model("b", 1.0), model("c", 2.0, context=100_000, tpm=90_000)],
            "pools": {
                "turns": {"models": ["a", "b", "c"], "strategy": "rotate"},
                "soonest": {"models": ["a", "b", "c"], "strategy": "earliest"},
            },
            "steps": dict.fromkeys(("plan", "summarize", "synthesize", "answer"), step),
        }
    )


def ask(pool: str = "turns", tokens: int = 1000, **fields: object) -> ModelRequest:
    """A request of that size."""
    return ModelRequest(task="summarize", pool=pool, input_tokens=tokens, max_output_tokens=100, **fields)  # type: ignore[arg-type]


def ids(catalog: Catalog, request: ModelRequest, failed: tuple[str, ...] = ()) -> list[str]:
    """The candidates' ids, best first."""
    attempts = [Attempt(model, "provider_unavailable", "is down") for model in failed]
    return [candidate.id for candidate in route(request, catalog, attempts).candidates]


def test_rotation_gives_item_i_to_model_i_mod_n(catalog: Catalog) -> None:
    """Seed B2: items 0, 1, 2, 3 go to models a, b, c, a; the others stand behind in turn."""
    assert [ids(catalog, ask(rotation=i)) for i in range(4)] == [list("abc"), list("bca"), list("cab"), list("abc")]


def test_earliest_prefers_the_cheaper_model(catalog: Catalog) -> None:
    """All can start now, so the price of this call decides."""
    assert ids(catalog, ask(pool="soonest")) == list("bca")


def test_a_failed_model_is_left_out_and_the_turn_stays(catalog: Catalog) -> None:
    """Without b, item 1 goes to the model after it, not back to the first."""
    assert ids(catalog, ask(rotation=1), failed=("b",)) == list("ca")


def test_only_models_that_hold_the_prompt_are_candidates(catalog: Catalog) -> None:
    """10,000 tokens exceed the context and the quota of a and b."""
    decision = route(ask(tokens=10_000), catalog)
    assert [candidate.id for candidate in decision.candidates] == ["c"]
    assert "8000 tokens of context, 10100 are needed" in decision.left_out["a"]


def test_a_request_above_a_quota_is_not_offered_to_that_model(catalog: Catalog) -> None:
    """7,000 tokens fit a's context but never its 6,000 tokens per minute."""
    decision = route(ask(tokens=7000), catalog)
    assert [candidate.id for candidate in decision.candidates] == ["c"]
    assert "tpm quota admits 6000 at once, 7100 are needed" in decision.left_out["b"]


def test_nobody_can_take_it_names_every_reason(catalog: Catalog) -> None:
    """The error lists all three models."""
    with pytest.raises(NoCapacityError, match=r"a holds 8000 .*; b holds 8000 .*; c holds 100000 "):
        route(ask(tokens=100_000), catalog)


def test_a_named_model_replaces_the_pool(catalog: Catalog) -> None:
    """The decision says that the caller chose."""
    decision = route(ask(model="b"), catalog)
    assert (decision.rule, decision.target, [each.id for each in decision.candidates]) == ("asked", "model:b", ["b"])
    assert decision.fallbacks == ()


def test_an_unknown_name_is_the_callers_error(catalog: Catalog) -> None:
    """It names the field and what is allowed."""
    with pytest.raises(InvalidInputError, match="pool: unknown pool 'nope'; allowed: soonest, turns"):
        route(ask(pool="nope"), catalog)
    with pytest.raises(InvalidInputError, match="model: unknown model 'nope'; allowed: a, b, c"):
        route(ask(model="nope"), catalog)
