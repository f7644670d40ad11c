"""The API on the deployed stack: a job from question to answer, keys, and what bad input gets."""

from __future__ import annotations

import json

import pytest
from deployed_stack import DeployedStack

TEXTS = {
    "lease.md": "# Lease\n\nThe lease ends in 2027. The rent is 900 euros a month. Pets are allowed.",
    "letter.md": "# Letter\n\nThe landlord raises the rent to 950 euros from May. The tenant may object.",
}
SOURCE = {"type": "text", "title": "a.md", "text": "The rent is 900 euros."}
JOB = {"query": "How high is the rent?", "sources": [SOURCE]}


def test_a_job_is_answered_with_citations_usage_and_a_line_per_call(stack: DeployedStack) -> None:
    """Plan, batch, answer: every call is in the reply, in the ledger and in the log, and none was refused."""
    key = stack.new_key("ada")
    job_id = stack.start_job("How high is the rent?", TEXTS, key=key)
    job = stack.wait_for_job(job_id, key=key)
    assert job["status"] == "done"
    assert "rent" in job["answer"]
    assert {source["title"] for source in job["sources"]} <= set(TEXTS)
    assert job["sources"]
    assert job["coverage"]["sentence"] == "2 of 2 documents"
    assert job["usage"]["refusals"] == 0
    lines = [
        line
        for function in ("plan_job", "summarize_batch", "synthesize_summaries", "write_answer")
        for line in stack.log_lines(function, event="model_call", job=job_id)
    ]
    assert len(lines) == job["usage"]["calls"] == sum(model["calls"] for model in job["usage"]["models"].values())
    assert {line["task"] for line in lines} >= {"plan", "summarize", "answer"}
    assert all(line["user"] == "ada" and line["outcome"] == "ok" for line in lines)
    assert sum(line["input_tokens"] for line in lines) == job["usage"]["input_tokens"]
    assert all(line["booked_tokens"] >= line["input_tokens"] + line["output_tokens"] for line in lines)


def test_no_document_text_and_no_key_in_any_log(stack: DeployedStack) -> None:
    """A word that stands only in a document, and the key itself, are in no function's log."""
    key = stack.new_key()
    job_id = stack.start_job("What is it?", {"secret.md": "The word is xylophonist. " * 20}, key=key)
    assert "xylophonist" in stack.wait_for_job(job_id, key=key)["answer"]
    for function in ("gather_documents", "plan_job", "summarize_batch", "write_answer", "finish_job", "serve_api"):
        lines = json.dumps(stack.log_lines(function))
        assert job_id in lines or function == "serve_api"
        assert "xylophonist" not in lines
        assert key not in lines


def test_extractive_mode_spends_nothing(stack: DeployedStack) -> None:
    """The same job without any model: an answer with citations, no call, no cost."""
    job = stack.wait_for_job(stack.start_job("How high is the rent?", TEXTS, mode="extractive"))
    assert (job["status"], job["usage"]["calls"], job["usage"]["cost_usd"]) == ("done", 0, 0)
    assert "900 euros" in job["answer"]
    assert "[1:3]" in job["answer"]


def test_a_dry_run_tells_what_it_would_take(stack: DeployedStack) -> None:
    """Documents, batches, time, cost and mix; no call was made."""
    job = stack.wait_for_job(stack.start_job("How high is the rent?", TEXTS, dry_run=True))
    assert (job["status"], job["usage"]["calls"]) == ("done", 0)
    assert job["progress"]["batches_total"] == 1
    assert job["eta_s"] > 0
    assert job["estimate_usd"] > 0


@pytest.mark.parametrize(
    ("key", "status"),
    [("", 401), ("rota_wrong", 403), ("rota_" + "A" * 43, 403)],
    ids=["missing", "malformed", "unknown"],
)
def test_without_a_valid_key_nothing_starts(stack: DeployedStack, key: str, status: int) -> None:
    """The gateway answers; the workflow has as many executions as before."""
    before = executions(stack)
    assert stack.api("POST", "jobs", JOB, key=key).status == status
    assert executions(stack) == before


