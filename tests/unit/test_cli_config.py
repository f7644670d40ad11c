"""`rota config check` and `rota config schema`, and the schema that is kept beside rota.yaml."""

from __future__ import annotations

import json
import re
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from cli.main import main
from rota.catalog_file import load_catalog, parse_catalog, problems
from tests.fixtures.job_stack import REPOSITORY
from tests.fixtures.tiers import document

SCHEMA = REPOSITORY / "rota.schema.json"
FILES = [REPOSITORY / "rota.yaml", *sorted((REPOSITORY / "examples").glob("*.yaml"))]
EVERYTHING: dict[str, Any] = document(
    routing={
        "default": {"tier": "auto", "prefer": "small"},
        "classifier": {"kind": "model", "pool": "cheap"},
        "thresholds": {"unsure": [0.4, 0.6]},
        "tiers": {1: "cheapest"},
        "rules": [
            {"name": "code", "when": {"task": "code", "user": ["ada", "bob"]}, "use": {"tier": 3}},
            {"name": "bulk", "when": {"task": ["summarize"], "needs": "json"}, "use": {"pool": "cheap"}},
        ],
        "fallbacks": [{"model": "strong"}],
        "health": {"max_latency_ms": 9000},
    },
    experiments={"e": {"arms": [{"name": "a", "percent": 50}, {"name": "b", "percent": 50, "use": {"tier": 3}}]}},
    shadows=[{"model": "strong", "percent": 5, "when": {"complexity": "complex"}}],
    checks=[{"pool": "best", "percent": 1}],
    budgets=[
        {"per": "user", "month_usd": 5},
        {"per": "feature", "name": "chat", "month_usd": 9},
        {"per": "all", "month_usd": 100},
    ],
)
"""A pool file with every section, lists as lists and as their only element."""


def validator() -> Draft202012Validator:
    """Of the schema that is kept."""
    return Draft202012Validator(json.loads(SCHEMA.read_text("utf-8")))


def as_json(value: Any) -> Any:
    """As an editor sees a YAML file: keys are text."""
    return json.loads(json.dumps(value))


def test_the_schema_is_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    """It follows from the code, and is kept for editors."""
    assert main(["config", "schema"]) == 0
    printed = capsys.readouterr().out
    Draft202012Validator.check_schema(json.loads(printed))
    assert printed == SCHEMA.read_text("utf-8"), "rota.schema.json is stale: rota config schema > rota.schema.json"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_pool_files_name_the_schema_and_conform_to_it(path: Path) -> None:
    """An editor finds it from their first line, and has nothing to object."""
    text = path.read_text("utf-8")
    schema = "./rota.schema.json" if path.parent == REPOSITORY else "../rota.schema.json"
    assert text.splitlines()[0] == f"# yaml-language-server: $schema={schema}"
    assert list(validator().iter_errors(as_json(yaml.safe_load(text)))) == []


def test_the_schema_takes_all_that_the_library_takes() -> None:
    """Also a list's only element by itself, and tiers as keys; and what the library makes of it."""
    assert list(validator().iter_errors(as_json(EVERYTHING))) == []
    assert list(validator().iter_errors(parse_catalog(EVERYTHING).model_dump(mode="json"))) == []


def test_the_examples_in_the_documentation_are_valid() -> None:
    """Sections as docs/configuration.md shows them, beside the rest of rota.yaml."""
    text = (REPOSITORY / "docs/configuration.md").read_text("utf-8")
    blocks = [dedent(block) for block in re.findall(r"(?:^    \S.*\n(?:^    .*\n)*)", text, re.MULTILINE)]
    shown = [yaml.safe_load(block) for block in blocks if not block.startswith("$")]
    assert {key for sections in shown for key in sections} >= {"routing", "experiments", "budgets"}
    merged = yaml.safe_load((REPOSITORY / "rota.yaml").read_text("utf-8"))
    for sections in shown:
        merged |= sections
    assert problems(merged) == []
    assert list(validator().iter_errors(as_json(merged))) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"routing": {"tires": {}}},
        {"routing": {"tiers": {"4": "rotate"}}},
        {"routing": {"rules": [{"name": "x", "when": {"task": "chatt"}, "use": {"tier": 1}}]}},
        {"pools": {"No Name": {"models": ["small"]}}},
        {"budgets": [{"per": "user", "month_usd": 0}]},
    ],
)
def test_the_schema_refuses_what_the_library_refuses(wrong: dict[str, Any]) -> None:
    """So that an editor underlines it."""
    assert list(validator().iter_errors(document(**wrong)))


