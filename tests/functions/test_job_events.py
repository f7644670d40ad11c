"""Every sample event of the functions around a job is run, and its outcome checked by its name."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import pytest

from rota.inbox_files import DEFAULT_QUESTION, read_inbox
from rota.keys import hash_of
from rota.records import Source
from rota.schemas import StepError
from tests.fixtures.job_stack import BUCKET, KEYS, REPOSITORY, Context, JobStack, job_stack

RUNNING, FINISHED, FOREIGN = "j-00000000000000aa", "j-00000000000000bb", "j-00000000000000cc"
LONG_AGO, FAR_AHEAD = 1_000, 4_102_444_800_000
Check = Callable[[JobStack, dict[str, Any]], None]


def run(function: str, name: str) -> dict[str, Any]:
    """Hand a sample event to its function; what comes back must be JSON, as Lambda would make it."""
    event = json.loads((REPOSITORY / "events" / function / f"{name}.json").read_text("utf-8"))
    handler = import_module(f"functions.{function}.handler")
    reply: dict[str, Any] = json.loads(json.dumps(handler.handle(event, Context())))
    return reply


@pytest.fixture
def stack() -> Iterator[JobStack]:
    """A stack with the jobs, keys and inboxes that the sample events speak of."""
    with job_stack() as stack:
        yield stack


def status(code: int, field: str | None = None, words: str = "") -> Check:
    """The reply has this status; from 400 on it has the one shape, names the field and has these words."""

    def check(stack: JobStack, reply: dict[str, Any]) -> None:
        assert reply["statusCode"] == code
        body = json.loads(reply["body"])
        if code < 400:
            assert "error" not in body
            return
        error = body["error"]
        assert set(body) == {"error"}
        assert set(error) == {"code", "message", "request_id"} | ({"field"} if field else set())
        assert error.get("field") == field
        assert words in error["message"]
        assert stack.executions(stack.workflow_arn) == {}
        assert stack.keys_under("jobs/j-") == stack.keys_under(f"jobs/{FINISHED}")

    return check


def started(stack: JobStack, reply: dict[str, Any]) -> None:
    """One execution named like the job, its request in the bucket, its item queued."""
    assert reply["statusCode"] == 202
    body = json.loads(reply["body"])
    job_id = body["job_id"]
    assert body == {"job_id": job_id, "status": "queued", "links": {"self": f"/v1/jobs/{job_id}"}}
    assert stack.executions(stack.workflow_arn) == {job_id: {"job_id": job_id, "search": False}}
    request = stack.files(job_id).request()
    assert (request["owner"], request["origin"]) == ("ada", "api")
    assert stack.jobs.get(job_id, "ada").options == request["options"]


def listed(stack: JobStack, reply: dict[str, Any]) -> None:
    """Two of the owner's jobs and a cursor to go on; nobody else's."""
    body = json.loads(reply["body"])
    assert [job["job_id"] for job in body["jobs"]] == [FINISHED, RUNNING]
    assert "query" in body["jobs"][0]


def running(stack: JobStack, reply: dict[str, Any]) -> None:
    """Progress, usage by model, and no answer yet."""
    body = json.loads(reply["body"])
    assert (reply["statusCode"], body["job_id"], body["status"]) == (200, RUNNING, "summarizing")
    assert body["progress"]["batches_done"] == 3
    assert body["usage"]["models"] == {"nova-lite": {"calls": 3, "tokens": 9000, "refusals": 0, "cost_usd": 0.00054}}
    assert body["usage"]["cost_usd"] == 0.00054
    assert "answer" not in body


def answered(stack: JobStack, reply: dict[str, Any]) -> None:
    """The answer, its sources and its coverage."""
    body = json.loads(reply["body"])
    assert (body["status"], body["answer"]) == ("done", "The lease [1].")
    assert body["sources"] == [{"number": 1, "title": "lease.md", "origin": "request"}]
    assert body["coverage"]["read"] == 1


def stopped(stack: JobStack, reply: dict[str, Any]) -> None:
    """Flag, status, files and event agree."""
    assert (reply["statusCode"], json.loads(reply["body"])["status"]) == (202, "stopped")
    job = stack.jobs.get(RUNNING)
    assert (job.status, job.stopped, job.error_code) == ("stopped", True, "job_stopped")
    assert [json.loads(entry["Detail"])["status"] for entry in stack.events.entries] == ["stopped"]


def form(stack: JobStack, reply: dict[str, Any]) -> None:
    """The form is bound to the owner's folder, a size and a time."""
    body = json.loads(reply["body"])
    assert reply["statusCode"] == 201
    prefix = f"uploads/ada/{body['upload_id']}/"
    assert body["fields"]["key"] == prefix + "${filename}"
    assert BUCKET in body["url"]
    conditions = _policy(body)["conditions"]
    assert ["starts-with", "$key", prefix] in conditions
    assert ["content-length-range", 1, body["max_bytes"]] in conditions
    assert {"bucket": BUCKET} in conditions


