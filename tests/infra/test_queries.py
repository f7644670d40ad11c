"""What is looked at is what is written: the saved queries run on real lines, and charts and alarms on real metrics."""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import insights
import pytest
from deployment_view import View

from infra.queries import QUERIES
from infra.stack import ACCESS
from rota import observability
from rota.calls import CallRecord
from rota.catalog_file import load_catalog
from rota.policy import Thresholds
from rota.providers.base import ModelCall
from rota.routing.complexity import graded
from rota.routing.decision import Decision
from rota.shadow import Primary, ShadowEvent, comparison
from rota.usage import Usage

START_MS = 1_795_000_020_000  # a whole minute

OK = CallRecord(
    task="summarize",
    decision=Decision("step", "pool:summaries", (), {}),
    model="nova-micro",
    provider="bedrock",
    tier=1,
    outcome="ok",
    attempts=1,
    fallback_from=None,
    escalated_from=None,
    booked_tokens=1500,
    wait_ms=20,
    latency_ms=900,
    usage=Usage(1000, 200),
    cost_nanousd=2_000_000,
)
TRIED = Decision("default", "tier:1", (), {}, tier=1, complexity=graded(0.1, Thresholds(), {}), experiment="e:new")
CALLS = [
    (0, "ada", replace(OK, decision=TRIED)),
    (10_000, "ada", replace(OK, latency_ms=1900, cost_nanousd=4_000_000)),
    (
        70_000,
        "ada",
        replace(OK, decision=TRIED, model="nova-lite", fallback_from="nova-micro", escalated_from=1, latency_ms=3000),
    ),
    (71_000, "bob", replace(OK, outcome="rate_limited", usage=Usage(), cost_nanousd=0, latency_ms=40)),
]
"""Milliseconds after START_MS, who, and the call."""

SHADOWED = ShadowEvent(
    decision="d-512d0000000000aa",
    model="nova-lite",
    task="summarize",
    input_tokens=1000,
    call=ModelCall("", "When does the lease end?", 500),
    primary=Primary(model="nova-micro", text="In 2027.", latency_ms=900, output_tokens=200, cost_nanousd=2_000_000),
)
CANDIDATE = replace(OK, model="nova-lite", latency_ms=400, cost_nanousd=1_000_000, usage=Usage(1000, 100))
SHADOWS: list[tuple[CallRecord | None, str | None]] = [
    (CANDIDATE, "In 2027."),
    (CANDIDATE, "2030."),
    (replace(CANDIDATE, outcome="provider_timeout", latency_ms=9400, cost_nanousd=0, usage=Usage()), None),
    (None, None),
]
"""The candidate's call and its text, None for one that was skipped."""


COUNTS = (
    *("JobsStarted", "JobsFinished", "JobsFailed", "NoCapacity", "RefreshFailed"),
    *("ModelLeftPool", "ModelCameBack"),
)


@pytest.fixture
def written(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, prod: View) -> list[dict[str, Any]]:
    """Everything that functions print about the calls, and about jobs, with the environment that they are given."""
    for name, value in prod.functions()["summarize_batch"]["Environment"]["Variables"].items():
        if name.startswith("POWERTOOLS"):
            monkeypatch.setenv(name, value)
    monkeypatch.setattr(observability.logger.registered_handler, "stream", sys.stdout)
    lines = []
    for after_ms, user, record in CALLS:
        observability.log_model_call(record, job="j-1", decision_id="d-512d0000000000aa", user=user, feature="api")
        lines += [{**line, "@timestamp": START_MS + after_ms} for line in printed(capsys)]
    for shadow in SHADOWS:
        observability.logger.info("shadow call", extra=comparison(SHADOWED, *shadow))
        lines += [{**line, "@timestamp": START_MS} for line in printed(capsys)]
    for name in COUNTS:
        observability.count(name)
    return lines + list(printed(capsys))


def printed(capsys: pytest.CaptureFixture[str]) -> Iterator[dict[str, Any]]:
    """The JSON lines on standard output since the last time."""
    for line in capsys.readouterr().out.splitlines():
        yield json.loads(line)


