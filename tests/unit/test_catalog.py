"""rota.yaml: what is accepted, and which line an error names."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from rota.catalog import Catalog, LimitKind
from rota.catalog_file import load_catalog, parse_catalog, problems
from rota.errors import CatalogError, InvalidInputError
from tests.fixtures.ledger_world import catalog_of

ROOT = Path(__file__).parents[2]
EXAMPLES = [f"examples/{path.name}" for path in sorted((ROOT / "examples").glob("*.yaml"))]
WINDOW = ("tpm", 1000, "sliding_window")
DOCUMENT: dict[str, Any] = catalog_of(a=[WINDOW], b=[WINDOW]).model_dump(mode="json")


def changed(path: str, value: object) -> dict[str, Any]:
    """The document with another value at a path such as `models.0.tier`."""
    document = copy.deepcopy(DOCUMENT)
    at: Any = document
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    for part in parents:
        at = at[part]
    at[last] = value
    return document


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("version", 2, "version"),
        ("models.0.tier", 4, "models.0.tier"),
        ("models.0.limits", [], "models.0.limits"),
        ("models.0.limits.0.amount", 0, "models.0.limits.0.amount"),
        ("models.0.limits.0.kind", "tps", "models.0.limits.0.kind"),
        ("models.0.limits.0.algorithm", "leaky", "models.0.limits.0.algorithm"),
        ("models.0.limits", [DOCUMENT["models"][0]["limits"][0]] * 2, "models.0"),
        ("models.0.colour", "red", "models.0.colour"),
        ("models.1.id", "a", "models"),
        ("models.1.provider", "nobody", "models.1.provider"),
        ("models.0.price.input_usd", -1, "models.0.price.input_usd"),
        ("providers.vendor.base_url", "ftp://x", "providers.vendor.base_url"),
        ("pools.all.models", ["a", "c"], "pools.all.models.1"),
        ("pools.all.strategy", "luck", "pools.all.strategy"),
        ("steps.plan.pool", "none", "steps.plan.pool"),
    ],
)
def test_an_error_names_its_line(path: str, value: object, field: str) -> None:
    """A person finds what to correct by the path."""
    with pytest.raises(CatalogError) as caught:
        parse_catalog(changed(path, value))
    assert caught.value.field == field


def test_unknown_names_come_with_the_known_ones() -> None:
    """The message is the list to choose from."""
    with pytest.raises(CatalogError, match="unknown name 'c'; allowed: a, b"):
        parse_catalog(changed("pools.all.models", ["c"]))
    catalog = parse_catalog(DOCUMENT)
    with pytest.raises(InvalidInputError, match="unknown model 'c'; allowed: a, b"):
        catalog.model("c")
    with pytest.raises(InvalidInputError, match="unknown pool 'c'; allowed: all"):
        catalog.pool("c")


@pytest.mark.parametrize("name", ["rota.yaml", *EXAMPLES])
def test_the_pools_that_come_along_are_valid(name: str) -> None:
    """The default one and the examples, and they survive the way through JSON that synthesis takes."""
    catalog = load_catalog(ROOT / name)
    assert parse_catalog(catalog.model_dump(mode="json")) == catalog


def test_a_file_is_read_as_yaml_or_json(tmp_path: Path) -> None:
    """Functions read JSON, people write YAML; what cannot be read is an error with its path."""
    (tmp_path / "pool.json").write_text(json.dumps(DOCUMENT))
    (tmp_path / "pool.yaml").write_text(json.dumps(DOCUMENT))
    assert load_catalog(tmp_path / "pool.json") == load_catalog(tmp_path / "pool.yaml") == parse_catalog(DOCUMENT)
    (tmp_path / "broken.yaml").write_text("models: [")
    with pytest.raises(CatalogError, match="not valid YAML"):
        load_catalog(tmp_path / "broken.yaml")
    with pytest.raises(CatalogError, match="cannot be read"):
        load_catalog(tmp_path / "missing.yaml")


def test_a_deployment_may_replace_endpoint_pool_and_model() -> None:
    """Stage parameters; everything else stays as the file says."""
    catalog = parse_catalog(DOCUMENT)
    other = catalog.with_overrides({"vendor": "http://127.0.0.1:9"}, summaries_pool="b, a", synthesis_model="b")
    assert endpoint(other) == "http://127.0.0.1:9"
    assert other.pool(other.steps.summarize.pool).models == ("b", "a")
    assert other.pool(other.steps.synthesize.pool).models == ("b",)
    assert (other.models, other.steps.plan, other.steps.answer) == (
        catalog.models,
        catalog.steps.plan,
        catalog.steps.answer,
    )
    assert catalog.with_overrides({}, summaries_pool="all").steps.summarize.pool == "all"
    assert catalog.with_overrides({}) == catalog
    with pytest.raises(InvalidInputError, match="unknown name 'nobody'"):
        catalog.with_overrides({"nobody": "http://127.0.0.1:9"})


def endpoint(catalog: Catalog) -> str:
    """The base address of the only provider."""
    provider = catalog.providers["vendor"]
    assert provider.kind == "openai_compatible"
    return provider.base_url


def test_windows_of_the_kinds() -> None:
    """A minute, or a day."""
    assert {kind.value: kind.window_s for kind in LimitKind} == {
        "tpm": 60,
        "rpm": 60,
        "itpm": 60,
        "otpm": 60,
        "tpd": 86_400,
        "rpd": 86_400,
    }


def test_everything_wrong_is_told_at_once() -> None:
    """Paths as in the file, without the validator's own alternatives; what is allowed; what was likely meant."""
    document = changed("models.0.tier", 4)
    document["models"][1] |= {"max_tokens": 5, "provider": "vendro"}
    del document["models"][1]["price"]
    document["providers"] |= {"odd": {"kind": "bedrok"}, "none": {"region": "us-east-1"}, "late": _vendor(timeout=5)}
    document["pools"]["all"] = {"models": ["a", "bb"], "strategy": "weighted", "weights": {"c": 1}}
    document["steps"]["answer"] = 7
    rules = [{"name": "x", "when": {"task": "chatt"}, "use": {"tier": 9}}, {"name": "y", "use": {"tier": 3}}]
    document["routing"] = {"rules": rules, "tiers": {"2": "rotat"}, "default": {"model": "a", "prefer": "n"}}
    found = {problem.field: problem.message for problem in problems(document)}
    assert found.pop("models.1.max_tokens").startswith("unknown key; allowed: id, provider, vendor_model, tier, family")
    assert "kind, base_url, key_secret" in found["providers.late.timeout"]
    assert "region" not in found["providers.late.timeout"]
    assert found.pop("providers.late.timeout").endswith("; did you mean 'timeout_s'?")
    assert found.pop("routing.rules.0.when.task").endswith("or 'answer', not 'chatt'; did you mean 'chat'?")
    assert found == {
        "providers.odd.kind": "must be 'bedrock' or 'openai_compatible', not 'bedrok'; did you mean 'bedrock'?",
        "providers.none.kind": "is missing; allowed: bedrock, openai_compatible",
        "models.0.tier": "must be 1, 2 or 3, not 4",
        "models.1.price": "is missing; allowed: input_usd, output_usd, cached_usd",
        "models.1.provider": "unknown name 'vendro'; allowed: late, none, odd, vendor; did you mean 'vendor'?",
        "pools.all.models.1": "unknown name 'bb'; allowed: a, b; did you mean 'b'?",
        "pools.all.weights.c": "unknown name 'c'; allowed: a, bb",
        "steps.answer": "must be a mapping: keys with values",
        "routing.tiers.2": "must be 'rotate', 'earliest', 'cheapest', 'fastest' or 'weighted', not 'rotat'; "
        "did you mean 'rotate'?",
        "routing.rules.0.use.tier": "must be 1, 2 or 3, not 9, or must be 'auto', not 9",
        "routing.rules.1.use.tier": "unknown name 3; allowed: 1, auto",
        "routing.default.prefer": "unknown name 'n'; allowed: a, b",
    }
    assert problems(DOCUMENT) == []
    assert [(problem.field, problem.message) for problem in problems(["no"])] == [
        ("", "must be a mapping: keys with values")
    ]


def test_tiers_as_keys_outlive_json() -> None:
    """Functions read the file as JSON, where a key is text."""
    catalog = parse_catalog({**DOCUMENT, "routing": {"tiers": {1: "cheapest"}}})
    assert parse_catalog(json.loads(catalog.model_dump_json())) == catalog
    assert catalog.tier(1).strategy == "cheapest"


def _vendor(**more: object) -> dict[str, object]:
    return {"kind": "openai_compatible", "base_url": "http://127.0.0.1:1", **more}