def _policy(body: dict[str, Any]) -> Any:
    return json.loads(base64.b64decode(body["fields"]["policy"]))


def pool(stack: JobStack, reply: dict[str, Any]) -> None:
    """OpenAI's list shape, every model with its limits."""
    body = json.loads(reply["body"])
    assert body["object"] == "list"
    model = next(model for model in body["data"] if model["id"] == "gpt-oss-20b")
    assert (model["object"], model["owned_by"], model["calls"], model["simulated"]) == ("model", "groq", 0, False)
    assert {limit["kind"] for limit in model["limits"]} == {"tpm", "rpm", "rpd", "tpd"}
    assert all(limit["booked"] == 0 for limit in model["limits"])
    assert isinstance(model["next_start_ms"], int)


def not_allowed(allowed: str) -> Check:
    """405 says what the path takes."""

    def check(stack: JobStack, reply: dict[str, Any]) -> None:
        status(405, words=allowed)(stack, reply)
        assert reply["headers"]["Allow"] == allowed

    return check


SERVE_API: dict[str, Check] = {
    "create_job": started,
    "create_job_with_key": started,
    "create_job_with_options": started,
    "create_job_base64": started,
    "missing_query": status(422, "query", "required"),
    "unknown_option": status(422, "options.depht", "not permitted"),
    "unknown_source_type": status(422, "sources.0", "'text', 'upload', 's3'"),
    "source_without_title": status(422, "sources.0.title", "required"),
    "foreign_prefix": status(422, "sources.0.prefix", "library/"),
    "inbox_source": status(422, "sources.0", "'text', 'upload', 's3'"),
    "unknown_model": status(400, "options.answer_model", "nova-pro"),
    "unknown_pool": status(400, "options.pool", "summaries"),
    "model_and_pool": status(400, "options.model", "only one of"),
    "malformed_json": status(400, "body", "line 1, column"),
    "body_is_a_list": status(400, "body", "object"),
    "endless_number": status(400, "body", "too long"),
    "lone_surrogate": status(422, "query", "unicode"),
    "not_utf8": status(400, "body", "UTF-8"),
    "no_body": status(422, "body", "required"),
    "form_body": status(415, words="application/json"),
    "bad_idempotency_key": status(400, "Idempotency-Key", "visible ASCII"),
    "long_idempotency_key": status(400, "Idempotency-Key", "128"),
    "list_jobs": listed,
    "list_jobs_bad_limit": status(422, "limit", "integer"),
    "list_jobs_bad_cursor": status(400, "cursor"),
    "show_job": running,
    "show_finished_job": answered,
    "show_unknown_job": status(404, words="no job"),
    "show_foreign_job": status(404, words="no job"),
    "show_inbox_item": status(404),
    "stop_job": stopped,
    "stop_finished_job": status(409, words="already done"),
    "stop_foreign_job": status(404),
    "create_upload": form,
    "list_models": pool,
    "unknown_path": status(404, words="/v1/openapi.json"),
    "wrong_method": not_allowed("GET, POST"),
    "wrong_method_on_job": not_allowed("DELETE, GET"),
    "no_owner": status(401),
    "owner_with_slash": status(401),
    "not_an_http_event": status(500, words="on our side"),
}


@pytest.fixture
def api_stack(stack: JobStack) -> JobStack:
    """Ada has a running and a finished job, Bob one of his own."""
    stack.add_job(RUNNING, created_ms=2_000)
    stack.jobs.start_step(RUNNING, "summarizing", 3_000)
    counted = {"calls:nova-lite": 3, "tokens:nova-lite": 9000, "cost_nanousd:nova-lite": 540_000}
    stack.jobs.add(RUNNING, counted, calls=3, batches_done=3, cost_nanousd=540_000)
    stack.add_job(FINISHED, created_ms=5_000)
    source = {"number": 1, "title": "lease.md", "origin": "request"}
    result = {
        "status": "done",
        "answer": "The lease [1].",
        "sources": [source],
        "coverage": {"documents": 1, "read": 1},
    }
    stack.files(FINISHED).put_result(result)
    stack.jobs.finish(FINISHED, "done", None, 9_000)
    stack.add_job(FOREIGN, owner="bob", created_ms=4_000)
    return stack


