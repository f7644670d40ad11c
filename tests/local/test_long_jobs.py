"""What a user of long jobs relies on: progress, first findings, plans that come true, and nothing paid for twice."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from deployed_stack import DeployedStack

QUESTION = "What did the repairs cost?"


def chapters(count: int, sentences: int = 150, year: int = 2000) -> dict[str, str]:
    """Documents that make a batch each; of another `year` nothing has been noted before."""
    return {
        f"{n}.md": f"# Chapter {n} of {year}\n\n"
        + " ".join(f"The repair of machine {n}-{i} cost {n + i} euros and took {i} hours." for i in range(sentences))
        for n in range(count)
    }


def calls_for(stack: DeployedStack, job_id: str, *functions: str) -> list[dict[str, Any]]:
    """The model calls that these functions made for a job."""
    return [line for name in functions for line in stack.log_lines(name, event="model_call", job=job_id)]


def test_a_client_follows_a_job_without_polling(stack: DeployedStack) -> None:
    """An unchanged job is 304, a wait ends at the next change, and findings come before the answer."""
    job_id = stack.start_job(QUESTION, chapters(3, year=1991), model="gpt-oss-20b")
    assert stack.eventually(
        lambda: stack.api("GET", f"jobs/{job_id}?findings=3").body.get("findings"), timeout_s=120
    ), "no findings before the end"
    first = stack.api("GET", f"jobs/{job_id}?findings=3")
    if first.body["status"] == "summarizing":
        found = first.body["findings"][0]
        assert found["documents"][0]["title"] in chapters(3)
        assert "euros" in found["statement"]
        tag = first.headers["ETag"]
        same = stack.api("GET", f"jobs/{job_id}", headers={"If-None-Match": tag})
        assert same.status in (200, 304)
        later = stack.api("GET", f"jobs/{job_id}", headers={"If-None-Match": tag, "Prefer": "wait=20"})
        assert later.status == 304 or later.headers["ETag"] != tag
    job = stack.wait_for_job(job_id, timeout_s=240)
    assert job["status"] == "done"
    done = stack.api("GET", f"jobs/{job_id}")
    assert stack.api("GET", f"jobs/{job_id}", headers={"If-None-Match": done.headers["ETag"]}).status == 304


def test_notes_are_shown_by_document(stack: DeployedStack) -> None:
    """Small documents share a call; what was noted of each can be had apart."""
    texts = {
        f"{name}.md": f"{name.title()} pays {100 + i} euros a month." for i, name in enumerate(("ash", "elm", "oak"))
    }
    job = stack.wait_for_job(stack.start_job("Who pays what?", texts))
    page = stack.api("GET", f"jobs/{job['job_id']}/notes").body
    noted = {one["title"]: " ".join(one["notes"]) for batch in page["batches"] for one in batch["documents"]}
    assert set(noted) == set(texts)
    assert "101 euros" in noted["elm.md"]
    assert "100" not in noted["elm.md"]
    assert page["cursor"] is None


@pytest.mark.parametrize("count", [3, 12])
def test_a_plan_comes_true(stack: DeployedStack, count: int) -> None:
    """A dry run calls no model; documents, batches, calls, tokens and cost are then as it said, within 15 %."""
    options = {"model": "mistral-large-3", "answer_tier": 1}  # what other tests' calls teach and book is elsewhere
    stack.wait_for_job(stack.start_job(QUESTION, chapters(10), **options), timeout_s=240)
    texts = chapters(count, year=2000 + count)
    planned = stack.wait_for_job(stack.start_job(QUESTION, texts, dry_run=True, **options))
    assert planned["usage"]["calls"] == 0
    estimate = planned["plan"]["estimate"]
    job = stack.wait_for_job(stack.start_job(QUESTION, texts, **options), timeout_s=240)
    assert job["progress"]["batches_total"] == planned["progress"]["batches_total"]
    assert job["progress"]["documents_total"] == planned["progress"]["documents_total"] == count
    used, steps = job["usage"], ("plan_job", "summarize_batch", "synthesize_summaries", "write_answer")
    # On a machine that does much else a call may take longer than it ever has, and is then made once more.
    made = [line for line in calls_for(stack, job["job_id"], *steps) if line["outcome"] == "ok"]
    assert len(made) == pytest.approx(estimate["calls"], rel=0.15), made
    tokens = estimate["input_tokens"] + estimate["output_tokens"]
    assert used["input_tokens"] + used["output_tokens"] == pytest.approx(tokens, rel=0.15)
    assert used["cost_usd"] == pytest.approx(estimate["cost_usd"], rel=0.15)


def test_limits_change_the_plan_visibly(stack: DeployedStack) -> None:
    """Depth, budget, deadline and a number of documents: each makes another plan, and what was adjusted is said."""
    texts = chapters(10, sentences=400, year=1992)

    def plan(**options: Any) -> dict[str, Any]:
        return stack.wait_for_job(stack.start_job(QUESTION, texts, dry_run=True, **options))

    normal, brief, deep = plan(), plan(depth="brief"), plan(depth="deep")
    tokens = [one["plan"]["estimate"]["input_tokens"] for one in (brief, normal)]
    assert tokens[0] < 0.6 * tokens[1]
    assert deep["progress"]["batches_total"] > normal["progress"]["batches_total"]
    cheap = plan(budget_usd=normal["plan"]["estimate"]["cost_usd"] / 3)
    assert cheap["plan"]["estimate"]["cost_usd"] <= normal["plan"]["estimate"]["cost_usd"] / 3
    assert "budget" in " ".join(each["said"] for each in cheap["plan"]["adjusted"])
    few = plan(max_documents=4)
    assert few["progress"]["batches_total"] < normal["progress"]["batches_total"]


def test_what_was_written_once_is_not_paid_for_again(stack: DeployedStack) -> None:
    """A job that broke off is asked again: its notes are found, only what is missing is called for, and the answer."""
    model = "mistral-large-3"  # which makes no plan: without one the notes would be others
    stack.simulated.fault("error", model, count=2, status=400)
    texts = chapters(6, year=1993)
    first = stack.wait_for_job(stack.start_job(QUESTION, texts, model=model, tolerated_failures=0.0))
    assert first["status"] == "failed"
    stack.simulated.clear_faults()
    before = len(calls_for(stack, first["job_id"], "summarize_batch"))
    reply = stack.api("POST", f"jobs/{first['job_id']}/rerun")
    assert reply.status == 202
    again = stack.wait_for_job(reply.body["job_id"])
    assert (again["status"], again["coverage"]["read"]) == ("done", 6)
    called = [line for line in calls_for(stack, again["job_id"], "summarize_batch") if line["outcome"] == "ok"]
    assert (len(called), before) == (2, 6)
    third = stack.wait_for_job(stack.api("POST", f"jobs/{again['job_id']}/rerun").body["job_id"])
    assert third["status"] == "done"
    assert calls_for(stack, third["job_id"], "summarize_batch", "plan_job") == []
    assert third["usage"]["calls"] <= 2
    more = {**texts, "z-new.md": "The new chapter names a repair of 77 euros, which nobody has paid yet."}
    grown = stack.wait_for_job(stack.start_job(QUESTION, more, model=model))
    assert (grown["status"], grown["coverage"]["read"]) == ("done", 7)
    assert calls_for(stack, grown["job_id"], "plan_job") == []
    assert len(calls_for(stack, grown["job_id"], "summarize_batch")) == 1
    assert grown["progress"]["batches_reused"] >= 5


def test_a_stopped_job_books_nothing_more(stack: DeployedStack) -> None:
    """Batches that wait for quota when their job is stopped are never called."""
    job_id = stack.start_job(QUESTION, chapters(5, year=1990), model="gpt-oss-20b")
    assert stack.eventually(lambda: stack.api("GET", f"jobs/{job_id}").body["progress"]["batches_waiting"] > 0)
    assert job_id in last_in_queues(stack)
    assert stack.api("DELETE", f"jobs/{job_id}").status == 202
    assert job_id not in last_in_queues(stack)
    time.sleep(4)  # for the calls that are under way
    called = len(calls_for(stack, job_id, "summarize_batch"))
    time.sleep(15)  # longer than the next starts on eight thousand tokens a minute are apart
    assert len(calls_for(stack, job_id, "summarize_batch")) == called < 5
    assert stack.api("GET", f"jobs/{job_id}").body["status"] == "stopped"


def last_in_queues(stack: DeployedStack) -> set[str]:
    """The jobs whose tickets stand at the ends of the models' queues."""
    items = stack.dynamodb.scan(TableName=stack.outputs["LedgerTable"])["Items"]
    return {item["zj"]["S"] for item in items if "zj" in item}


