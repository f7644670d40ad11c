"""The routes of the API. A job of another owner does not exist for the caller: 404, never 403."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError as NoRouteError
from aws_lambda_powertools.event_handler.openapi.params import Query

from functions import job_parts, parts
from functions.serve_api import insights, openapi, progress
from functions.serve_api.callers import Caller, caller_of
from functions.serve_api.chat import Chat, ChatRequest, events_of, reply_of
from functions.serve_api.insights import FeedbackRequest, RouteRequest
from functions.serve_api.problems import JSON, MethodNotAllowedError, problem_of, report
from functions.serve_api.requests import check_budgets, check_options, check_sources, read_json
from functions.serve_api.uploads import new_upload
from rota.errors import NotFoundError
from rota.findings import findings as first_findings
from rota.finishing import STOPPED
from rota.job_files import JobFiles
from rota.job_item import JOB_ID, Job
from rota.job_view import brief_view, job_view, links
from rota.ledger_view import models_view
from rota.notes_view import notes_page
from rota.observability import count
from rota.once import OnceKey
from rota.schemas import JobRequest
from rota.submission import Draft

Reply = Response[Any]
WITH_FINDINGS = ("summarizing", "synthesizing", "answering")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
app = APIGatewayHttpResolver(enable_validation=True, json_body_deserializer=read_json)


def create_job(request: JobRequest) -> Reply:
    """Start a job; with an Idempotency-Key, once."""
    caller, key = _caller(request.options.feature or "api"), app.current_event.headers.get("idempotency-key")
    once = None if key is None else OnceKey(caller.owner, key)
    check_options(request.options, parts.catalog())
    check_sources(request.sources, parts.catalog())
    check_budgets(request.options, caller)
    draft = Draft(caller.owner, "api", request.model_dump(mode="json"), caller.tier, caller.budget_usd)
    job = job_parts.submissions().submit(draft, once, job_parts.now_ms())
    if job.created:
        count("JobsStarted")
    return _reply(202, {"job_id": job.job_id, "status": job.status, "links": links(job.job_id)})


def list_jobs(
    limit: Annotated[int, Query(ge=1, le=100)] = 20, cursor: Annotated[str, Query(max_length=200)] = ""
) -> Reply:
    """The caller's jobs, newest first."""
    page = parts.jobs().list(_owner(), limit, cursor)
    return _reply(200, {"jobs": [brief_view(job) for job in page.jobs], "cursor": page.cursor})


def show_job(job_id: str, findings: Annotated[int, Query(ge=0, le=10)] = 0) -> Reply:
    """One job: progress and first findings while it runs, its answer at the end; 304 while nothing has changed."""
    headers = app.current_event.headers
    known, longest_s = headers.get("if-none-match", ""), progress.wait_s(headers)
    job = progress.await_change(lambda: _job(job_id), known, longest_s)
    tag = {"ETag": progress.version(job)}
    if progress.is_known(job, known):
        return Response(304, content_type="text/plain", body="", headers=tag)
    files = JobFiles(parts.s3(), job_parts.bucket().name, job.job_id)
    view = job_view(job, files.find_result() if job.is_finished else None)
    if findings and job.status in WITH_FINDINGS:
        view["findings"] = first_findings(files, job.query, findings)
    return _reply(200, view, tag)


def list_notes(
    job_id: str, limit: Annotated[int, Query(ge=1, le=100)] = 20, cursor: Annotated[str, Query(max_length=20)] = ""
) -> Reply:
    """What was noted of each document, batch by batch, as far as the job has come."""
    job = _job(job_id)
    return _reply(200, notes_page(JobFiles(parts.s3(), job_parts.bucket().name, job.job_id), limit, cursor))


def stop_job(job_id: str) -> Reply:
    """Stop a job. Stopping twice is the same as once; one that is done or failed cannot be stopped (409)."""
    job = _job(job_id)
    parts.jobs().stop(job.job_id)
    job_parts.workflow().stop(job.job_id)
    parts.ledger().abandon_queues(job.job_id)
    finished = job_parts.finisher().finish(job.job_id, STOPPED, job_parts.now_ms())
    if finished.first:
        count("JobsFinished")
    return _reply(202, {"job_id": job.job_id, "status": finished.job.status, "links": links(job.job_id)})


def rerun_job(job_id: str) -> Reply:
    """The same question of the same sources as a new job; what was written for the old one is not paid for again."""
    again = insights.rerun(_job(job_id), _caller())
    return _reply(202, {"job_id": again.job_id, "status": again.status, "links": links(again.job_id)})


def rate_job(job_id: str, body: FeedbackRequest) -> Reply:
    """Say whether an answer was good; `retry` asks again, one tier up."""
    return _reply(200, insights.rate_job(_job(job_id), body, _caller()))


