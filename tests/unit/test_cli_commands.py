"""`rota` against a server that speaks the API's contract: what it sends, prints, and exits with."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from loopback_api import JOB_ID, LoopbackApi, job, model

from cli import follow
from cli.main import main
from local import state

SHOWN = f"GET /v1/jobs/{JOB_ID}"


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """A folder with two documents, one of them larger than the server takes."""
    (tmp_path / "notes" / "deep").mkdir(parents=True)
    (tmp_path / "notes" / "small.md").write_text("# Small")
    (tmp_path / "notes" / "deep" / "large.md").write_text("x" * 1001)
    return tmp_path / "notes"


def test_run_uploads_starts_and_prints_the_answer(
    api: LoopbackApi, notes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each file keeps its folders in its key; the job names the upload; the answer alone is on standard output."""
    assert main(["run", "Why?", str(notes), "--pool", "summaries", "--max-documents", "9"]) == 0
    forms = [body for route, _, body in api.requests if route == "POST /storage"]
    assert len(forms) == 1
    assert b"uploads/ada/u-0123456789abcdef/notes/small.md" in forms[0]
    assert forms[0].index(b'name="policy"') < forms[0].index(b'name="file"')  # S3 ignores fields after the file
    [body] = api.sent("POST /v1/jobs")
    assert body == {
        "query": "Why?",
        "sources": [{"type": "upload", "upload_id": "u-0123456789abcdef"}],
        "options": {"mode": "models", "pool": "summaries", "max_documents": 9},
    }
    out, err = capsys.readouterr()
    assert out == "Because [1].\n\nSources:\n  [1] notes.md\n"
    assert "Left out: notes/deep/large.md is larger than 1k bytes" in err


@pytest.mark.parametrize("on_terminal", [False, True])
def test_a_json_answer_stands_alone_on_standard_output(
    api: LoopbackApi, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, on_terminal: bool
) -> None:
    """`rota run --schema s.json > out.json` is JSON: what belongs beside it is on standard error."""
    value = {"summary": "*Because* [1].", "risks": []}
    source = {"number": 1, "title": "notes.md", "places": [{"lines": [3, 3], "quote": "It is so."}]}
    coverage = {"sentence": "1 of 2 documents"}
    written = json.dumps(value, indent=2)
    api.replies[SHOWN] = [(200, job(answer=written, answer_json=value, sources=[source], coverage=coverage))]
    monkeypatch.setattr("sys.stdout.isatty", lambda: on_terminal)
    for command in (["show", JOB_ID], ["show", JOB_ID, "--watch"]):
        assert main(command) == 0
        out, err = capsys.readouterr()
        assert (out, json.loads(out)) == (f"{written}\n", value)
        assert "\nSources:\n  [1] notes.md\n        line 3: “It is so.”\nRead 1 of 2 documents.\n" in err


def test_run_says_where_it_is_read_and_answered_and_what_hangs_on_it(api: LoopbackApi, notes: Path) -> None:
    """Tiers, stakes, budget: by the API's names, and only what was said."""
    asked = ["--tier", "1", "--answer-tier", "auto", "--feature", "legal", "--value", "high"]
    asked += ["--error-tolerance", "low", "--business-impact", "medium", "--over-budget", "extractive"]
    assert main(["run", "Why?", str(notes), *asked]) == 0
    assert main(["run", "Why?", str(notes), "--answer-tier", "3"]) == 0
    first, second = (body["options"] for body in api.sent("POST /v1/jobs"))
    assert first == {
        "mode": "models",
        "tier": 1,
        "answer_tier": "auto",
        "feature": "legal",
        "value": "high",
        "error_tolerance": "low",
        "business_impact": "medium",
        "over_budget": "extractive",
    }
    assert second == {"mode": "models", "answer_tier": 3}


@pytest.mark.parametrize(
    "arguments",
    [
        ["--tier", "4"],
        ["--tier", "1", "--pool", "summaries"],
        ["--answer-tier", "best"],
        ["--answer-tier", "2", "--answer-model", "nova-pro"],
    ],
)
def test_what_cannot_be_meant_together_is_misuse(api: LoopbackApi, notes: Path, arguments: list[str]) -> None:
    """Exit code 2 before anything is uploaded."""
    with pytest.raises(SystemExit) as misused:
        main(["run", "Why?", str(notes), *arguments])
    assert misused.value.code == 2
    assert api.requests == []


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, "Answered by nova-pro of tier 2. Was it good?"),
        ({"fallback_used": True}, "Answered by nova-pro of tier 2, after another model had failed. Was it good?"),
        (
            {"fallback_used": True, "escalated_from": 1},
            "Answered by nova-pro of tier 2, escalated from tier 1, whose output was not good enough. Was it good?",
        ),
    ],
)
def test_the_report_says_who_answered(
    api: LoopbackApi, notes: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, object], sentence: str
) -> None:
    """Model and tier, from where it was escalated, and how to rate it; nothing of it without a model."""
    answered = {"answer": "Because [1].", "sources": [], "model": "nova-pro", "tier": 2, "fallback_used": False}
    api.replies[SHOWN] = [(200, job(**{**answered, **changes}))]
    assert main(["run", "Why?", str(notes)]) == 0
    assert f"{sentence} rota feedback {JOB_ID} good|bad\n" in capsys.readouterr().err
    api.replies[SHOWN] = [(200, job(answer="Because [1].", mode="extractive"))]
    assert main(["run", "Why?", str(notes)]) == 0
    assert "Answered by" not in capsys.readouterr().err


