"""`rota usage`, `rota experiments`, `rota feedback`."""

from __future__ import annotations

import json
from typing import Any

import pytest
from loopback_api import JOB_ID, LoopbackApi

from cli.main import main
from rota.catalog_file import parse_catalog
from rota.outcomes.experiments import ArmTotals, results
from rota.outcomes.usage import UsageKey, UsageTotals, usage_view
from tests.fixtures.tiers import document

DECISION_ID = "d-512d0123456789ab"
ROWS = [
    (UsageKey("ada", "chat", "chat", "small"), UsageTotals(40, 12_000, 3_000, 250_000_000, 36_000, 2, 1, 0)),
    (UsageKey("ada", "api", "answer", "strong"), UsageTotals(2, 8_000, 900, 750_000_000, 9_000, 0, 0, 1)),
]
BUDGETS = [
    {"budget": "user ada", "limit_usd": 4.0, "spent_usd": 1.0, "month": "2026-11", "ends": "2026-12-01"},
    {"budget": "all", "limit_usd": 1.0, "spent_usd": 1.2, "month": "2026-11", "ends": "2026-12-01"},
]


def test_usage_is_divided_by_everything_dearest_first(api: LoopbackApi, capsys: pytest.CaptureFixture[str]) -> None:
    """Totals, shares of the cost, and what is left of each budget."""
    api.replies["GET /v1/usage?month=2026-11"] = [(200, {**usage_view("2026-11", ROWS), "budgets": BUDGETS})]
    assert main(["usage", "--month", "2026-11"]) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == "2026-11: 42 calls · 20,000 tokens in, 3,900 out · $1.00"
    assert lines[2] == "feature calls tokens in out cost of all mean fallbacks failures one tier up"
    assert lines[3] == "api 2 8,000 900 $0.7500 ━━━━━━━╸── 75.0 % 4.5 s – – 1"
    assert lines[4] == "chat 40 12,000 3,000 $0.2500 ━━╸─────── 25.0 % 0.9 s 2 1 –"
    assert [line.split(" calls")[0] for line in lines if " calls tokens" in line] == ["feature", "query type", "model"]
    assert lines[-2:] == [
        "user ada ━━╸─────── $1.00 of $4.00 $3.00 left until 2026-12-01 (UTC)",
        "all ━━━━━━━━━━ $1.20 of $1.00 spent until 2026-12-01 (UTC)",
    ]