def test_a_good_file_is_summed_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Everything that is in it, in a few lines."""
    (tmp_path / "pool.yaml").write_text(yaml.safe_dump(EVERYTHING))
    assert main(["config", "check", str(tmp_path / "pool.yaml")]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"{tmp_path}/pool.yaml is ok.\n")
    lines = [" ".join(line.split()) for line in out.splitlines()]
    for line in (
        "providers fast (openai_compatible)",
        "models tier 1: small, small-elsewhere, tiny",
        "cheap: rotate of small, small-elsewhere, tiny",
        "steps plan from cheap, summarize from cheap, synthesize from cheap, answer from cheap",
        "routing tier auto (first small) where nothing else says otherwise; complexity by a model of cheap, else rules",
        "rules code: task code, user ada or bob → tier 3",
        "fallbacks model strong",
        "experiments e: a 50 %, b 50 % → tier 3, by request, of all requests",
        "shadows strong on 5 % of complexity complex",
        "checks by best on 1 % of all requests",
        "budgets each user: $5.00 a month",
        "feature chat: $9.00 a month",
        "all together: $100.00 a month",
    ):
        assert line in lines


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_pool_files_are_ok(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As a file named, and as ROTA_CONFIG names it."""
    assert main(["config", "check", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"file": str(path), "ok": True, "errors": []}


WRONG = """\
version: 1
providers:
  own: {kind: openai_compatible, base_url: "http://127.0.0.1:1/v1", timeout: 5}
models:
  - id: small
    provider: owm
    vendor_model: small
    tier: 4
    context_tokens: 1000
    max_output_tokens: 100
    limits:
      - {kind: tpm, amount: 1000, algorithm: token_bukcet}
pools:
  all: {models: [small]}
  all: {models: [smal]}
steps:
  plan: &step {pool: all, max_output_tokens: 100}
  summarize: *step
  synthesize: *step
  answer: {<<: *step, pool: al}
"""


def test_every_error_has_its_line_and_what_is_allowed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """From top to bottom, with what was probably meant; exit code 1."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ROTA_CONFIG", "pool.yaml")
    Path("pool.yaml").write_text(WRONG)
    assert main(["config", "check"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "pool.yaml:3: providers.own.timeout: unknown key; allowed: kind, base_url, key_secret, key_env, "
        "output_parameter, request_limit_per, timeout_s; did you mean 'timeout_s'?",
        "pool.yaml:5: models.0.price: is missing; allowed: input_usd, output_usd, cached_usd",
        "pool.yaml:6: models.0.provider: unknown name 'owm'; allowed: own; did you mean 'own'?",
        "pool.yaml:8: models.0.tier: must be 1, 2 or 3, not 4",
        "pool.yaml:12: models.0.limits.0.algorithm: must be 'token_bucket' or 'sliding_window', not 'token_bukcet'; "
        "did you mean 'token_bucket'?",
        "pool.yaml:15: pools.all.models.0: unknown name 'smal'; allowed: small; did you mean 'small'?",
        "pool.yaml:15: pools.all: stands here again, after line 14; only this one would count",
        "pool.yaml:20: steps.answer.pool: unknown name 'al'; allowed: all; did you mean 'all'?",
        "rota: 8 errors in pool.yaml.",
    ]
    assert main(["config", "check", "--json"]) == 1
    shown = json.loads(capsys.readouterr().out)
    assert (shown["ok"], len(shown["errors"])) == (False, 8)
    assert shown["errors"][3] == {
        "line": 8,
        "path": "models.0.tier",
        "message": "must be 1, 2 or 3, not 4",
        "column": None,
    }


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"models: [a\npools: x\n", "pool.yaml:2:6: is not valid YAML: expected ',' or ']', but got ':'"),
        (b"a: 1\n  b: 2\n", "pool.yaml:2:4: is not valid YAML: mapping values are not allowed here"),
        (b"a: *nobody\n", "pool.yaml:1:4: is not valid YAML: found undefined alias 'nobody'"),
        (b"a: \x01\n", "pool.yaml:1: is not valid YAML: unacceptable character"),
        (b"a: \xff\n", "pool.yaml cannot be read: it is not UTF-8."),
        (b"", "pool.yaml:1: must be a mapping: keys with values"),
        (b"- 1\n", "pool.yaml:1: must be a mapping: keys with values"),
        (b"a: &x [*x]\n", "pool.yaml:1: a: unknown key"),
    ],
)
def test_what_is_no_pool_file_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, content: bytes, said: str
) -> None:
    """With line and column where the parser stumbled."""
    monkeypatch.chdir(tmp_path)
    Path("pool.yaml").write_bytes(content)
    assert main(["config", "check", "pool.yaml"]) == 1
    assert said in capsys.readouterr().err


def test_a_missing_file_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    """It is named."""
    assert main(["config", "check", "nowhere.yaml"]) == 1
    assert capsys.readouterr().err == "rota: nowhere.yaml cannot be read: No such file or directory.\n"


def test_what_is_summed_up_is_what_is_loaded() -> None:
    """The example in this test is a valid pool file after all."""
    assert load_catalog(REPOSITORY / "rota.yaml").models
    assert parse_catalog(EVERYTHING).routing.rules[0].when.task == ("code",)
