"""Every sample event of the steps that call models is run; the vendor is scripted, everything else is real (moto)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from importlib import import_module

import pytest

from functions import parts
from functions.serve_api import handler as serve_api
from rota.booking import Booking
from rota.errors import (
    ProviderError,
    ProviderRejectedError,
    ProviderUnavailableError,
    RateLimitedError,
    RequestTooLargeError,
)
from rota.job_files import JobFiles
from rota.job_options import put_options
from rota.policy import Budget, Classifier, Routing
from rota.providers.base import Completion, ModelCall
from rota.queue_writes import beginning
from rota.records import Batch, DocumentInfo, Notes, Passage, Summary
from rota.schemas import StepEvent
from rota.usage import Usage
from tests.fixtures.job_stack import JOBS, REPOSITORY, Context, JobStack, job_stack

FUNCTIONS = ("plan_search", "plan_job", "summarize_batch", "synthesize_summaries", "write_answer")
JOB, FINISHED, EXTRACTIVE, DRY, STOPPED = (f"j-00000000000000{end}" for end in ("aa", "bb", "cc", "dd", "ee"))
TEXT = "The lease ends in 2027. The rent is 900 euros a month. The landlord may not raise it before 2026."


class Vendor:
    """Answers what the step asks for; remembers prompts; fails with `error` when it has one."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, ModelCall]] = []
        self.error: Callable[[str], ProviderError] | None = None
        self.text: str | None = None
        self.level = "simple"
        self.refuses: Callable[[str, ModelCall], ProviderError | None] = lambda model, call: None

    def prepare(self, timeout_s: float) -> None:
        """Nothing to prepare."""

    def complete(self, model: str, vendor_model: str, call: ModelCall, timeout_s: float) -> Completion:
        """One plausible answer of 900 + 60 tokens."""
        self.calls.append((model, call))
        if self.error:
            raise self.error(model)
        if refusal := self.refuses(model, call):
            raise refusal
        plan = '{"focus": ["the end of the lease"], "outline": ["End"]}'
        if "level" in (call.json_schema or {}).get("properties", {}):
            plan = f'{{"level": "{self.level}", "confidence": 0.9}}'
        text = self.text or (plan if call.json_schema else "- The lease ends in 2027 [1].")
        return Completion(text, Usage(900, 60), "end", 250)


class LongContext(Context):
    """Enough time for any call."""

    def get_remaining_time_in_millis(self) -> int:
        """Five minutes."""
        return 300_000


@pytest.fixture
def vendor() -> Vendor:
    """The only fake: it stands where a paid service would."""
    return Vendor()


