"""Shadow mode deployed: a candidate answers everything too, nobody sees or waits for it, and the log compares."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from deployed_stack import DeployedStack

CANDIDATE = "strong"
CALLERS = ("plan_job", "summarize_batch", "synthesize_summaries", "write_answer", "serve_api")
MINE = {"model": "small", "answer_model": "small", "feature": "shadowed"}
QUESTION = "What did the repair cost?"
CHAPTERS = {
    f"{n}.md": f"# Chapter {n}\n\n" + " ".join(f"The repair of machine {n}-{i} cost {i} euros." for i in range(150))
    for n in range(4)
}


@pytest.fixture
def shadowed(routed: DeployedStack) -> Iterator[DeployedStack]:
    """The stack whose pool file has a candidate beside every call of one feature."""
    yield routed
    routed.simulated.clear_faults()
    routed.close_breakers()


def shadows(stack: DeployedStack, decisions: set[str]) -> list[dict[str, Any]]:
    """The lines that compare calls of these decisions."""
    return [line for line in stack.log_lines("shadow_call", event="shadow_call") if line["decision"] in decisions]


def answered(stack: DeployedStack, **fields: Any) -> list[dict[str, Any]]:
    """The calls that somebody asked for and a model answered."""
    lines = [line for name in CALLERS for line in stack.log_lines(name, event="model_call", outcome="ok", **fields)]
    return [line for line in lines if line["model"] != CANDIDATE]


def test_every_answer_of_a_job_is_compared(shadowed: DeployedStack) -> None:
    """One line for each, with both sides; the job knows nothing of it, and rota is charged.

    On a busy machine some cannot start in time, and are skipped.
    """
    job_id = shadowed.start_job(QUESTION, CHAPTERS, **MINE)
    job = shadowed.wait_for_job(job_id)
    assert (job["status"], job["coverage"]["read"]) == ("done", 4)
    calls = answered(shadowed, job=job_id)
    assert len(calls) >= 3
    decisions = {call["decision"] for call in calls}
    assert shadowed.eventually(lambda: len(shadows(shadowed, decisions)) >= len(calls))
    lines = shadows(shadowed, decisions)
    assert len(lines) == len(calls)
    assert {line["decision"] for line in lines} == decisions
    assert {line["candidate"] for line in lines} == {CANDIDATE}
    assert {line["outcome"] for line in lines} <= {"ok", "skipped"}
    compared = [line for line in lines if line["outcome"] == "ok"]
    assert 2 * len(compared) >= len(lines)
    for line in compared:
        [call] = [each for each in calls if each["decision"] == line["decision"]]
        assert (line["primary"], line["task"]) == (call["model"], call["task"])
        assert (line["primary_latency_ms"], line["primary_cost_usd"]) == (call["latency_ms"], call["cost_usd"])
        assert 0 <= line["similarity"] <= 1
        assert line["latency_ms"] > 0
        assert line["cost_usd"] > 0
        assert ("valid" in line) == (line["task"] == "plan")
    own = [line for line in shadowed.log_lines("shadow_call", event="model_call") if line["decision"] in decisions]
    assert len(own) == len(compared)
    assert {(line["user"], line["feature"], line.get("job"), line["model"]) for line in own} == {
        ("rota", "shadow", None, CANDIDATE)
    }
    assert "machine" not in json.dumps(shadowed.log_lines("shadow_call"))
    assert set(job["usage"]["models"]) == {call["model"] for call in calls} | (
        {CANDIDATE} if job["usage"]["calls"] > len(calls) else set()
    )
    items = shadowed.dynamodb.scan(TableName=shadowed.outputs["OutcomesTable"])["Items"]
    counted = [item for item in items if item["pk"]["S"].startswith("usage#") and item["pk"]["S"].endswith("#rota")]
    assert sum(int(item["calls"]["N"]) for item in counted) >= len(own)


def test_a_chat_is_compared(shadowed: DeployedStack) -> None:
    """Under the decision that its caller was told."""
    messages = [{"role": "user", "content": QUESTION}]
    asked = {"model": "middle", "messages": messages, "metadata": {"feature": "shadowed"}}
    reply = shadowed.api("POST", "chat/completions", asked)
    assert reply.status == 200, reply.body
    decision = reply.body["rota"]["decision"]
    assert shadowed.eventually(lambda: shadows(shadowed, {decision}))
    [line] = shadows(shadowed, {decision})
    assert (line["candidate"], line["primary"], line["task"], line["outcome"]) == (CANDIDATE, "middle", "chat", "ok")


def test_a_candidate_that_is_down_harms_nobody(shadowed: DeployedStack) -> None:
    """Its failures are in the log and its breaker opens, after which it is not even asked."""
    shadowed.simulated.fault("outage", CANDIDATE)
    job_id = shadowed.start_job(QUESTION, CHAPTERS, **MINE)
    job = shadowed.wait_for_job(job_id)
    assert (job["status"], job["coverage"]["read"], job["usage"]["refusals"]) == ("done", 4, 0)
    decisions = {call["decision"] for call in answered(shadowed, job=job_id)}
    assert shadowed.eventually(lambda: {line["decision"] for line in shadows(shadowed, decisions)} == decisions)
    outcomes = {line["outcome"] for line in shadows(shadowed, decisions)}
    assert outcomes <= {"provider_unavailable", "skipped"}
    assert "provider_unavailable" in outcomes
