"""The API beyond single requests: repetition, size, owners, and what it never says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest

from functions import parts
from functions.serve_api.handler import handle
from functions.serve_api.requests import MAX_BODY_BYTES
from rota.errors import BudgetSpentError
from tests.fixtures.job_stack import REPOSITORY, Context, JobStack, job_stack

SECRET = "the-secret-of-the-document"


@pytest.fixture
def stack() -> Iterator[JobStack]:
    """Tables, bucket and machines of one test."""
    with job_stack() as stack:
        yield stack


def call(sample: str, owner: str = "ada", **changes: Any) -> tuple[int, dict[str, Any]]:
    """A sample request, changed; its status and body."""
    event = json.loads((REPOSITORY / "events" / "serve_api" / f"{sample}.json").read_text("utf-8"))
    event["requestContext"]["authorizer"]["lambda"]["owner"] = owner
    event |= changes
    reply = handle(event, Context())
    return reply["statusCode"], json.loads(reply["body"])


def body(text: str = "x") -> str:
    """A valid request around a document's text."""
    return json.dumps({"query": "What?", "sources": [{"type": "text", "title": "t", "text": text}]})


def test_a_repeated_post_is_the_first_job(stack: JobStack) -> None:
    """Same key, same body: same id, one execution. Another body: 409. Another owner: another job."""
    first, again = call("create_job_with_key"), call("create_job_with_key")
    assert first == again
    assert len(stack.executions(stack.workflow_arn)) == 1
    status, refused = call("create_job_with_key", body=body("other"))
    assert (status, refused["error"]["code"]) == (409, "conflict")
    assert call("create_job_with_key", owner="bob")[1]["job_id"] != first[1]["job_id"]


def test_a_body_at_the_limit_passes_and_one_above_says_where_to_go(stack: JobStack) -> None:
    """Bytes count, not characters; nothing is started for the larger one."""
    frame = len(body("").encode())
    assert call("create_job", body=body("x" * (MAX_BODY_BYTES - frame)))[0] == 202
    for text in ("x" * (MAX_BODY_BYTES - frame + 1), "ü" * (MAX_BODY_BYTES // 6 + 1)):
        status, refused = call("create_job", body=body(text))
        assert (status, refused["error"]["code"], refused["error"]["field"]) == (413, "payload_too_large", "body")
        assert f"{MAX_BODY_BYTES:,}" in refused["error"]["message"]
        assert "POST /v1/uploads" in refused["error"]["message"]
    assert len(stack.executions(stack.workflow_arn)) == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"query": " \n\t\u00a0"}, "query"),
        ({"sources": [{"type": "text", "title": "  ", "text": "x"}]}, "sources.0.title"),
        ({"sources": [{"type": "search", "prefix": "elsewhere/"}]}, "sources.0.prefix"),
        ({"options": {"answer_tier": 4}}, "options.answer_tier"),
        ({"options": {"answer_schema": "object"}}, "options.answer_schema"),
    ],
)
def test_what_is_wrong_is_named_as_it_was_typed(stack: JobStack, changes: dict[str, Any], field: str) -> None:
    """Without the validator's own names of types and sources; blank is as good as nothing. Nothing is started."""
    status, refused = call("create_job", body=json.dumps(json.loads(body()) | changes))
    assert (status, refused["error"]["code"], refused["error"]["field"]) == (422, "invalid_input", field)
    assert stack.executions(stack.workflow_arn) == {}


def test_a_question_is_taken_without_the_space_around_it(stack: JobStack) -> None:
    """And a title; a document's text stays as it is, because lines are counted in it."""
    text = {"type": "text", "title": " lease.md\n", "text": "\n\n The rent. "}
    job_id = call("create_job", body=json.dumps({"query": "  What?\n", "sources": [text]}))[1]["job_id"]
    request = stack.files(job_id).request()
    assert (stack.jobs.get(job_id).query, request["query"]) == ("What?", "What?")
    assert request["sources"] == [{"type": "text", "title": "lease.md", "text": "\n\n The rent. "}]