@pytest.fixture
def results(written: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """The rows of every saved query over these lines."""
    lines = [line for line in written if "@timestamp" in line and "_aws" not in line]
    return {query.name: insights.run(query.text, lines) for query in QUERIES}


def test_the_distribution_of_models(results: dict[str, list[dict[str, Any]]]) -> None:
    """Calls and tokens by model, the busiest first."""
    first, second = results["Models/Distribution"]
    assert first == {"model": "nova-micro", "calls": 3, "tokens_in": 2000, "tokens_out": 400}
    assert second == {"model": "nova-lite", "calls": 1, "tokens_in": 1000, "tokens_out": 200}


def test_tokens_per_minute(results: dict[str, list[dict[str, Any]]]) -> None:
    """Used and booked tokens by minute and model, the latest minute first."""
    rows = [tuple(row.values()) for row in results["Models/Tokens per minute"]]
    assert rows == [
        (START_MS + 60_000, "nova-lite", 1200, 1500),
        (START_MS + 60_000, "nova-micro", 0, 1500),
        (START_MS, "nova-micro", 2400, 3000),
    ]


def test_fallbacks(results: dict[str, list[dict[str, Any]]]) -> None:
    """How often a model stood in, and for which."""
    hour = START_MS // 3_600_000 * 3_600_000
    assert [tuple(row.values()) for row in results["Routing/Fallback frequency"]] == [
        (hour, "nova-lite", 1, 1),
        (hour, "nova-micro", 0, 3),
    ]
    [only] = results["Routing/Fallbacks from and to"]
    assert only == {"fallback_from": "nova-micro", "model": "nova-lite", "calls": 1}


def test_latency_of_answers(results: dict[str, list[dict[str, Any]]]) -> None:
    """Percentiles count answers only: a quick refusal does not flatter a model."""
    slow, quick = results["Models/Latency"]
    assert slow == {"model": "nova-lite", "p50_ms": 3000, "p95_ms": 3000, "p99_ms": 3000}
    assert quick == {"model": "nova-micro", "p50_ms": 900, "p95_ms": 1900, "p99_ms": 1900}


def test_the_slowest_calls(results: dict[str, list[dict[str, Any]]]) -> None:
    """Single calls, the slowest first, with the job they belong to."""
    rows = results["Models/Slowest calls"]
    assert [row["latency_ms"] for row in rows] == [3000, 1900, 900, 40]
    assert {row["job"] for row in rows} == {"j-1"}


def test_errors(results: dict[str, list[dict[str, Any]]]) -> None:
    """Outcomes other than an answer, by provider and model."""
    assert results["Routing/Errors"] == [
        {"outcome": "rate_limited", "provider": "bedrock", "model": "nova-micro", "calls": 1}
    ]


def test_success_and_cost_by_model(results: dict[str, list[dict[str, Any]]]) -> None:
    """C8: of three calls of the first model one was refused."""
    micro, lite = results["Models/Success and cost"]
    assert (micro["model"], micro["calls"], micro["ok_percent"], micro["cost"]) == ("nova-micro", 3, 66, 0.006)
    assert (lite["ok_percent"], lite["cost_a_call"]) == (100, 0.002)


def test_decisions_by_rule_level_and_tier(results: dict[str, list[dict[str, Any]]]) -> None:
    """C8: the distribution of routing."""
    rows = {(row["rule"], row["complexity"], row["tier"]): row["calls"] for row in results["Routing/Decisions"]}
    assert rows == {("default", "simple", 1): 2, ("step", None, 1): 1}


def test_routing_accuracy(results: dict[str, list[dict[str, Any]]]) -> None:
    """C8: of two calls aimed at the lowest tier one had to go up."""
    (row,) = results["Routing/Accuracy"]
    assert (row["aimed_tier"], row["right_percent"], row["escalated"], row["calls"]) == (1, 50, 1, 2)


def test_experiments_by_arm(results: dict[str, list[dict[str, Any]]]) -> None:
    """C5, live from the log; the API has intervals."""
    (row,) = results["Routing/Experiments"]
    assert (row["experiment"], row["calls"], row["ok_percent"], row["mean_ms"]) == ("e:new", 2, 100, 1950)


def test_shadows_beside_what_was_answered(results: dict[str, list[dict[str, Any]]]) -> None:
    """Means of the candidate's calls and of the answers they stand beside; what was skipped counts for neither."""
    [row] = results["Routing/Shadow comparison"]
    assert (row["candidate"], row["primary"], row["task"]) == ("nova-lite", "nova-micro", "summarize")
    assert (row["calls"], row["ok_percent"], row["mean_similarity"]) == (3, 66, 0.5)
    assert (row["candidate_ms"], row["primary_ms"]) == (3400, 900)
    assert (row["candidate_usd"], row["primary_usd"]) == (pytest.approx(0.002 / 3), 0.002)
    assert (row["candidate_tokens"], row["primary_tokens"]) == (pytest.approx(200 / 3), 200)
    outcomes = {row["outcome"]: (row["candidate"], row["shadows"]) for row in results["Routing/Shadow outcomes"]}
    assert outcomes == {"ok": ("nova-lite", 2), "provider_timeout": ("nova-lite", 1), "skipped": ("nova-lite", 1)}


def test_costs(results: dict[str, list[dict[str, Any]]]) -> None:
    """Dollars by owner and model, and by feature and query type."""
    owners = [(row["user"], row["model"], round(row["cost"], 6)) for row in results["Money/Cost by owner"]]
    assert owners == [("ada", "nova-micro", 0.006), ("ada", "nova-lite", 0.002), ("bob", "nova-micro", 0.0)]
    [row] = results["Money/Cost by feature and query type"]
    assert (row["feature"], row["query_type"], row["calls"], round(row["cost"], 6)) == ("api", "summarize", 4, 0.008)


def test_a_query_over_a_field_that_nobody_writes_fails() -> None:
    """The engine of these tests does not invent fields."""
    with pytest.raises(sqlite3.OperationalError, match="no such column"):
        insights.run('filter event = "x" | stats sum(unwritten) as n by model', [{"event": "x", "model": "m"}])


def test_queries_are_saved_over_the_logs_of_the_callers(prod: View) -> None:
    """A stack of its own saves each query, named by stage, over the log groups of functions that call models."""
    template = json.loads((prod.folder / "Rota-prod-Queries.template.json").read_text())
    saved = [body["Properties"] for body in template["Resources"].values()]
    assert {query["Name"] for query in saved} == {f"Rota/prod/{query.name}" for query in QUERIES}
    callers = {name for name, access in ACCESS.items() if access.models}
    assert {"serve_api", "shadow_call", "summarize_batch"} < callers
    for query in saved:
        assert set(query["LogGroupNames"]) == {f"/rota/prod/{name}" for name in callers}
        assert len(query["QueryString"]) < 10_000


def emitted(written: list[dict[str, Any]]) -> set[tuple[str, frozenset[tuple[str, str]]]]:
    """Every metric that the lines carry: its name and its dimensions."""
    found = set()
    for line in written:
        for directive in line.get("_aws", {}).get("CloudWatchMetrics", []):
            assert directive["Namespace"] == "Rota"
            for names in directive["Dimensions"]:
                dimensions = frozenset((name, line[name]) for name in names)
                found |= {(metric["Name"], dimensions) for metric in directive["Metrics"]}
    return found


def watched(prod: View) -> Iterator[tuple[str, frozenset[tuple[str, str]]]]:
    """Every metric of Rota's own that an alarm or a chart reads."""
    for alarm in prod.resources("AWS::CloudWatch::Alarm").values():
        if alarm["Namespace"] == "Rota":
            yield alarm["MetricName"], frozenset((d["Name"], d["Value"]) for d in alarm["Dimensions"])
    [board] = prod.resources("AWS::CloudWatch::Dashboard").values()
    for widget in json.loads(board["DashboardBody"])["widgets"]:
        for entry in widget["properties"]["metrics"]:
            if entry[0] == "Rota":
                names = [part for part in entry[2:] if isinstance(part, str)]
                yield entry[1], frozenset(zip(names[::2], names[1::2], strict=True))


def test_charts_and_alarms_read_metrics_that_are_written(prod: View, written: list[dict[str, Any]]) -> None:
    """Name and dimensions agree with what the functions emit, for every model of the pool."""
    models = [model.id for model in load_catalog(Path(__file__).parents[2] / "rota.yaml").models]
    written_shapes = {
        (name, frozenset((key, "*" if key == "model" else value) for key, value in dimensions))
        for name, dimensions in emitted(written)
    }
    seen = set(watched(prod))
    for name, dimensions in seen:
        assert (name, frozenset((k, "*" if k == "model" else v) for k, v in dimensions)) in written_shapes
    refusals = {dict(dimensions)["model"] for name, dimensions in seen if name == "Refusals"}
    assert refusals == set(models)


def test_every_alarm_tells_the_topic(prod: View) -> None:
    """Refusals by model, failed jobs, exhausted pools, dead letters, broken machines and functions."""
    topic, _ = prod.named("AWS::SNS::Topic", "Alarms")
    alarms = prod.resources("AWS::CloudWatch::Alarm")
    assert all(alarm["AlarmActions"] == [f"${{{topic}}}"] for alarm in alarms.values())
    watched_names = {alarm["MetricName"] for alarm in alarms.values()}
    assert watched_names == {
        "Refusals",
        "JobsFailed",
        "ModelLeftPool",
        "NoCapacity",
        "RefreshFailed",
        "ApproximateNumberOfMessagesVisible",
        "ExecutionsFailed",
        "Errors",
    }
    errors = [alarm for alarm in alarms.values() if alarm["MetricName"] == "Errors"]
    assert len(errors) == len(prod.functions())
    assert {alarm["TreatMissingData"] for alarm in alarms.values()} == {"notBreaching"}
