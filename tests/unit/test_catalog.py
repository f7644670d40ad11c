"""rota.yaml: what is accepted, and which line an error names."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from rota.catalog import Catalog, LimitKind, load_catalog, parse_catalog
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
        ("providers.vendor.base_url", "ftp://x", "providers.vendor.openai_compatible.base_url"),
        ("pools.all.models", ["a", "c"], "pools.all.models"),
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
