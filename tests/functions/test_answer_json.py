"""A job whose answer is JSON by the caller's schema: checked when asked for, filled, repaired, shown, or failed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from functions import parts
from functions.serve_api.callers import Caller
from functions.serve_api.requests import check_budgets, check_options
from functions.write_answer.handler import handle
from rota.errors import BudgetSpentError, InvalidInputError, ProviderUnavailableError
from rota.finishing import Finisher
from rota.policy import Budget
from rota.providers.base import Completion, ModelCall
from rota.records import DocumentInfo, FailedDocument, Notes
from rota.schemas import JobOptions
from rota.usage import Usage
from tests.fixtures.job_stack import Context, JobStack, job_stack

JOB = "j-00000000000000aa"
SCHEMA = {
    "type": "object",
    "properties": {"end": {"type": "string"}, "certain": {"type": "boolean"}},
    "required": ["end", "certain"],
    "additionalProperties": False,
}
GOOD = 'Here it is:\n```json\n{"end": "In 2027 [1][9].", "certain": true}\n```'
BAD = '{"end": "In 2027 [1]."}'


class LongContext(Context):
    """Enough time for any call."""

    def get_remaining_time_in_millis(self) -> int:
        """Five minutes."""
        return 300_000


class Vendor:
    """Says what is laid out for it, in order, and the last again and again; fails when there is nothing."""

    def __init__(self, *texts: str) -> None:
        self.texts = list(texts)
        self.calls: list[tuple[str, ModelCall]] = []

    def prepare(self, timeout_s: float) -> None:
        """Nothing to prepare."""

    def complete(self, model: str, vendor_model: str, call: ModelCall, timeout_s: float) -> Completion:
        """One answer of 900 + 60 tokens."""
        self.calls.append((model, call))
        if not self.texts:
            raise ProviderUnavailableError("down", provider="p", model=model, status=503)
        return Completion(self.texts.pop(0) if len(self.texts) > 1 else self.texts[0], Usage(900, 60), "end", 250)


@pytest.fixture
def stack() -> Iterator[JobStack]:
    """A job with a schema that waits for its answer; one of its two documents could not be read."""
    with job_stack() as stack:
        stack.add_job(JOB, answer_schema=SCHEMA, over_budget="extractive")
        files = stack.files(JOB)
        read = DocumentInfo(number=1, title="1.md", origin="request", media_type="text/markdown", bytes=9, characters=9)
        locked = FailedDocument(title="locked.pdf", origin="x", code="unreadable_document", reason="is encrypted")
        files.put_document_list({"documents": [read], "failed": [locked]})
        files.put_plan({"focus": [], "outline": []})
        files.put_manifest({})
        files.put_synthesis(Notes(text="- The lease ends in 2027 [1].", cited=[1]))
        yield stack


def answer(monkeypatch: pytest.MonkeyPatch, *texts: str) -> tuple[dict[str, Any], Vendor]:
    """The step's reply, and what the vendor was asked."""
    vendor = Vendor(*texts)
    monkeypatch.setattr(parts, "provider", lambda name: vendor)
    return handle({"job_id": JOB}, LongContext()), vendor


def test_the_answer_is_the_json_and_the_result_shows_it(stack: JobStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """As text and as a value; the note on what is not covered stands beside it."""
    reply, vendor = answer(monkeypatch, GOOD)
    assert reply["status"] == "done"
    assert vendor.calls[0][1].json_schema == SCHEMA
    assert "- The lease ends in 2027 [1]." in vendor.calls[0][1].prompt
    value = {"end": "In 2027 [1].", "certain": True}
    finished = Finisher(stack.jobs, stack.bucket, stack.events).finish(JOB, None, 5_000)
    assert finished.job.status == "done"
    result = stack.files(JOB).find_result()
    assert result is not None
    assert result["answer_json"] == json.loads(result["answer"]) == value
    assert [one["number"] for one in result["sources"]] == [1]
    assert [one["title"] for one in result["coverage"]["failed"]] == ["locked.pdf"]
    assert stack.files(JOB).answer_markdown().startswith('```json\n{\n  "end"')
    assert handle({"job_id": JOB}, LongContext())["error"]["code"] == "conflict"


def test_a_broken_form_is_repaired_by_the_model_that_filled_it(
    stack: JobStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two calls of one model, both counted; the first output is kept."""
    reply, vendor = answer(monkeypatch, BAD, GOOD)
    assert reply["status"] == "done"
    assert len(vendor.calls) == 2
    assert vendor.calls[0][0] == vendor.calls[1][0]
    assert '$: lacks "certain"' in vendor.calls[1][1].prompt
    assert stack.jobs.get(JOB).counters["calls"] == 2
    (kept,) = stack.keys_under(f"jobs/{JOB}/rejected/")
    assert stack.bucket.read_json(kept)["text"] == BAD
    assert "2027" not in stack.log.getvalue()


@pytest.mark.parametrize("texts", [(BAD,), ()], ids=["every model breaks it", "every model is down"])
def test_without_a_model_the_job_fails_and_says_why(
    stack: JobStack, monkeypatch: pytest.MonkeyPatch, texts: tuple[str, ...]
) -> None:
    """Sentences of documents fill no form."""
    reply, _ = answer(monkeypatch, *texts)
    assert (reply["status"], reply["error"]["code"]) == ("failed", "no_capacity")
    assert "options.answer_schema" in reply["error"]["message"]
    assert stack.files(JOB).find_answer() is None


def test_a_spent_budget_is_told_as_that(stack: JobStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Although the job would go on without models: this answer cannot."""
    catalog = parts.catalog().model_copy(update={"budgets": (Budget(per="user", month_usd=0.00001),)})
    monkeypatch.setattr(parts, "catalog", lambda: catalog)
    parts.budgets.cache_clear()
    reply, vendor = answer(monkeypatch, GOOD)
    assert (reply["status"], reply["error"]["code"], vendor.calls) == ("failed", "budget_spent", [])
    caller = Caller("ada", "free", budget_usd=0.0)
    check_budgets(JobOptions(over_budget="extractive"), caller)
    with pytest.raises(BudgetSpentError):
        check_budgets(JobOptions(over_budget="extractive", answer_schema=SCHEMA), caller)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"answer_schema": SCHEMA, "mode": "extractive"}, "needs a model"),
        ({"answer_schema": {"type": "array"}}, 'must be "object"'),
        ({"answer_schema": {**SCHEMA, "properties": {"end": {"type": "text"}}}}, r"\$\.properties\.end\.type"),
        ({"answer_schema": {**SCHEMA, "description": "x" * 40_000}}, "bytes, at most 32,768"),
    ],
)
def test_a_schema_is_refused_before_anything_is_spent(stack: JobStack, options: dict[str, Any], words: str) -> None:
    """Naming the option, the place in it, and what is allowed."""
    with pytest.raises(InvalidInputError, match=words) as refused:
        check_options(JobOptions(**options), parts.catalog())
    assert refused.value.field == "options.answer_schema"


def test_a_schema_leaves_room_for_notes(stack: JobStack) -> None:
    """It stands in the answer's prompt, whose size the pool file bounds."""
    steps = parts.catalog().steps
    small = steps.model_copy(update={"answer": steps.answer.model_copy(update={"max_input_tokens": 100})})
    with pytest.raises(InvalidInputError, match="tokens of the answer's prompt, at most 50"):
        check_options(JobOptions(answer_schema=SCHEMA), parts.catalog().model_copy(update={"steps": small}))
    check_options(JobOptions(answer_schema=SCHEMA), parts.catalog())