def test_a_job_may_rather_fail_than_go_without_models(stack: DeployedStack) -> None:
    """Everything is down, and the caller has said that quotes are no answer: the job fails and says why."""
    stack.simulated.fault("outage", "nova-micro")
    only = {"model": "nova-micro", "answer_model": "nova-micro", "without_models": "fail"}
    job = stack.wait_for_job(stack.start_job(QUESTION, chapters(2), **only))
    assert job["status"] == "failed"
    assert job["error"]["code"] in ("too_many_failures", "all_models_failed", "no_capacity")


def test_an_answer_in_the_callers_form(stack: DeployedStack) -> None:
    """A JSON Schema in, JSON of that form out, checked; a schema that is none is refused with its path."""
    schema = {
        "type": "object",
        "properties": {
            "summary": {"type": "string"},
            "costs": {"type": "array", "items": {"type": "string"}, "maxItems": 5},
            "severity": {"enum": ["low", "medium", "high"]},
        },
        "required": ["summary", "costs", "severity"],
        "additionalProperties": False,
    }
    job = stack.wait_for_job(stack.start_job(QUESTION, chapters(2), answer_schema=schema))
    assert job["status"] == "done"
    value = json.loads(job["answer"])
    assert value == job["answer_json"]
    assert set(value) == {"summary", "costs", "severity"}
    assert job["sources"]
    body = {"query": "?", "sources": [{"type": "text", "title": "a", "text": "b"}]}
    reply = stack.api("POST", "jobs", {**body, "options": {"answer_schema": {"type": "objekt"}}})
    assert (reply.status, reply.body["error"]["field"].startswith("options.answer_schema")) == (400, True)


def test_places_are_cited(stack: DeployedStack) -> None:
    """An answer names the lines on which it rests, and its sources quote them."""
    lines = [f"Line {n} is about nothing in particular." for n in range(1, 41)]
    lines[24] = "The Hartmann pump was replaced for 4,310 euros in March."
    job = stack.wait_for_job(stack.start_job("What did the Hartmann pump cost?", {"log.md": "\n".join(lines)}))
    assert "[1:25]" in job["answer"]
    (source,) = job["sources"]
    assert source["places"][0]["lines"] == [25, 25]
    assert "4,310 euros" in source["places"][0]["quote"]