def test_every_call_carries_the_key_and_a_job_its_idempotency_key(api: LoopbackApi, notes: Path) -> None:
    """The storage, which is not Rota, gets neither."""
    main(["run", "Why?", str(notes)])
    for route, headers, _ in api.requests:
        assert headers.get("authorization") == (None if route == "POST /storage" else "Bearer rota_key")
        assert ("idempotency-key" in headers) == (route == "POST /v1/jobs")


def test_a_repeated_post_uses_the_same_idempotency_key(api: LoopbackApi, monkeypatch: pytest.MonkeyPatch) -> None:
    """A 503 is tried again, and cannot start two jobs."""
    monkeypatch.setattr("sys.stdin", io.StringIO("a document"))
    api.replies["POST /v1/jobs"] = [(503, {"message": "Service Unavailable"}), *api.replies["POST /v1/jobs"]]
    assert main(["run", "Why?", "-"]) == 0
    keys = [headers["idempotency-key"] for route, headers, _ in api.requests if route == "POST /v1/jobs"]
    assert len(keys) == 2
    assert len(set(keys)) == 1


def test_standard_input_and_library_are_sources(api: LoopbackApi, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither needs an upload."""
    monkeypatch.setattr("sys.stdin", io.StringIO("a document"))
    assert main(["run", "Why?", "-", "--library", "library/papers/"]) == 0
    [body] = api.sent("POST /v1/jobs")
    assert body["sources"] == [
        {"type": "text", "title": "standard input", "text": "a document"},
        {"type": "s3", "prefix": "library/papers/"},
    ]
    assert not api.sent("POST /v1/uploads")


def test_json_prints_the_job_and_nothing_else(
    api: LoopbackApi, notes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Standard output is one JSON value."""
    assert main(["run", "Why?", str(notes), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["answer"] == "Because [1]."


def test_detach_prints_the_id_and_does_not_watch(
    api: LoopbackApi, notes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A script takes it from standard output."""
    assert main(["run", "Why?", str(notes), "--detach"]) == 0
    assert capsys.readouterr().out == f"{JOB_ID}\n"
    assert not [route for route, _, _ in api.requests if route == SHOWN]


def test_progress_is_told_in_lines_when_nobody_looks(
    api: LoopbackApi, notes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each status once, with batches, those that wait, calls and cost; no control characters."""
    working = job(
        "summarizing",
        progress={"documents_total": 2, "batches_total": 4, "batches_done": 1, "batches_waiting": 2},
        usage={"calls": 3, "cost_usd": 0.0021},
    )
    api.replies[SHOWN] = [(200, job("queued")), (200, working), (200, working), (200, job("done"))]
    assert main(["run", "Why?", str(notes)]) == 0
    err = capsys.readouterr().err
    assert err.count("queued\n") == 1
    assert err.count("summarizing · 2 documents · 1 of 4 batches, 2 waiting for quota · 3 calls · $0.0021\n") == 1
    assert "\x1b" not in err


def test_a_failed_job_is_a_sentence_and_exit_code_one(
    api: LoopbackApi, notes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The reason comes from the job."""
    api.replies[SHOWN] = [(200, job("failed", error={"code": "no_capacity", "message": "no model can take it"}))]
    assert main(["run", "Why?", str(notes)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert f"Job {JOB_ID} failed: no model can take it" in err


def test_an_interrupt_stops_watching_and_says_how_to_go_on(
    api: LoopbackApi, notes: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C does not stop the job."""

    def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(follow.time, "sleep", interrupted)
    api.replies[SHOWN] = [(200, job("summarizing"))]
    assert main(["run", "Why?", str(notes)]) == 130
    err = capsys.readouterr().err
    assert f"rota show {JOB_ID} --watch" in err
    assert f"rota stop {JOB_ID}" in err
    assert not [route for route, _, _ in api.requests if route.startswith("DELETE")]


def test_missing_paths_are_all_named_before_anything_is_sent(
    api: LoopbackApi, notes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is uploaded for a mistyped command."""
    assert main(["run", "Why?", str(notes), "nowhere", "neither"]) == 1
    assert capsys.readouterr().err == "rota: There is no such file or folder: nowhere, neither.\n"
    assert api.requests == []


@pytest.mark.parametrize(
    ("status", "body", "sentence"),
    [
        (401, {"message": "Unauthorized"}, "does not accept this key"),
        (403, {"message": "Forbidden"}, "unknown or revoked"),
        (
            404,
            {"error": {"code": "not_found", "message": "there is no job x", "request_id": "r1"}},
            "there is no job x",
        ),
        (
            500,
            {"error": {"code": "internal_error", "message": "something broke", "request_id": "r2"}},
            "something broke [request r2]",
        ),
        (
            400,
            {"error": {"code": "invalid_input", "message": "is too long", "field": "query", "request_id": "r3"}},
            "is too long (field query)",
        ),
    ],
)
def test_refusals_are_sentences(
    api: LoopbackApi, capsys: pytest.CaptureFixture[str], status: int, body: object, sentence: str
) -> None:
    """The gateway's own words are replaced, Rota's are passed on."""
    api.replies[SHOWN] = [(status, body)]
    assert main(["show", JOB_ID]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("rota: ")
    assert sentence in err


def test_nothing_listening_is_a_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Not a traceback of connection errors."""
    monkeypatch.setenv("ROTA_API_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("ROTA_API_KEY", "rota_key")
    monkeypatch.setattr("cli.api.RETRIES", 0)
    assert main(["models"]) == 1
    assert "Nothing answers at http://127.0.0.1:9" in capsys.readouterr().err


def test_without_a_stack_the_way_to_one_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """`rota up`, or the two variables."""
    monkeypatch.delenv("ROTA_API_URL", raising=False)
    monkeypatch.setattr(state, "home", lambda: tmp_path)
    assert main(["jobs"]) == 1
    assert "rota up" in capsys.readouterr().err


def test_show_of_a_running_job_returns_at_once(api: LoopbackApi, capsys: pytest.CaptureFixture[str]) -> None:
    """Its question and where it stands."""
    api.replies[SHOWN] = [(200, job("planning"))]
    assert main(["show", JOB_ID]) == 0
    assert capsys.readouterr().out == "Why?\nplanning\n"


def test_stop_deletes_the_job(api: LoopbackApi, capsys: pytest.CaptureFixture[str]) -> None:
    """One call."""
    api.replies[f"DELETE /v1/jobs/{JOB_ID}"] = [(202, {"job_id": JOB_ID, "status": "stopped"})]
    assert main(["stop", JOB_ID]) == 0
    assert [route for route, _, _ in api.requests] == [f"DELETE /v1/jobs/{JOB_ID}"]
    assert JOB_ID in capsys.readouterr().out


def test_jobs_are_listed_one_a_line(api: LoopbackApi, capsys: pytest.CaptureFixture[str]) -> None:
    """A long question is cut, its line breaks are not kept."""
    api.replies["GET /v1/jobs?limit=5"] = [(200, {"jobs": [job(query="Why\n" + "so long " * 20)], "cursor": None})]
    assert main(["jobs", "--limit", "5"]) == 0
    [line] = capsys.readouterr().out.splitlines()
    assert line.startswith(JOB_ID)
    assert line.endswith("…")


def test_models_show_quotas_and_when_each_can_start(api: LoopbackApi, capsys: pytest.CaptureFixture[str]) -> None:
    """Booked of the quota, the next start, and plainly that a model is simulated."""
    never = model("tiny", next_start_ms=None, simulated=False)
    api.replies["GET /v1/models"] = [(200, {"object": "list", "data": [model(), never]})]
    assert main(["models"]) == 0
    _, first, second = capsys.readouterr().out.splitlines()
    assert "25k/100k tpm" in first
    assert "bedrock (simulated)" in first
    assert "now" in first
    assert "never" in second
    assert "simulated" not in second


def test_the_help_of_every_command_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    """`--help` ends well and shows a line that can be typed."""
    for command in (
        *("up", "run", "keys", "models", "route", "usage", "experiments", "feedback", "outcomes", "config"),
    ):
        with pytest.raises(SystemExit) as ended:
            main([command, "--help"])
        assert ended.value.code == 0
        assert f"  rota {command}" in capsys.readouterr().out
    with pytest.raises(SystemExit) as misused:
        main(["run"])
    assert misused.value.code == 2


def test_sources_are_shown_with_their_places(api: LoopbackApi, notes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Lines or a page and what stands there; what would command a terminal is taken out of a quote."""
    places = [{"lines": [3, 5], "quote": "the rent \x1b[31mis 900"}, {"page": 7, "quote": "signed"}]
    source = {"number": 1, "title": "lease.md", "origin": "request", "places": places}
    api.replies[SHOWN] = [(200, job("done", answer="900 [1:3-5].", sources=[source]))]
    assert main(["run", "How much?", str(notes)]) == 0
    out = capsys.readouterr().out
    assert "lines 3–5: “the rent  [31mis 900”" in out
    assert "page 7: “signed”" in out
