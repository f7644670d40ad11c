"""The dynamic pool of the deployed stack: a model that fails leaves its pools for every function, and comes back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from deployed_stack import DeployedStack

MODEL = "nova-micro"
FAILED = 4
QUESTION = "What did the repair cost?"


def chapters(count: int) -> dict[str, str]:
    """Documents that make a batch each."""
    return {
        f"{n}.md": f"# Chapter {n}\n\n" + " ".join(f"The repair of machine {n}-{i} cost {i} euros." for i in range(150))
        for n in range(count)
    }


def shown(stack: DeployedStack) -> dict[str, Any]:
    """The model as GET /v1/models shows it."""
    data = stack.api("GET", "models").body["data"]
    return dict(next(each for each in data if each["id"] == MODEL))


def change(stack: DeployedStack, expression: str, **numbers: int) -> None:
    """Change the model's item by hand."""
    values = {f":{name}": {"N": str(value)} for name, value in numbers.items()}
    stack.dynamodb.update_item(
        TableName=stack.outputs["LedgerTable"],
        Key={"model": {"S": MODEL}},
        UpdateExpression=expression,
        **({"ExpressionAttributeValues": values} if values else {}),
    )


@pytest.fixture
def watched(stack: DeployedStack) -> Iterator[DeployedStack]:
    """The model's window begins with the test; afterwards it is in its pools whatever happened."""
    stack.wait_for_job(stack.start_job(QUESTION, chapters(1), model=MODEL, reuse=False))
    change(stack, "REMOVE wa, yu, yw")
    stack.invoke("watch_health")
    yield stack
    change(stack, "SET b = :b REMOVE y, yu, yw, wa", b=0)


def test_a_failing_model_leaves_and_comes_back(watched: DeployedStack) -> None:
    """One of seven calls fails: jobs are done by others, until probes have been answered for a window."""
    for _ in range(FAILED):  # one at a time: while the breaker is open they would be probes, which do not count
        watched.simulated.fault("error", MODEL, count=1, status=500)
        watched.wait_for_job(watched.start_job(QUESTION, chapters(7), model=MODEL, reuse=False))
        assert shown(watched)["breaker"] == "closed"
    health = shown(watched)["health"]
    assert health["verdict"].startswith("failing: "), health
    [move] = watched.invoke("watch_health")["moves"]
    assert (move["event"], move["model"], move["why"]) == ("model_left_pool", MODEL, health["verdict"])
    out = shown(watched)
    assert (out["breaker"], out["breaker_reason"]) == ("open", move["why"])
    assert watched.log_lines("watch_health", event="model_left_pool", model=MODEL)

    job = watched.wait_for_job(watched.start_job(QUESTION, chapters(10), reuse=False))
    assert (job["status"], job["coverage"]["read"]) == ("done", 10)
    probes = job["usage"]["models"].get(MODEL, {"calls": 0})["calls"]
    assert probes <= 1 + (job["finished_ms"] - job["started_ms"]) / 5_000
    assert shown(watched)["breaker"] != "closed"

    change(watched, "SET yu = :now", now=int(time.time()))  # nobody waits five minutes
    job = watched.wait_for_job(watched.start_job(QUESTION, chapters(1), model=MODEL, answer_model=MODEL, reuse=False))
    assert job["usage"]["models"][MODEL]["calls"] >= 2
    assert shown(watched)["breaker"] == "closed"
    [move] = watched.invoke("watch_health")["moves"]
    assert (move["event"], move["model"], move["error_rate"]) == ("model_came_back", MODEL, 0)
