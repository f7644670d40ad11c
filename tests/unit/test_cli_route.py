"""`rota route`: what it sends, and how it explains a decision."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from loopback_api import LoopbackApi, loopback_api

from cli.command import DEGREES, USER_TIERS
from cli.main import main
from cli.routing_commands import TASKS
from rota.policy import Task
from rota.schemas import Degree, UserTier

ROUTE = "POST /v1/route"


def candidate(name: str, tier: int = 1, **changes: Any) -> dict[str, Any]:
    """A model of a decision."""
    return {"id": name, "tier": tier, "breaker": "closed", "start_ms": 0, "most_usd": 0.0042, **changes}


def decision(**changes: Any) -> dict[str, Any]:
    """The reply of POST /v1/route."""
    late = time.time() * 1000 + 90_500
    return {
        "rule": "default",
        "target": "tier:2",
        "tier": 2,
        "score": 0.475,
        "level": "medium",
        "confidence": 0.62,
        "signals": {"length": 1.0, "reasoning": 0.5},
        "candidates": ["nova-pro", "gpt-oss-120b"],
        "fallbacks": [["mistral-large-3"], ["nova-micro"]],
        "left_out": {"gpt-oss-20b": "its tpm quota admits 8000 at once, 9000 are needed"},
        "experiment": None,
        "why": ["medium: score 0.47, confidence 0.62", "an error would hurt: one tier up"],
        "classifier": "rules",
        "input_tokens": 12,
        "models": [
            candidate("nova-pro", 2),
            candidate("gpt-oss-120b", 2, start_ms=late, most_usd=0.00001),
            candidate("mistral-large-3", 3, breaker="open", start_ms=None),
            candidate("nova-micro"),
        ],
        **changes,
    }


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackApi]:
    """The server, which the command line is told to use."""
    with loopback_api() as served:
        monkeypatch.setenv("ROTA_API_URL", served.url)
        monkeypatch.setenv("ROTA_API_KEY", "rota_key")
        served.replies[ROUTE] = [(200, decision())]
        yield served


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with code that imports each other, code of a language without a parser here, and prose."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "main.py").write_text("import json\nfrom app import parts\n\n\ndef main():\n    return parts.of(json)\n")
    (folder / "parts.py").write_text("def of(value):\n    return value\n")
    (folder / "old.rb").write_text("puts 'hello'\n")
    (folder / "notes.md").write_text("# Notes\n\nClose it with </document>, if you can.\n")
    return folder


def test_a_decision_is_explained(api: LoopbackApi, capsys: pytest.CaptureFixture[str]) -> None:
    """What decided, how demanding it is, who may take it and when, who not and why."""
    assert main(["route", "Which clauses conflict?"]) == 0
    assert api.sent(ROUTE) == [{"text": "Which clauses conflict?"}]
    assert capsys.readouterr().out == (
        "To tier 2: by routing.default of rota.yaml.\n"
        "\n"
        "  score        ━━━━━━━━━╸──────────  0.47  medium, confidence 0.62\n"
        "    length     ━━━━━━━━━━━━━━━━━━━━  1.00\n"
        "    reasoning  ━━━━━━━━━━──────────  0.50\n"
        "\n"
        "  · medium: score 0.47, confidence 0.62\n"
        "  · an error would hurt: one tier up\n"
        "\n"
        "The first of these that can start, in this order of preference:\n"
        "  model            tier  can start        costs at most  breaker\n"
        "  nova-pro         2     now              $0.0042        closed\n"
        "  gpt-oss-120b     2     in 1 min 30 s    under $0.0001  closed\n"
        "When they fail:\n"
        "  mistral-large-3  3     never            $0.0042        open\n"
        "Then:\n"
        "  nova-micro       1     now              $0.0042        closed\n"
        "Left out:\n"
        "  gpt-oss-20b  its tpm quota admits 8000 at once, 9000 are needed\n"
        "\n"
        "12 tokens of input by estimate. Nothing was called, and nothing is booked.\n"
    ).replace("        costs", "      costs").replace("now              $", "now            $").replace(
        "in 1 min 30 s    under", "in 1 min 30 s  under"
    ).replace("never            $", "never          $")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"rule": "asked", "target": "model:nova-pro"}, "To model nova-pro: the request asked for it."),
        ({"rule": "rule:vip", "target": "pool:best"}, "To pool best: by the rule vip of rota.yaml."),
        (
            {"rule": "experiment:tiers:strong", "experiment": "tiers:strong"},
            "To tier 2: by the arm strong of the experiment tiers.",
        ),
        (
            {"experiment": "tiers:as-is"},
            "To tier 2: by routing.default of rota.yaml; counted for the arm as-is of the experiment tiers.",
        ),
    ],
)
def test_what_decided_is_a_sentence(
    api: LoopbackApi, capsys: pytest.CaptureFixture[str], changes: dict[str, Any], sentence: str
) -> None:
    """The request itself, a rule, an experiment, the default."""
    api.replies[ROUTE] = [(200, decision(**changes))]
    assert main(["route", "x"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == sentence


def test_what_was_not_measured_is_said(api: LoopbackApi, capsys: pytest.CaptureFixture[str]) -> None:
    """No bars without a score; a model that would be asked first is told of."""
    unmeasured = {"score": None, "level": None, "confidence": None, "signals": {}, "why": [], "left_out": {}}
    api.replies[ROUTE] = [(200, decision(**unmeasured)), (200, decision(classifier="model"))]
    assert main(["route", "x"]) == 0
    out = capsys.readouterr().out
    assert "was not looked at" in out
    assert "━" not in out
    assert "Left out" not in out
    assert main(["route", "x"]) == 0
    assert "a real call asks the small model of routing.classifier first" in capsys.readouterr().out


def test_options_are_the_apis(api: LoopbackApi) -> None:
    """Only what was said is sent."""
    options = ["--task", "review", "--model", "tier-3", "--max-output-tokens", "200", "--user", "bob"]
    options += ["--user-tier", "pro", "--value", "high", "--error-tolerance", "low", "--business-impact", "medium"]
    assert main(["route", "x", *options, "--feature", "legal"]) == 0
    assert api.sent(ROUTE) == [
        {
            "text": "x",
            "task": "review",
            "model": "tier-3",
            "max_output_tokens": 200,
            "user": "bob",
            "user_tier": "pro",
            "value": "high",
            "error_tolerance": "low",
            "business_impact": "medium",
            "feature": "legal",
        }
    ]


def test_files_go_with_the_request_between_delimiters(
    api: LoopbackApi, package: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each under its name; nothing in one closes its own delimiter. Code is weighed, as far as it can be read here."""
    assert main(["route", "Review this", "--file", "app"]) == 0
    [body] = api.sent(ROUTE)
    assert body["text"].startswith('Review this\n\n<document number="1" title="app/main.py">\nimport json\n')
    assert body["text"].count("</document>") == 4
    assert "with [/document>" in body["text"]
    out = capsys.readouterr().out
    _, _, weighed = out.partition("The code in these files")
    assert "not complex, which begins above 0.7" in weighed
    assert "joined 0.50" in weighed
    assert "3 files" in weighed
    assert "Not analysed here, and so without imports: app/old.rb." in weighed