def test_pages_follow_each_other(stack: JobStack) -> None:
    """By the cursor that each page gives, until there is none."""
    for at in range(5):
        stack.add_job(f"j-000000000000000{at}", created_ms=at)
    seen: list[str] = []
    query: dict[str, str] = {"limit": "2"}
    for _ in range(3):
        _, page = call("list_jobs", queryStringParameters=query)
        seen += [job["job_id"] for job in page["jobs"]]
        query = {"limit": "2", "cursor": page["cursor"]} if page["cursor"] else {}
    assert seen == [f"j-000000000000000{at}" for at in (4, 3, 2, 1, 0)]
    assert query == {}


def test_a_stranger_sees_stops_and_lists_nothing(stack: JobStack) -> None:
    """Bob's calls on Ada's job answer exactly as on none, and leave it running."""
    job_id = call("create_job")[1]["job_id"]
    for sample in ("show_job", "stop_job"):
        status, told = call(sample, owner="bob", rawPath=f"/v1/jobs/{job_id}")
        assert (status, told["error"]["code"]) == (404, "not_found")
    assert call("list_jobs", owner="bob")[1] == {"jobs": [], "cursor": None}
    assert stack.jobs.get(job_id).status == "queued"
    assert not stack.jobs.get(job_id).stopped


def test_stopping_stops_the_execution_and_is_the_same_twice(stack: JobStack) -> None:
    """Flag, execution, status; one event however often."""
    job_id = call("create_job")[1]["job_id"]
    first = call("stop_job", rawPath=f"/v1/jobs/{job_id}")
    assert first == call("stop_job", rawPath=f"/v1/jobs/{job_id}")
    assert first == (202, {"job_id": job_id, "status": "stopped", "links": {"self": f"/v1/jobs/{job_id}"}})
    (execution,) = stack.stepfunctions.list_executions(stateMachineArn=stack.workflow_arn)["executions"]
    assert execution["status"] == "ABORTED"
    assert len(stack.events.entries) == 1
    status, shown = call("show_job", rawPath=f"/v1/jobs/{job_id}")
    assert (status, shown["status"], shown["error"]["code"]) == (200, "stopped", "job_stopped")


def test_a_rerun_is_checked_like_a_new_job(stack: JobStack) -> None:
    """A model that has left the pool since, a budget that is spent: said at once, and nothing is started."""
    job_id = call("create_job")[1]["job_id"]
    call("stop_job", rawPath=f"/v1/jobs/{job_id}")
    rerun = {"rawPath": f"/v1/jobs/{job_id}/rerun", "body": ""}
    assert call("create_job", **rerun)[0] == 202
    spent = BudgetSpentError("the budget of user ada is spent", budget="user ada", limit_usd=1.0, spent_usd=1.0)
    with patch.object(parts.budgets(), "check", side_effect=spent):
        status, refused = call("create_job", **rerun)
    assert (status, refused["error"]["code"]) == (402, "budget_spent")
    request = stack.files(job_id).request()
    request["options"]["model"] = "of-last-year"
    stack.files(job_id).put_request(request)
    status, refused = call("create_job", **rerun)
    assert (status, refused["error"]["field"]) == (400, "options.model")
    assert len(stack.executions(stack.workflow_arn)) == 2


def test_a_fault_of_ours_tells_nothing_and_logs_no_text(stack: JobStack) -> None:
    """An unexpected error quotes the document; neither the reply nor the log does. The request id is in both."""

    def explode(*_: Any, **__: Any) -> None:
        raise RuntimeError(f"could not write {SECRET}")

    with patch.object(parts.jobs(), "_dynamodb") as dynamodb:
        dynamodb.put_item.side_effect = dynamodb.update_item.side_effect = explode
        status, told = call("create_job", body=body(SECRET))
    assert (status, told["error"]["code"]) == (500, "internal_error")
    logged = stack.log.getvalue()
    assert SECRET not in json.dumps(told)
    assert SECRET not in logged
    assert told["error"]["request_id"] in logged
    assert "RuntimeError" in logged


@pytest.mark.parametrize(
    "nasty",
    ["null", "[]", '"text"', "1", "{}", "[" * 100_000, '{"query": NaN}', '{"query": {"$ne": null}}', "\x00", "{" * 50],
)
def test_no_body_makes_it_fall_over(stack: JobStack, nasty: str) -> None:
    """Whatever JSON or not: 4xx in the one shape, and nothing is started."""
    status, told = call("create_job", body=nasty)
    assert 400 <= status < 500
    assert {"code", "message", "request_id"} <= set(told["error"])
    assert stack.executions(stack.workflow_arn) == {}