@pytest.mark.parametrize("name", SERVE_API)
def test_serve_api(api_stack: JobStack, name: str) -> None:
    """One request each; also a refused one is JSON, and starts nothing."""
    reply = run("serve_api", name)
    assert reply["headers"]["Content-Type"] == "application/json"
    SERVE_API[name](api_stack, reply)


def allowed(_: JobStack, reply: dict[str, Any]) -> None:
    """Let through, as its owner."""
    context = {"owner": "ada", "key_id": "k-0a1b2c3d", "tier": "free", "budget_usd": ""}
    assert reply == {"isAuthorized": True, "context": context}


def denied(_: JobStack, reply: dict[str, Any]) -> None:
    """Denied, with no word about why."""
    assert reply == {"isAuthorized": False}


AUTHORIZE_REQUEST: dict[str, Check] = {
    "good_key": allowed,
    "lower_case_scheme": allowed,
    **dict.fromkeys(
        (
            *("unknown_key", "revoked_key", "no_scheme", "basic_scheme", "two_headers", "short_key"),
            *("empty_header", "no_header", "no_headers_at_all", "strange_letters", "bad_owner"),
        ),
        denied,
    ),
}


@pytest.mark.parametrize("name", AUTHORIZE_REQUEST)
def test_authorize_request(stack: JobStack, name: str) -> None:
    """One header each; whatever is logged, no key is."""
    for letter, owner in {"A": "ada", "R": "ada", "B": "Bob/../ada"}.items():
        item = {
            "key_hash": {"S": hash_of("rota_" + letter * 43)},
            "key_id": {"S": "k-0a1b2c3d"},
            "owner": {"S": owner},
            "created_ms": {"N": "1"},
            "revoked": {"BOOL": letter == "R"},
        }
        stack.dynamodb.put_item(TableName=KEYS, Item=item)
    AUTHORIZE_REQUEST[name](stack, run("authorize_request", name))
    assert "rota_" not in stack.log.getvalue()
    assert ("denied" in stack.log.getvalue()) == (AUTHORIZE_REQUEST[name] is denied)


def test_what_a_key_entitles_to_goes_with_the_request(stack: JobStack) -> None:
    """Its tier, and its budget as text."""
    issued = stack.keys.issue("ada", "", LONG_AGO, "pro", 20)
    handler = import_module("functions.authorize_request.handler")
    reply = handler.handle({"headers": {"authorization": f"Bearer {issued.text}"}}, Context())
    expected = {"owner": "ada", "key_id": issued.key.key_id, "tier": "pro", "budget_usd": "20.0"}
    assert reply["context"] == expected


def accepted(failed: set[str], inboxes: dict[str, int]) -> Check:
    """These messages come again; these inboxes have this many files, and one execution each."""

    def check(stack: JobStack, reply: dict[str, Any]) -> None:
        assert {failure["itemIdentifier"] for failure in reply["batchItemFailures"]} == failed
        assert {name: stack.inboxes.read(name).files for name in inboxes} == inboxes
        inputs = stack.executions(stack.inbox_workflow_arn).values()
        assert sorted(one["inbox"] for one in inputs) == sorted(inboxes)
        assert all(one["generation"] == 1 for one in inputs)

    return check


ACCEPT_UPLOADS: dict[str, Check] = {
    "burst": accepted(set(), {"contracts": 5}),
    "two_inboxes": accepted(set(), {"contracts": 1, "minutes": 2}),
    "encoded_keys": accepted(set(), {"Quarter 3 übersicht": 1}),
    "multipart_upload": accepted(set(), {"contracts": 1}),
    "nothing_for_us": accepted(set(), {}),
    "test_event": accepted(set(), {}),
    "one_poisoned": accepted({"message-1", "message-2", "message-3"}, {"contracts": 1}),
}


@pytest.mark.parametrize("name", ACCEPT_UPLOADS)
def test_accept_uploads(stack: JobStack, name: str) -> None:
    """One batch each."""
    ACCEPT_UPLOADS[name](stack, run("accept_uploads", name))


def waits(stack: JobStack, reply: dict[str, Any]) -> None:
    """Look again when it may be quiet; nothing is started."""
    assert reply == {"inbox": "busy", "generation": 1, "status": "wait", "until": "2100-01-01T00:00:04.000Z"}
    assert stack.executions(stack.workflow_arn) == {}