@pytest.fixture
def stack(vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> Iterator[JobStack]:
    """Jobs at the step that the sample events speak of."""
    with job_stack() as stack:
        monkeypatch.setattr(parts, "provider", lambda name: vendor)
        for job_id in (JOB, FINISHED, STOPPED):
            stack.add_job(job_id)
        stack.add_job(EXTRACTIVE, mode="extractive")
        stack.add_job(DRY, dry_run=True)
        stack.jobs.stop(STOPPED)
        stack.jobs.finish(FINISHED, "done", None, 2_000)
        for job_id in (JOB, EXTRACTIVE, DRY, STOPPED):
            lay_documents(stack.files(job_id))
        yield stack


def lay_documents(files: JobFiles) -> None:
    """Three short documents, gathered."""
    infos = []
    for number in (1, 2, 3):
        info = DocumentInfo(
            number=number,
            title=f"{number}.md",
            origin="request",
            media_type="text/markdown",
            bytes=len(TEXT),
            characters=len(TEXT),
        )
        infos.append(info)
        files.put_document({**info, "text": TEXT})
    files.put_document_list({"documents": infos, "failed": []})


def lay_batches(files: JobFiles, summarized: int) -> None:
    """Three batches of one document each, the first ones with notes, and a plan."""
    for number in (1, 2, 3):
        passage = Passage(number=number, title=f"{number}.md", part=1, parts=1, start=0, end=len(TEXT), text=TEXT)
        batch = Batch(batch_id=f"b000{number}", passages=[passage])
        files.put_batch(batch)
        if number <= summarized:
            text = f"- Known before [{number}]."
            files.put_summary(Summary(batch_id=batch["batch_id"], text=text, cited=[number], documents=[number]))
    files.put_manifest({f"b000{number}": [number] for number in (1, 2, 3)})
    files.put_plan({"focus": ["the end"], "outline": []})


def run(function: str, name: str) -> StepEvent:
    """Hand a sample event to its function; what comes back must be JSON and fit the workflow's state."""
    event = json.loads((REPOSITORY / "events" / function / f"{name}.json").read_text("utf-8"))
    reply = import_module(f"functions.{function}.handler").handle(event, LongContext())
    return StepEvent.model_validate(json.loads(json.dumps(reply)))


def refused(result: StepEvent, code: str) -> bool:
    """Whether the step failed with this code, and has nothing to wait for."""
    return (result.status, result.error and result.error.code, result.pending) == ("failed", code, None)


def test_a_plan_is_asked_for_and_batches_are_written(stack: JobStack, vendor: Vendor) -> None:
    """One interactive call; the manifest lists what the bucket holds; the estimate is there before the fan-out."""
    result = run("plan_job", "fresh")
    files = stack.files(JOB)
    assert (result.status, result.manifest_key) == ("done", f"jobs/{JOB}/manifest.jsonl")
    assert len(vendor.calls) == 1
    plan = files.plan()
    assert (plan["focus"], plan["defaulted"]) == (["the end of the lease"], False)
    assert plan["estimate"]["cost_usd"] > 0
    assert sum(plan["estimate"]["mix"].values()) == pytest.approx(1, abs=0.001)
    numbers = {passage["number"] for batch_id in files.batch_ids() for passage in files.batch(batch_id)["passages"]}
    assert numbers == {1, 2, 3}
    job = stack.jobs.get(JOB)
    assert (job.status, job.counters["batches_total"], job.counters["calls"]) == ("planning", len(files.batch_ids()), 1)


def test_a_plan_is_paid_for_once(stack: JobStack, vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    """An invocation that broke off after the call goes on with what it got; one after the end finds it all done."""
    put_options(stack.dynamodb, JOBS, JOB, {"reuse": False})
    with monkeypatch.context() as patch:
        patch.setattr("functions.plan_job.handler.write_batches", _killed)
        with pytest.raises(RuntimeError, match="killed"):
            run("plan_job", "fresh")
    assert run("plan_job", "fresh") == run("plan_job", "fresh")
    assert len(vendor.calls) == 1
    plan = stack.files(JOB).plan()
    assert plan["cost_nanousd"] > 0
    assert plan["estimate"]["steps"][0]["step"] == "plan"


def _killed(*_parts: object) -> None:
    raise RuntimeError("killed")


def test_batches_of_code_are_planned_with_their_complexity(stack: JobStack) -> None:
    """Scored by the imports that gathering has found, of all the job's files; batches of prose have none."""
    files = stack.files(JOB)
    infos = files.document_list()["documents"]
    infos[0] |= {"title": "c/a.py", "imports": ["c.b"]}
    infos[1] |= {"title": "c/b.py", "imports": []}
    files.put_document_list({"documents": infos, "failed": []})
    assert run("plan_job", "fresh").status == "done"
    batch_id, _ = files.batch_ids()
    found = files.batch(batch_id)["complexity"]
    assert found["analysed"]
    assert found["dependency"] > 0.5
    assert 0.5 * found["dependency"] + 0.2 * 2 / 10 < found["score"] < 0.7
    assert run("plan_job", "dry_run").status == "done"
    assert all("complexity" not in stack.files(DRY).batch(one) for one in stack.files(DRY).batch_ids())


def test_a_dry_run_plans_without_spending(stack: JobStack, vendor: Vendor) -> None:
    """No call; the estimate is the reply."""
    result = run("plan_job", "dry_run")
    assert (result.status, result.dry_run, vendor.calls) == ("done", True, [])
    assert stack.files(DRY).plan()["estimate"]["eta_s"] > 0


def test_a_search_is_planned_once_and_the_plan_is_the_jobs(stack: JobStack, vendor: Vendor) -> None:
    """One call gives terms, points and headings; planning the batches afterwards asks for nothing more."""
    vendor.text = '{"focus": ["the end"], "outline": ["End"], "search_terms": ["lease end", "lease 2027"]}'
    assert run("plan_search", "fresh").status == "done"
    assert run("plan_search", "fresh").status == "done"
    files = stack.files(JOB)
    assert (files.find_search_plan() or {})["search_terms"] == ["lease end", "lease 2027"]
    vendor.text = None
    assert run("plan_job", "fresh").status == "done"
    assert len(vendor.calls) == 1
    assert files.plan()["focus"] == ["the end"]


def test_a_search_without_a_planner_goes_by_the_question(stack: JobStack, vendor: Vendor) -> None:
    """For a dry run nothing is asked; without a model, or without models, the question's own words are the terms."""
    assert run("plan_search", "dry_run").status == "done"
    assert run("plan_search", "extractive").status == "done"
    assert vendor.calls == []
    vendor.error = lambda model: ProviderUnavailableError("down", provider="p", model=model, status=503)
    assert run("plan_search", "fresh").status == "done"
    for job_id in (DRY, EXTRACTIVE, JOB):
        assert (stack.files(job_id).find_search_plan() or {})["search_terms"]
    assert refused(run("plan_search", "stopped"), "job_stopped")
    assert refused(run("plan_search", "finished"), "conflict")


def test_no_planner_means_the_default_plan(stack: JobStack, vendor: Vendor) -> None:
    """A plan helps; its lack is no reason to fail a job."""
    vendor.error = lambda model: ProviderUnavailableError("down", provider="p", model=model, status=503)
    assert run("plan_job", "fresh").status == "done"
    assert stack.files(JOB).plan()["defaulted"] is True


@pytest.mark.parametrize(
    ("name", "code"), [("stopped", "job_stopped"), ("unknown_job", "not_found"), ("finished", "conflict")]
)
def test_nothing_is_spent_on_a_job_that_is_not_open(stack: JobStack, vendor: Vendor, name: str, code: str) -> None:
    """Stopped, unknown and finished jobs end here."""
    assert refused(run("plan_job", name), code)
    assert vendor.calls == []


def test_a_batch_is_summarized_once(stack: JobStack, vendor: Vendor) -> None:
    """Notes with their facts, counters for progress, one line in the log without a word of the document."""
    lay_batches(stack.files(JOB), summarized=0)
    assert run("summarize_batch", "fresh").status == "done"
    assert run("summarize_batch", "fresh").status == "done"
    assert len(vendor.calls) == 1
    summary = stack.files(JOB).find_summary("b0001")
    assert summary is not None
    assert summary["text"] == "- The lease ends in 2027 [1]."
    assert (summary["documents"], summary["model"]) == ([1], "nova-micro")
    counters = stack.jobs.get(JOB).counters
    assert (counters["batches_done"], counters["calls"], counters["input_tokens"]) == (1, 1, 900)
    assert (counters["calls:nova-micro"], counters["tokens:nova-micro"]) == (1, 960)
    assert '"event":"model_call"' in stack.log.getvalue()
    assert "lease" not in stack.log.getvalue()


def test_finished_notes_are_never_paid_for_again(stack: JobStack, vendor: Vendor) -> None:
    """A redrive finds them."""
    lay_batches(stack.files(JOB), summarized=2)
    assert run("summarize_batch", "already_summarized").status == "done"
    assert vendor.calls == []


def test_batches_rotate_over_the_pool(stack: JobStack, vendor: Vendor) -> None:
    """Batch i goes to model i mod n of the summaries' pool."""
    lay_batches(stack.files(JOB), summarized=0)
    handler = import_module("functions.summarize_batch.handler")
    for number in (1, 2, 3):
        handler.handle({"job_id": JOB, "batch_id": f"b000{number}"}, LongContext())
    assert [model for model, _ in vendor.calls] == ["nova-micro", "nova-lite", "nova-pro"]


def test_extractive_mode_calls_no_model(stack: JobStack, vendor: Vendor) -> None:
    """The documents' own sentences, cited."""
    lay_batches(stack.files(EXTRACTIVE), summarized=0)
    assert run("summarize_batch", "extractive").status == "done"
    summary = stack.files(EXTRACTIVE).find_summary("b0001")
    assert summary is not None
    assert (summary["mode"], summary["cited"], vendor.calls) == ("extractive", [1], [])


def test_when_all_models_fail_extraction_stands_in(stack: JobStack, vendor: Vendor) -> None:
    """Every model of the pool is tried once, then the batch is done without any."""
    lay_batches(stack.files(JOB), summarized=0)
    vendor.error = lambda model: ProviderUnavailableError("down", provider="p", model=model, status=503)
    assert run("summarize_batch", "fresh").status == "done"
    assert len({model for model, _ in vendor.calls}) == len(vendor.calls) == 6
    assert '"attempts":["nova-micro: provider_unavailable",' in stack.log.getvalue()
    summary = stack.files(JOB).find_summary("b0001")
    assert summary is not None
    assert summary["mode"] == "extractive"


def test_a_poisoned_batch_is_written_down(stack: JobStack, vendor: Vendor) -> None:
    """A request that models reject is one failed batch with its documents and reason, not a failed job."""
    lay_batches(stack.files(JOB), summarized=0)
    vendor.error = lambda model: ProviderRejectedError("bad prompt", provider="p", model=model, status=400)
    assert refused(run("summarize_batch", "fresh"), "provider_rejected")
    (failure,) = stack.files(JOB).failures()
    assert (failure["documents"], failure["code"]) == ([1], "provider_rejected")
    assert stack.jobs.get(JOB).counters["batches_failed"] == 1


def test_a_spent_budget_fails_the_step_or_sends_it_on_without_models(
    stack: JobStack, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """D11: nothing is called; the job says which it wants."""
    catalog = parts.catalog().model_copy(update={"budgets": (Budget(per="user", month_usd=0.00001),)})
    monkeypatch.setattr(parts, "catalog", lambda: catalog)
    lay_batches(stack.files(JOB), summarized=0)
    failed = run("summarize_batch", "fresh")
    assert refused(failed, "budget_spent")
    assert failed.error is not None
    assert "user ada" in failed.error.message
    (failure,) = stack.files(JOB).failures()
    assert failure["code"] == "budget_spent"
    stack.dynamodb.update_item(
        TableName=JOBS,
        Key={"job_id": {"S": JOB}},
        UpdateExpression="SET options = :o",
        ExpressionAttributeValues={":o": {"S": '{"over_budget": "extractive"}'}},
    )
    assert run("summarize_batch", "fresh").status == "done"
    summary = stack.files(JOB).find_summary("b0001")
    assert summary is not None
    assert (summary["mode"], vendor.calls) == ("extractive", [])
    assert all(
        parts.ledger().account(model.id).used("tpm", parts.ledger().clock.now_ms()) == 0 for model in catalog.models
    )


def test_a_stopped_job_gives_its_places_in_the_queues_up(stack: JobStack, vendor: Vendor) -> None:
    """A child that waits has moved the end of a queue on; when its job is stopped, nobody need stand behind it."""
    ledger, model = parts.ledger(), "nova-micro"
    account = ledger.account(model)
    whole = {kind: limit.capacity if kind == "tpm" else 1 for kind, limit in account.limiters.items()}
    assert isinstance(ledger.book(account, whole, ledger.soonest_ms()), Booking)
    others_end_ms = ledger.clock.now_ms() + 120_000
    ledger.table.update(model, beginning(120_000, "j-00000000000000ff", others_end_ms - 120_000))
    put_options(stack.dynamodb, JOBS, JOB, {"model": model})
    lay_batches(stack.files(JOB), summarized=0)
    assert run("summarize_batch", "fresh").status == "wait"
    account = ledger.account(model)
    assert (account.tail_holder, account.tail_ms > others_end_ms) == (JOB, True)
    stop = json.loads((REPOSITORY / "events" / "serve_api" / "stop_job.json").read_text("utf-8"))
    assert serve_api.handle(stop, Context())["statusCode"] == 202
    assert ledger.account(model).tail_ms == others_end_ms
    assert vendor.calls == []


def test_a_small_model_may_judge_a_jobs_question_once(
    stack: JobStack, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """D1: with the tier left to the question; what was judged survives a wait, and is not paid for twice."""
    judged = Routing(classifier=Classifier(kind="model", pool="planner"))
    catalog = parts.catalog().model_copy(update={"routing": judged})
    monkeypatch.setattr(parts, "catalog", lambda: catalog)
    vendor.level = "complex"
    for number in range(3):
        text = f"- The lease ends in 2027 [{number + 1}]."
        stack.files(JOB).put_synthesis(Notes(text=text, cited=[number + 1]))
    stack.files(JOB).put_plan({"focus": [], "outline": []})
    stack.dynamodb.update_item(
        TableName=JOBS,
        Key={"job_id": {"S": JOB}},
        UpdateExpression="SET options = :o",
        ExpressionAttributeValues={":o": {"S": '{"answer_tier": "auto"}'}},
    )
    ledger = parts.ledger()
    strong = ledger.account("mistral-large-3")
    ledger.book(strong, {"tpm": strong.limiters["tpm"].capacity}, ledger.clock.now_ms() + 999)
    waiting = run("write_answer", "fresh")
    assert waiting.status == "wait"
    assert waiting.pending is not None
    assert waiting.pending["complexity"]["level"] == "complex"
    assert waiting.pending["booking"]["model"] == "mistral-large-3"
    assert len(vendor.calls) == 1
    reply = import_module("functions.write_answer.handler").handle(waiting.model_dump(mode="json"), LongContext())
    assert (reply["status"], len(vendor.calls)) == ("wait", 1)


def test_a_refusal_shows_in_the_counters_and_the_fallback_in_the_notes(stack: JobStack, vendor: Vendor) -> None:
    """The next model of the pool takes the call."""
    lay_batches(stack.files(JOB), summarized=0)
    first = vendor.complete

    def once(model: str, vendor_model: str, call: ModelCall, timeout_s: float) -> Completion:
        if model == "nova-micro":
            raise RateLimitedError("over", provider="bedrock", model=model, retry_after_s=20)
        return first(model, vendor_model, call, timeout_s)

    vendor.complete = once  # type: ignore[method-assign]
    run("summarize_batch", "fresh")
    summary, counters = stack.files(JOB).find_summary("b0001"), stack.jobs.get(JOB).counters
    assert summary is not None
    assert (summary["model"], summary["fallback_used"]) == ("nova-lite", True)
    assert (counters["refusals"], counters["refusals:nova-micro"], counters["fallbacks"]) == (1, 1, 1)


def test_a_stopped_job_spends_nothing_more(stack: JobStack, vendor: Vendor) -> None:
    """Children of a stopped execution ask before they book."""
    lay_batches(stack.files(STOPPED), summarized=0)
    assert refused(run("summarize_batch", "stopped"), "job_stopped")
    assert vendor.calls == []


def test_a_booking_whose_time_has_passed_is_replaced(stack: JobStack, vendor: Vendor) -> None:
    """A retried or late invocation books again and calls once."""
    lay_batches(stack.files(JOB), summarized=0)
    assert run("summarize_batch", "late_booking").status == "done"
    assert len(vendor.calls) == 1
    assert stack.jobs.get(JOB).counters["batches_done"] == 1


def test_a_full_pool_makes_the_workflow_wait(stack: JobStack, vendor: Vendor) -> None:
    """The state machine gets a time and everything the function needs to go on, without any document text."""
    lay_batches(stack.files(JOB), summarized=0)
    ledger, catalog = parts.ledger(), parts.catalog()
    for model in catalog.models:
        amounts = {limit.kind.value: limit.limiter().capacity for limit in model.limits}
        account = ledger.read([model.id])[model.id]
        ledger.book(account, amounts, ledger.clock.now_ms() + 999)
    result = run("summarize_batch", "fresh")
    assert (result.status, vendor.calls) == ("wait", [])
    assert result.until is not None
    assert result.until.endswith("Z")
    assert stack.jobs.get(JOB).counters["batches_waiting"] == 1
    assert "lease" not in result.model_dump_json()


def test_a_batch_that_no_model_takes_whole_is_cut(stack: JobStack, vendor: Vendor) -> None:
    """Halves of halves are asked for, none is repeated on the same model, and the notes are put together in order."""
    files = stack.files(JOB)
    lay_batches(files, summarized=0)
    text = "".join(f"Paragraph {number} says that the rent of flat {number} is due.\n\n" for number in range(60))
    passage = Passage(number=1, title="1.md", part=1, parts=1, start=0, end=len(text), text=text)
    files.put_batch(Batch(batch_id="b0001", passages=[passage]))
    sent = []

    def too_large(model: str, call: ModelCall) -> ProviderError | None:
        sent.append((model, call.prompt))
        if call.prompt.count("Paragraph") <= 20:
            return None
        return RequestTooLargeError("413 Request too large", provider="p", model=model)

    vendor.refuses = too_large
    assert run("summarize_batch", "fresh").status == "done"
    assert len(set(sent)) == len(sent)
    summary = files.find_summary("b0001")
    assert summary is not None
    assert (summary["text"].count("[1]"), summary["cited"], summary["mode"]) == (4, [1], "models")
    answered = "".join(prompt for _, prompt in sent if prompt.count("Paragraph") <= 20)
    assert all(f"Paragraph {number} says" in answered for number in range(60))
    assert stack.jobs.get(JOB).counters["batches_done"] == 1


def test_summaries_are_always_merged_once(stack: JobStack) -> None:
    """Level 1 has one group for three short notes."""
    lay_batches(stack.files(JOB), summarized=3)
    result = run("synthesize_summaries", "plan_level")
    assert (result.status, result.level, result.manifest_key) == ("reduce", 1, f"jobs/{JOB}/synthesis/1.jsonl")
    assert stack.files(JOB).group_texts(1, "g0001") == [f"- Known before [{n}]." for n in (1, 2, 3)]


def test_a_group_is_merged_once(stack: JobStack, vendor: Vendor) -> None:
    """Its notes keep only marks that it was given."""
    files = stack.files(JOB)
    lay_batches(files, summarized=3)
    run("synthesize_summaries", "plan_level")
    assert run("synthesize_summaries", "merge_group").status == "done"
    assert run("synthesize_summaries", "merge_group").status == "done"
    assert len(vendor.calls) == 1
    notes = files.find_group(1, "g0001")
    assert notes is not None
    assert notes["cited"] == [1]


def test_a_merged_group_is_found_again(stack: JobStack, vendor: Vendor) -> None:
    """As for summaries: nothing is paid for twice."""
    files = stack.files(JOB)
    lay_batches(files, summarized=3)
    files.put_level(1, {"g0001": ["a [1]"], "g0002": ["b [2]"]})
    files.put_group(1, "g0002", Notes(text="b [2]", cited=[2]))
    assert run("synthesize_summaries", "already_merged").status == "done"
    assert vendor.calls == []


def test_when_the_notes_fit_the_synthesis_is_written(stack: JobStack) -> None:
    """A group without a result keeps its own texts, so that nothing is lost."""
    files = stack.files(JOB)
    lay_batches(files, summarized=3)
    files.put_level(1, {"g0001": ["a [1]"], "g0002": ["b [2]"]})
    files.put_group(1, "g0002", Notes(text="merged b [2]", cited=[2]))
    result = run("synthesize_summaries", "after_level")
    assert (result.status, result.manifest_key) == ("done", None)
    assert files.synthesis() == {"text": "a [1]\n\nmerged b [2]", "cited": [1, 2]}


def test_too_many_failed_batches_fail_the_job_by_name(stack: JobStack) -> None:
    """Two of three are missing where a fifth is tolerated."""
    lay_batches(stack.files(EXTRACTIVE), summarized=1)
    result = run("synthesize_summaries", "too_many_failures")
    assert refused(result, "too_many_failures")
    assert result.error is not None
    assert result.error.message == "2 of 3 batches could not be summarised; at most 20% may fail"


def test_a_job_that_its_budget_leaves_unread_fails_of_the_budget(stack: JobStack) -> None:
    """Whatever else failed beside it: that is what its owner can do something about."""
    files = stack.files(EXTRACTIVE)
    lay_batches(files, summarized=1)
    files.put_failure({"batch_id": "b0002", "documents": [2], "code": "no_capacity", "message": "no model can"})
    result = run("synthesize_summaries", "too_many_failures")
    assert refused(result, "too_many_failures")
    assert result.error is not None
    assert result.error.message.endswith("may fail: no model can")
    files.put_failure({"batch_id": "b0003", "documents": [3], "code": "budget_spent", "message": "$1 of $1 is spent"})
    result = run("synthesize_summaries", "too_many_failures")
    assert refused(result, "budget_spent")
    assert result.error is not None
    assert result.error.message.endswith(
        "2 of 3 batches could not be summarised; at most 20% may fail: $1 of $1 is spent"
    )


def test_the_answer_cites_and_says_what_it_lacks(stack: JobStack, vendor: Vendor) -> None:
    """Unknown marks go, sources are listed, a document without notes is named."""
    files = stack.files(JOB)
    lay_batches(files, summarized=2)
    files.put_synthesis(Notes(text="- Ends in 2027 [1].", cited=[1]))
    vendor.text = "It ends in 2027 [1][9]."
    assert run("write_answer", "fresh").status == "done"
    answer = files.find_answer()
    assert answer is not None
    assert answer["text"].startswith("It ends in 2027 [1].")
    assert "covers 2 of 3 documents" in answer["text"]
    assert [source["number"] for source in answer["sources"]] == [1]
    assert "## Sources" in files.answer_markdown()


def test_an_answer_is_written_once(stack: JobStack, vendor: Vendor) -> None:
    """A repeated invocation finds it."""
    files = stack.files(DRY)
    files.put_answer({"text": "There.", "cited": [], "sources": []}, "There.")
    assert run("write_answer", "already_answered").status == "done"
    assert vendor.calls == []


@pytest.mark.parametrize(
    "broken", ["functions.write_answer.handler.places.placed", "rota.job_files.JobFiles.put_answer"]
)
def test_an_answer_is_paid_for_once(
    stack: JobStack, vendor: Vendor, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    """An invocation that broke off after the call, while places were looked up say, goes on with what it got."""
    files = stack.files(JOB)
    lay_batches(files, summarized=2)
    files.put_synthesis(Notes(text="- The lease ends in 2027 [1].", cited=[1]))
    vendor.text = "The lease ends in 2027 [1]."
    with monkeypatch.context() as patch:
        patch.setattr(broken, _killed)
        with pytest.raises(RuntimeError, match="killed"):
            run("write_answer", "fresh")
    assert run("write_answer", "fresh").status == "done"
    answer = files.find_answer()
    assert answer is not None
    assert (answer["mode"], len(vendor.calls)) == ("models", 1)
    assert "2027 [1:1]" in answer["text"]
    assert "covers 2 of 3 documents" in answer["text"]


def test_an_extractive_answer_needs_no_model(stack: JobStack, vendor: Vendor) -> None:
    """It is made of the notes' own statements."""
    files = stack.files(EXTRACTIVE)
    lay_batches(files, summarized=3)
    files.put_synthesis(Notes(text="- The lease ends in 2027 [1].\n- The rent is 900 euros [2].", cited=[1, 2]))
    assert run("write_answer", "extractive").status == "done"
    answer = files.find_answer()
    assert answer is not None
    assert (answer["mode"], vendor.calls) == ("extractive", [])
    assert "2027 [1:1]" in answer["text"]


def test_every_sample_event_is_run_here() -> None:
    """A new file in events/ without a test fails this one."""
    source = (REPOSITORY / "tests" / "functions" / "test_model_steps.py").read_text("utf-8")
    files = [file for function in FUNCTIONS for file in (REPOSITORY / "events" / function).glob("*.json")]
    assert files
    assert [file.stem for file in files if f'"{file.stem}"' not in source] == []