def test_a_revoked_key_stops_working(stack: DeployedStack) -> None:
    """Within the time that a checked key is believed (two seconds on the local stage)."""
    key = stack.new_key()
    assert stack.api("GET", "jobs", key=key).status == 200
    revoke(stack, key)
    assert stack.eventually(lambda: stack.api("GET", "jobs", key=key).status == 403)
    before = executions(stack)
    assert stack.api("POST", "jobs", JOB, key=key).status == 403
    assert executions(stack) == before


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({**JOB, "query": ""}, 422, "query"),
        ({**JOB, "sources": []}, 422, "sources"),
        ({**JOB, "sources": [{"type": "text", "title": "a"}]}, 422, "sources.0.text"),
        ({**JOB, "options": {"model": "gpt-9"}}, 400, "options.model"),
        ({**JOB, "sources": [{"type": "s3", "prefix": "jobs/"}]}, 422, "sources.0.prefix"),
        (b"{not json", 400, "body"),
        ({**JOB, "sources": [{"type": "text", "title": "a", "text": "x" * 4_100_000}]}, 413, "body"),
    ],
    ids=["no query", "no source", "no text", "unknown model", "foreign prefix", "not JSON", "too large"],
)
def test_bad_input_names_the_field_and_starts_nothing(
    stack: DeployedStack, body: object, status: int, field: str
) -> None:
    """One shape: code, sentence, field, request id."""
    before = executions(stack)
    reply = stack.api("POST", "jobs", body)
    assert reply.status == status, reply.body
    error = reply.body["error"]
    assert error["field"] == field
    assert error["code"]
    assert error["message"]
    assert error["request_id"]
    assert executions(stack) == before
    if status == 413:
        assert "4,000,000" in error["message"]
        assert "/v1/uploads" in error["message"]


def test_an_idempotency_key_makes_one_job(stack: DeployedStack) -> None:
    """Sent three times: one job; with another body: a conflict."""
    headers = {"Idempotency-Key": "rent-2026"}
    key = stack.new_key()
    replies = [stack.api("POST", "jobs", JOB, key=key, headers=headers) for _ in range(3)]
    assert len({reply.body["job_id"] for reply in replies}) == 1
    other = stack.api("POST", "jobs", {**JOB, "query": "And the pets?"}, key=key, headers=headers)
    assert (other.status, other.body["error"]["code"]) == (409, "conflict")
    assert len(stack.api("GET", "jobs", key=key).body["jobs"]) == 1


def test_jobs_of_another_owner_do_not_exist(stack: DeployedStack) -> None:
    """404 for reading and for stopping."""
    job_id = stack.start_job("How high is the rent?", TEXTS, mode="extractive")
    stranger = stack.new_key()
    assert stack.api("GET", f"jobs/{job_id}", key=stranger).status == 404
    assert stack.api("DELETE", f"jobs/{job_id}", key=stranger).status == 404
    assert stack.wait_for_job(job_id)["status"] == "done"


def test_a_stopped_job_makes_no_more_calls(stack: DeployedStack) -> None:
    """Stopped while its batches wait for quota: status stopped, and the vendor sees nothing more of it."""
    rent = "The rent of house number seven is nine hundred euros. "
    texts = {f"{n}.md": f"Chapter {n}. " + rent * 200 for n in range(8)}
    job_id = stack.start_job("How high is the rent?", texts, model="gpt-oss-120b")
    assert stack.eventually(lambda: stack.api("GET", f"jobs/{job_id}").body["progress"]["batches_waiting"] > 0)
    assert stack.api("DELETE", f"jobs/{job_id}").status == 202
    job = stack.wait_for_job(job_id)
    assert job["status"] == "stopped"
    calls = stack.simulated.stats()["gpt-oss-120b"]["calls"]
    assert stack.api("DELETE", f"jobs/{job_id}").status == 202
    assert stack.simulated.stats()["gpt-oss-120b"]["calls"] == calls < 8


def test_the_pool_shows_quotas_and_what_is_booked(stack: DeployedStack) -> None:
    """Every model of rota.yaml with its limits, in OpenAI's list shape."""
    stack.wait_for_job(stack.start_job("How high is the rent?", TEXTS, model="nova-lite"))
    reply = stack.api("GET", "models")
    assert (reply.status, reply.body["object"]) == (200, "list")
    lite = next(model for model in reply.body["data"] if model["id"] == "nova-lite")
    (tpm,) = lite["limits"]
    assert (tpm["kind"], tpm["amount"], lite["simulated"]) == ("tpm", 100_000, True)
    assert tpm["booked"] > 0
    assert lite["calls"] > 0


def test_the_api_describes_itself(stack: DeployedStack) -> None:
    """As OpenAPI, to whoever has a key."""
    assert stack.api("GET", "openapi.json", key="").status == 401
    reply = stack.api("GET", "openapi.json")
    assert (reply.status, reply.body["openapi"][:2]) == (200, "3.")
    assert "/v1/jobs/{job_id}/rerun" in reply.body["paths"]


def executions(stack: DeployedStack) -> int:
    """How many jobs were ever started."""
    pages = stack.stepfunctions.get_paginator("list_executions").paginate(stateMachineArn=stack.outputs["WorkflowArn"])
    return sum(len(page["executions"]) for page in pages)


def revoke(stack: DeployedStack, text: str) -> None:
    """As `rota keys revoke` does."""
    from rota.keys import KeyStore

    store = KeyStore(stack.dynamodb, stack.outputs["KeysTable"])
    found = store.find(text)
    assert found is not None
    store.revoke(found.key_id)