def read_by_one_job(question: str) -> Check:
    """The inbox's documents are one job's sources."""

    def check(stack: JobStack, reply: dict[str, Any]) -> None:
        name, job_id = reply["inbox"], reply["job_id"]
        assert reply["status"] == "done"
        assert stack.executions(stack.workflow_arn) == {job_id: {"job_id": job_id, "search": False}}
        request = stack.files(job_id).request()
        assert request["query"] == question
        assert request["sources"] == [
            {"type": "inbox", "name": name, "keys": [f"inbox/{name}/a.md", f"inbox/{name}/b/c.md"]}
        ]
        assert (request["owner"], request["origin"]) == ("inbox", f"inbox:{name}")
        assert stack.inboxes.read(name).generation == 2

    return check


def starts_nothing(stack: JobStack, reply: dict[str, Any]) -> None:
    """The generation is closed and no job came of it."""
    assert (reply["status"], "job_id" in reply) == ("done", False)
    assert stack.executions(stack.workflow_arn) == {}


def healed(stack: JobStack, reply: dict[str, Any]) -> None:
    """Who closed it crashed before the start: the job that was written then is started now."""
    assert (reply["status"], reply["job_id"]) == ("done", RUNNING)
    assert stack.executions(stack.workflow_arn) == {RUNNING: {"job_id": RUNNING, "search": False}}


CLOSE_INBOX: dict[str, Check] = {
    "first_look": waits,
    "quiet": read_by_one_job("Which end in 2027?"),
    "quiet_after_wait": read_by_one_job("Which end in 2027?"),
    "question_in_metadata": read_by_one_job("Which are signed?"),
    "already_closed": healed,
    "nothing_new": starts_nothing,
    "only_a_question": starts_nothing,
    "never_seen": starts_nothing,
}


@pytest.fixture
def inbox_stack(stack: JobStack) -> JobStack:
    """Inboxes in every state that the sample events speak of."""
    for name in ("contracts", "closed", "unchanged", "tagged"):
        for path in ("a.md", "b/c.md", "b/"):
            metadata = {"question": "Which are signed?"} if (name, path) == ("tagged", "b/c.md") else {}
            stack.s3.put_object(Bucket=BUCKET, Key=f"inbox/{name}/{path}", Body=path.encode(), Metadata=metadata)
    for name in ("contracts", "lonely"):
        stack.bucket.write_text(f"inbox/{name}/question.txt", "\ufeffWhich end in 2027?\n")
    for name in ("contracts", "closed", "unchanged", "tagged", "lonely"):
        stack.inboxes.arrive(name, 3, LONG_AGO)
    stack.inboxes.arrive("busy", 1, FAR_AHEAD)
    closed = stack.inboxes.close("closed", stack.inboxes.read("closed"), RUNNING, "")
    digest = read_inbox(stack.bucket, "unchanged").digest
    assert closed
    assert stack.inboxes.close("unchanged", stack.inboxes.read("unchanged"), FINISHED, digest)
    stack.inboxes.arrive("unchanged", 1, LONG_AGO)
    return stack


@pytest.mark.parametrize("name", CLOSE_INBOX)
def test_close_inbox(inbox_stack: JobStack, name: str) -> None:
    """One look each."""
    CLOSE_INBOX[name](inbox_stack, run("close_inbox", name))


def test_without_a_question_a_summary_is_asked_for(inbox_stack: JobStack) -> None:
    """Neither a file nor metadata says anything, or the file is blank."""
    assert read_inbox(inbox_stack.bucket, "closed").question == DEFAULT_QUESTION
    inbox_stack.bucket.write_text("inbox/closed/question.txt", "\ufeff \r\n")
    assert read_inbox(inbox_stack.bucket, "closed").question == DEFAULT_QUESTION


def ended(job_id: str, how: str, code: str | None = None) -> Check:
    """Item, result, reply and event say the same."""

    def check(stack: JobStack, reply: dict[str, Any]) -> None:
        job, result = stack.jobs.get(job_id), stack.files(job_id).find_result()
        assert result is not None
        assert (job.status, job.error_code, job.announced) == (how, code, True)
        assert (result["status"], result.get("error", {}).get("code")) == (how, code)
        assert (reply["job_id"], reply["status"]) == (job_id, "done" if how == "done" else "failed")
        assert reply.get("error", {}).get("code") == code
        (entry,) = stack.events.entries
        assert (entry["Source"], entry["DetailType"]) == ("rota", "Job finished")
        assert json.loads(entry["Detail"])["status"] == how
        assert "secret_detail" not in json.dumps([reply, result, entry])
        assert "Traceback" not in json.dumps([reply, result, entry])

    return check