def test_usage_of_nothing_and_of_what_costs_nothing(api: LoopbackApi, capsys: pytest.CaptureFixture[str]) -> None:
    """Without cost, shares are of the calls; without calls, there is nothing to divide."""
    free = [(UsageKey("ada", name, "chat", "own"), UsageTotals(calls=calls)) for name, calls in (("a", 3), ("b", 1))]
    api.replies["GET /v1/usage"] = [
        (200, {**usage_view("2026-11", free), "budgets": []}),
        (200, {**usage_view("2026-11", []), "budgets": []}),
    ]
    assert main(["usage"]) == 0
    assert "75.0 %" in capsys.readouterr().out
    assert main(["usage"]) == 0
    assert capsys.readouterr().out == "2026-11: no calls.\n\nNo budget applies to you.\n"
    assert main(["usage", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["total"]["calls"] == 0


def test_a_month_must_be_one(api: LoopbackApi, capsys: pytest.CaptureFixture[str]) -> None:
    """Said before anything is asked."""
    with pytest.raises(SystemExit) as ended:
        main(["usage", "--month", "2026-13"])
    assert ended.value.code == 2
    assert "must be a month such as 2026-11" in capsys.readouterr().err
    assert api.requests == []


def experiment(**arms: ArmTotals) -> dict[str, Any]:
    """An entry of GET /v1/experiments."""
    parts = [{"name": name, "percent": 100 / len(arms)} for name in arms]
    found = parse_catalog(document(experiments={"tiers": {"subject": "user", "arms": parts}})).experiments["tiers"]
    return {"name": "tiers", "subject": found.subject, "arms": results(found, arms)}


def test_experiments_stand_arm_beside_arm(api: LoopbackApi, capsys: pytest.CaptureFixture[str]) -> None:
    """Counts, shares with intervals, the difference to the first, and whether it is one."""
    first = ArmTotals(100, 80, 3, 100_000_000, 10**15, 100_000, 2 * 10**8, 5, 9)
    better = ArmTotals(100, 98, 0, 200_000_000, 10**15, 90_000, 10**8, 7, 1)
    same = ArmTotals(100, 81)
    seen = experiment(asis=first, strong=better, other=same, new=ArmTotals())
    api.replies["GET /v1/experiments"] = [(200, {"experiments": [seen]})]
    assert main(["experiments"]) == 0
    out = capsys.readouterr().out
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert lines[0] == "tiers, divided by user"
    assert lines[2] == "asis strong other new"
    assert "answered 80, 80.0 % 98, 98.0 % 81, 81.0 % 0, –" in lines
    assert "95 % interval 71.1 to 86.7 % 93.0 to 99.4 % 72.2 to 87.5 % 0.0 to 100.0 %" in lines
    assert "difference compared with +18.0 points (+9.7 to +27.0) +1.0 points (-10.0 to +12.0) –" in lines
    assert "decided: better not decided not decided" in lines
    assert "rated good, bad 5, 9 7, 1 0, 0 0, 0" in lines
    assert any(line.startswith("cost of 1,000 $1.00 ($0.4") for line in lines)
    assert any(line.startswith("mean latency 1.00 s (0.80 s to 1.20 s)") for line in lines)


def test_a_worse_arm_is_called_so_and_none_at_all_is_said(api: LoopbackApi, capsys: pytest.CaptureFixture[str]) -> None:
    """With the place where experiments are written."""
    worse = experiment(asis=ArmTotals(100, 98), cheap=ArmTotals(100, 60))
    api.replies["GET /v1/experiments"] = [(200, {"experiments": [worse, worse]}), (200, {"experiments": []})]
    assert main(["experiments"]) == 0
    assert capsys.readouterr().out.count("decided: worse") == 2
    assert main(["experiments"]) == 0
    assert "rota.yaml below `experiments`" in capsys.readouterr().out
    assert main(["experiments", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"experiments": []}


def test_feedback_goes_to_the_job_or_the_decision(api: LoopbackApi, capsys: pytest.CaptureFixture[str]) -> None:
    """By the id; with the comment."""
    job, decision = f"POST /v1/jobs/{JOB_ID}/feedback", f"POST /v1/decisions/{DECISION_ID}/feedback"
    api.replies[job] = [(200, {"job_id": JOB_ID, "rating": "good", "recorded": True})]
    api.replies[decision] = [(200, {"decision": DECISION_ID, "rating": "bad", "recorded": False})]
    assert main(["feedback", JOB_ID, "good", "--comment", "short and right"]) == 0
    assert api.sent(job) == [{"rating": "good", "comment": "short and right"}]
    assert capsys.readouterr().out == f"Noted: {JOB_ID} was good.\n"
    assert main(["feedback", DECISION_ID, "bad"]) == 0
    assert api.sent(decision) == [{"rating": "bad"}]
    assert "was rated before" in capsys.readouterr().out


def test_a_retry_tells_the_new_job(api: LoopbackApi, capsys: pytest.CaptureFixture[str]) -> None:
    """And how to follow it."""
    again = {"job_id": "j-fedcba9876543210", "status": "queued"}
    route = f"POST /v1/jobs/{JOB_ID}/feedback"
    api.replies[route] = [(200, {"job_id": JOB_ID, "rating": "bad", "recorded": True, "retry": again})]
    assert main(["feedback", JOB_ID, "bad", "--retry"]) == 0
    assert api.sent(route) == [{"rating": "bad", "retry": True}]
    out = capsys.readouterr().out
    assert "Asked again, one tier up: j-fedcba9876543210\n" in out
    assert "rota show j-fedcba9876543210 --watch" in out
    assert main(["feedback", JOB_ID, "bad", "--retry", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["retry"] == again


def test_a_retry_is_sent_once(api: LoopbackApi, capsys: pytest.CaptureFixture[str]) -> None:
    """A repeated request would start a second job; a rating alone may be repeated."""
    route = f"POST /v1/jobs/{JOB_ID}/feedback"
    rated = (200, {"job_id": JOB_ID, "rating": "bad", "recorded": True})
    api.replies[route] = [(503, {"message": "Service Unavailable"}), rated]
    assert main(["feedback", JOB_ID, "bad", "--retry"]) == 1
    assert len(api.requests) == 1
    api.replies[route] = [(503, {"message": "Service Unavailable"}), rated]
    assert main(["feedback", JOB_ID, "bad"]) == 0
    assert len(api.requests) == 3


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["x-1", "good"], "'x-1' is neither a job's id"),
        ([DECISION_ID.upper(), "good"], "is neither a job's id"),
        ([DECISION_ID, "bad", "--retry"], "least_tier"),
        ([DECISION_ID, "bad", "--comment", "no"], "no text is kept"),
    ],
)
def test_feedback_that_cannot_be_given_is_a_sentence(
    api: LoopbackApi, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    """Nothing is sent."""
    assert main(["feedback", *arguments]) == 1
    assert sentence in capsys.readouterr().err
    assert api.requests == []
