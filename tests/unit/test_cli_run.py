"""`rota run` and `rota plan`: what is refused before anything is sent, and what of the files is not sent."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from loopback_api import JOB_ID, LoopbackApi, job

from cli.main import main


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """A folder with four documents."""
    (tmp_path / "notes").mkdir()
    for number in range(4):
        (tmp_path / "notes" / f"{number}.md").write_text("# Note")
    return tmp_path / "notes"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--deadline", "5"], "--deadline must be greater than or equal to 10, not 5."),
        (["--deadline", "0"], "--deadline must be greater than or equal to 10, not 0."),
        (["--deadline", "86401"], "--deadline must be less than or equal to 86400, not 86401."),
        (["--budget-usd", "1e9"], "--budget-usd must be less than or equal to 100000, not 1000000000.0."),
        (["--max-documents", "10001"], "--max-documents must be less than or equal to 10000, not 10001."),
        (["--feature", "Our Team"], "--feature must match pattern"),
        (["--results", "51", "--search"], "--results must be less than or equal to 50, not 51."),
        (["--library", "handbook/"], "--library must match pattern '^library/', not 'handbook/'."),
        (["--search-in", "handbook/"], "--search-in must match pattern '^library/', not 'handbook/'."),
        (["http://"], "An address must match pattern"),
        (["--deadline", "5", "--budget-usd", "0"], "not 5; --budget-usd must be greater than 0, not 0.0."),
    ],
)
@pytest.mark.parametrize("command", ["run", "plan"])
def test_what_the_api_would_refuse_is_misuse(
    api: LoopbackApi,
    notes: Path,
    capsys: pytest.CaptureFixture[str],
    command: str,
    arguments: list[str],
    sentence: str,
) -> None:
    """Exit code 2, options as they were typed, nothing sent."""
    assert main([command, "Why?", str(notes), *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("rota: ")
    assert sentence in err
    assert api.requests == []


def test_texts_and_files_of_the_wrong_form_are_refused_too(
    api: LoopbackApi, tmp_path: Path, notes: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The question, standard input, a schema that is a list."""
    (tmp_path / "list.json").write_text("[]")
    monkeypatch.setattr("sys.stdin", io.StringIO("x" * 4_000_001))
    assert main(["run", "", str(notes), "-", "--schema", str(tmp_path / "list.json")]) == 2
    err = capsys.readouterr().err
    said = [
        "The question must have at least 1 character",
        "Standard input must have at most",
        "--schema must be a mapping",
    ]
    assert [sentence for sentence in said if sentence in err] == said
    assert api.requests == []


@pytest.mark.parametrize(
    ("option", "value", "sentence"),
    [
        ("--deadline", "1.5", "must be a whole number"),
        *(("--budget-usd", value, "must be a number such as 0.5") for value in ("nan", "inf", "-inf", "much")),
    ],
)
def test_what_is_no_number_is_refused_by_the_parser(
    api: LoopbackApi, notes: Path, capsys: pytest.CaptureFixture[str], option: str, value: str, sentence: str
) -> None:
    """To which `nan` would be one."""
    with pytest.raises(SystemExit) as misused:
        main(["run", "Why?", str(notes), f"{option}={value}"])
    assert misused.value.code == 2
    assert f"argument {option}: {sentence}\n" in capsys.readouterr().err
    assert api.requests == []


@pytest.mark.parametrize("command", ["run", "plan"])
def test_documents_beyond_max_documents_are_counted(
    api: LoopbackApi, notes: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    """They are never sent, so the job cannot tell."""
    assert main([command, "Why?", str(notes), "--max-documents", "1"]) == 0
    assert "Sent 1 document of 4.\nLeft out 3 of 4 documents (--max-documents 1).\n" in capsys.readouterr().err
    assert len([route for route, _, _ in api.requests if route == "POST /storage"]) == 1
    assert main([command, "Why?", str(notes), "--max-documents", "4"]) == 0
    assert "Left out" not in capsys.readouterr().err


@pytest.mark.parametrize("mode", ["models", "extractive"])
def test_a_plan_is_the_output_of_rota_plan(
    api: LoopbackApi, notes: Path, capsys: pytest.CaptureFixture[str], mode: str
) -> None:
    """`rota plan … > plan.txt` holds the plan; what was sent and read is on standard error. So it is shown again."""
    model = {"calls": 3, "tokens": 900, "cost_usd": 0.01}
    estimate = {
        **{"documents": 4, "batches": 2, "eta_s": 61, "cost_usd": 0.01, "calls": 3, "steps": []},
        **{"input_tokens": 800, "output_tokens": 100, "models": {"nova-micro": model}},
    }
    adjusted = [{"what": "documents", "said": "reads 4 of 9 documents"}]
    plan = {"estimate": estimate, "mode_planned": mode, "adjusted": adjusted}
    coverage = {"sentence": "4 of 4 documents"}
    api.replies[f"GET /v1/jobs/{JOB_ID}"] = [(200, job(plan=plan, coverage=coverage))]
    for command in (["plan", "Why?", str(notes)], ["show", JOB_ID]):
        assert main(command) == 0
        out, err = capsys.readouterr()
        assert out.startswith("It would read 4 documents in 2 batches")
        assert ("  nova-micro  ━" in out) == (mode == "models")
        assert out.endswith("\nChanged: it reads 4 of 9 documents.\n")
        assert "It would" not in err
        assert "Read 4 of 4 documents.\n" in err


def test_more_jobs_than_the_api_lists_are_misuse(api: LoopbackApi, capsys: pytest.CaptureFixture[str]) -> None:
    """The option by its name, before anything is asked."""
    assert main(["jobs", "--limit", "1000"]) == 2
    assert capsys.readouterr().err == "rota: --limit must be at most 100, not 1000.\n"
    assert api.requests == []
    api.replies["GET /v1/jobs?limit=100"] = [(200, {"jobs": [], "cursor": None})]
    assert main(["jobs", "--limit", "100"]) == 0