def answered_beside_the_inbox(stack: JobStack, reply: dict[str, Any]) -> None:
    """The answer lies under a fixed name and under the job's."""
    ended(FINISHED, "done")(stack, reply)
    names = ["answer.json", "answer.md", f"{FINISHED}.md"]
    assert stack.keys_under("answers/") == [f"answers/contracts/{name}" for name in names]
    assert stack.bucket.read_json("answers/contracts/answer.json")["text"] == "The lease [1]."


def failed_beside_the_inbox(stack: JobStack, reply: dict[str, Any]) -> None:
    """What went wrong is told there; the last good answer is not touched."""
    ended(FINISHED, "failed", "no_capacity")(stack, reply)
    assert stack.keys_under("answers/") == [f"answers/contracts/{FINISHED}.md"]
    assert "no model of the pool" in stack.bucket.read_text(f"answers/contracts/{FINISHED}.md")


def planned_only(stack: JobStack, reply: dict[str, Any]) -> None:
    """A dry run is done with a plan and without an answer."""
    ended(FOREIGN, "done")(stack, reply)
    result = stack.files(FOREIGN).find_result() or {}
    assert result["plan"]["estimate"]["eta_s"] == 20
    assert "answer" not in result


def left_alone(stack: JobStack, reply: dict[str, Any]) -> None:
    """It had failed before; nothing is written and nobody is told again."""
    assert reply["error"]["code"] == "no_capacity"
    assert stack.events.entries == []
    job = stack.jobs.get("j-00000000000000ee")
    assert (job.status, job.finished_ms) == ("failed", 7_000)


FINISH_JOB: dict[str, Check] = {
    "done": ended(RUNNING, "done"),
    "done_for_inbox": answered_beside_the_inbox,
    "dry_run": planned_only,
    "failed_step": ended(RUNNING, "failed", "too_many_failures"),
    "failed_for_inbox": failed_beside_the_inbox,
    "stopped_step": ended(RUNNING, "stopped", "job_stopped"),
    "caught_error": ended(RUNNING, "failed", "internal_error"),
    "caught_timeout": ended(RUNNING, "failed", "internal_error"),
    "no_answer": ended("j-00000000000000dd", "failed", "internal_error"),
    "already_finished": left_alone,
    "execution_timed_out": ended(RUNNING, "failed", "internal_error"),
    "execution_aborted": ended(RUNNING, "stopped", "job_stopped"),
}


@pytest.fixture
def ending_stack(stack: JobStack) -> JobStack:
    """Jobs at their end: two with an answer, a dry run, one without an answer, one that failed before."""
    stack.add_job(RUNNING)
    stack.add_job(FINISHED, origin="inbox:contracts", owner="inbox")
    for job_id in (RUNNING, FINISHED):
        source = Source(number=1, title="lease.md", origin="request")
        stack.files(job_id).put_answer({"text": "The lease [1].", "cited": [1], "sources": [source]}, "The lease [1].")
    stack.add_job(FOREIGN, dry_run=True)
    stack.files(FOREIGN).put_plan({"focus": [], "outline": [], "estimate": {"eta_s": 20}})
    stack.add_job("j-00000000000000dd")
    stack.add_job("j-00000000000000ee")
    stack.jobs.finish("j-00000000000000ee", "failed", StepError(code="no_capacity", message="no room"), 7_000)
    stack.files("j-00000000000000ee").put_result({"status": "failed"})
    stack.jobs.mark_announced("j-00000000000000ee")
    return stack


@pytest.mark.parametrize("name", FINISH_JOB)
def test_finish_job(ending_stack: JobStack, name: str) -> None:
    """One ending each; the same event again changes nothing and tells nobody."""
    reply = run("finish_job", name)
    FINISH_JOB[name](ending_stack, reply)
    told, files = (
        list(ending_stack.events.entries),
        {key: _text(ending_stack, key) for key in ending_stack.keys_under("")},
    )
    assert run("finish_job", name) == reply
    assert ending_stack.events.entries == told
    assert {key: _text(ending_stack, key) for key in ending_stack.keys_under("")} == files


def _text(stack: JobStack, key: str) -> str:
    return stack.bucket.read_text(key)


@pytest.mark.parametrize(
    ("function", "checks"),
    [
        ("serve_api", SERVE_API),
        ("authorize_request", AUTHORIZE_REQUEST),
        ("accept_uploads", ACCEPT_UPLOADS),
        ("close_inbox", CLOSE_INBOX),
        ("finish_job", FINISH_JOB),
    ],
)
def test_every_event_has_its_check(function: str, checks: dict[str, Check]) -> None:
    """A new sample event without an expectation fails here, and so does an expectation without its event."""
    assert {path.stem for path in (REPOSITORY / "events" / function).glob("*.json")} == set(checks)