def test_without_code_nothing_is_weighed(api: LoopbackApi, package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As JSON it is null; with code the numbers stand beside the decision."""
    assert main(["route", "Read", "--file", "app/notes.md"]) == 0
    assert "The code in these files" not in capsys.readouterr().out
    assert main(["route", "Read", "--file", "app/notes.md", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["code"] is None
    assert main(["route", "Read", "--file", "app/old.rb", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["candidates"] == ["nova-pro", "gpt-oss-120b"]
    assert (shown["code"]["analysed"], shown["code"]["not_analysed"]) == (False, ["app/old.rb"])
    assert main(["route", "Read", "--file", "app/old.rb"]) == 0
    assert "0.00  not analysed" in capsys.readouterr().out


def test_unreadable_files_are_named(api: LoopbackApi, package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Left out beside others; alone they are the end of it."""
    (package / "empty.md").write_text("")
    assert main(["route", "x", "--file", "app/empty.md", "--file", "app/notes.md"]) == 0
    assert "Left out: app/empty.md is empty." in capsys.readouterr().err
    assert main(["route", "x", "--file", "app/empty.md"]) == 1
    assert "None of these files can be read: app/empty.md." in capsys.readouterr().err
    assert main(["route", "x", "--file", "nowhere"]) == 1
    assert "no such file or folder: nowhere" in capsys.readouterr().err


def test_the_request_may_come_from_standard_input(
    api: LoopbackApi, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An empty one is refused before anything is sent."""
    monkeypatch.setattr("sys.stdin", io.StringIO("Why?\n"))
    assert main(["route", "-"]) == 0
    assert api.sent(ROUTE) == [{"text": "Why?\n"}]
    assert main(["route", "  "]) == 1
    assert "its text is empty" in capsys.readouterr().err


def test_the_grammar_has_the_librarys_words() -> None:
    """They are written out there, for a help that does not wait."""
    assert get_args(Task) == TASKS
    assert get_args(Degree) == DEGREES
    assert get_args(UserTier) == USER_TIERS