def rate_decision(decision_id: str, body: FeedbackRequest) -> Reply:
    """The same for the answer of a chat."""
    return _reply(200, insights.rate_decision(decision_id, body, _caller()))


def complete_chat(body: ChatRequest) -> Reply:
    """OpenAI's chat completions, routed; see `functions.serve_api.chat`."""
    caller = _caller((body.metadata or {}).get("feature", "chat"))
    chat = Chat(body, caller)
    noticed = parts.feedback().notice(caller.owner, chat.call.prompt, job_parts.now_ms())
    finished, watcher = chat.answer(noticed.least_tier, app.lambda_context.get_remaining_time_in_millis)
    parts.feedback().remember(noticed, chat.decision_id, finished.record.tier)
    reply = reply_of(finished, chat.decision_id, watcher)
    if noticed.because:
        reply["rota"]["asked_again"] = noticed.because
    if not body.stream:
        return _reply(200, reply)
    usage = bool((body.stream_options or {}).get("include_usage"))
    return Response(200, content_type="text/event-stream", body=events_of(reply, usage))


def explain_route(body: RouteRequest) -> Reply:
    """Where a request would go, and why, without a call."""
    caller = _caller(body.feature)
    tier = body.user_tier or caller.tier
    return _reply(200, insights.explain(body, replace(caller, tier=tier)))


def show_usage(month: Annotated[str, Query(max_length=7)] = "") -> Reply:
    """What the caller's calls of a month cost, by feature, query type and model."""
    return _reply(200, insights.show_usage(_caller(), month))


def list_experiments() -> Reply:
    """Experiments and how their arms did."""
    _caller()
    return _reply(200, insights.show_experiments())


def create_upload() -> Reply:
    """A form for files that are too large for a request."""
    return _reply(201, new_upload(job_parts.bucket(), _owner()))


def list_models() -> Reply:
    """The pool now."""
    ledger, catalog = parts.ledger(), parts.catalog()
    accounts = ledger.read(model.id for model in catalog.models)
    simulated = parts.settings().simulated_providers.split(",")
    return _reply(200, models_view(catalog, accounts, ledger.clock.now_ms(), simulated))


def show_openapi() -> Reply:
    """This API as an OpenAPI document."""
    _caller()
    return Response(200, content_type=JSON, body=openapi.document(app))


ROUTES: dict[str, dict[str, Callable[..., Reply]]] = {
    "/v1/jobs": {"POST": create_job, "GET": list_jobs},
    "/v1/jobs/<job_id>": {"GET": show_job, "DELETE": stop_job},
    "/v1/jobs/<job_id>/notes": {"GET": list_notes},
    "/v1/jobs/<job_id>/rerun": {"POST": rerun_job},
    "/v1/jobs/<job_id>/feedback": {"POST": rate_job},
    "/v1/decisions/<decision_id>/feedback": {"POST": rate_decision},
    "/v1/chat/completions": {"POST": complete_chat},
    "/v1/route": {"POST": explain_route},
    "/v1/usage": {"GET": show_usage},
    "/v1/experiments": {"GET": list_experiments},
    "/v1/uploads": {"POST": create_upload},
    "/v1/models": {"GET": list_models},
    "/v1/openapi.json": {"GET": show_openapi},
}


def _refuse(allowed: list[str]) -> Callable[[], Reply]:
    def refuse() -> Reply:
        raise MethodNotAllowedError(allowed)

    return refuse


def _tell(error: Exception) -> Reply:
    """Any error, in the one shape."""
    report(error)
    problem = problem_of(error)
    return _reply(problem.status, problem.body(app.current_event.request_context.request_id), problem.headers)


for path, methods in ROUTES.items():
    for method in METHODS:
        if route := methods.get(method):
            app.route(path, method=method, summary=(route.__doc__ or "").partition("\n")[0])(route)
        else:
            app.route(path, method=method, include_in_schema=False)(_refuse(list(methods)))
app.exception_handler([Exception, NoRouteError])(_tell)


def _caller(feature: str = "api") -> Caller:
    """Whose key this is, as the authorizer found it."""
    authorizer = app.current_event.request_context.authorizer
    return caller_of(authorizer.get_lambda if authorizer else None, feature)


def _owner() -> str:
    return _caller().owner


def _job(job_id: str) -> Job:
    owner = _owner()
    if not JOB_ID.fullmatch(job_id):
        raise NotFoundError("there is no such job")
    return parts.jobs().get(job_id, owner)


def _reply(status: int, body: dict[str, Any], headers: Mapping[str, str] | None = None) -> Reply:
    return Response(status, content_type=JSON, body=body, headers=dict(headers or {}))
