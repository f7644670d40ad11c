"""What the API tells of routing: a decision without a call, usage and budgets, experiments, and what takes feedback."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal, cast

from pydantic import Field

from functions import job_parts, parts
from functions.serve_api.callers import Caller
from functions.serve_api.chat import TIERS, target_of
from functions.serve_api.requests import check_budgets, check_options, check_sources
from rota.documents.tokens import estimate_tokens
from rota.errors import ConflictError, InvalidInputError, NoCapacityError
from rota.job_files import JobFiles
from rota.job_item import Job
from rota.outcomes.experiments import results
from rota.outcomes.months import checked_month, month_of
from rota.outcomes.usage import usage_view
from rota.policy import Need, Task
from rota.routing.pipeline import route
from rota.routing.request import ModelRequest
from rota.schemas import Degree, JobOptions, SearchSource, Strict, UserTier
from rota.submission import Draft, Submitted

HIGHEST = max(TIERS.values())


class RouteRequest(Strict):
    """The body of `POST /v1/route`: a request as it would be made, and whom to decide for (else the key's owner)."""

    text: str = Field(min_length=1, max_length=400_000)
    model: str = Field(default="auto", min_length=1, max_length=100)
    task: Task = "chat"
    max_output_tokens: int = Field(default=1024, ge=1)
    needs: tuple[Need, ...] = ()
    user: str | None = Field(default=None, max_length=200)
    user_tier: UserTier | None = None
    feature: str = Field(default="api", max_length=63)
    value: Degree = "low"
    error_tolerance: Degree = "medium"
    business_impact: Degree = "low"


class FeedbackRequest(Strict):
    """The body of a feedback. `retry` asks a job's question again, its answer one tier up."""

    rating: Literal["good", "bad"]
    comment: str | None = Field(default=None, max_length=2000)
    retry: bool = False


def explain(body: RouteRequest, caller: Caller) -> dict[str, Any]:
    """A decision, and when each of its models could start the call and what it would cost; nothing is booked."""
    catalog, ledger = parts.catalog(), parts.ledger()
    request = ModelRequest(
        task=body.task,
        pool="",
        **target_of(body.model, catalog),
        input_tokens=estimate_tokens(body.text),
        max_output_tokens=body.max_output_tokens,
        priority="interactive",
        needs=body.needs,
        stakes=caller.stakes(body.value, body.error_tolerance, body.business_impact),
        text=body.text,
        subjects={"user": body.user or caller.owner},
    )
    accounts, now_ms = ledger.read(model.id for model in catalog.models), ledger.clock.now_ms()
    live = {name: account.learned for name, account in accounts.items()}
    decision = route(request, catalog, live=live)
    models = [model for group in (decision.candidates, *decision.fallbacks) for model in group]
    return {
        **decision.as_dict(),
        "classifier": catalog.routing.classifier.kind,
        "input_tokens": request.input_tokens,
        "models": [
            {
                "id": model.id,
                "tier": model.tier,
                "breaker": "closed" if not accounts[model.id].is_probed else "open",
                "start_ms": _start_ms(request, model, accounts[model.id], now_ms),
                "most_usd": request.price_usd(model),
            }
            for model in models
        ],
    }


def show_usage(caller: Caller, month: str | None) -> dict[str, Any]:
    """What the caller's calls of a month (the current one when None) cost, and where its budgets stand."""
    now_ms = job_parts.now_ms()
    month = checked_month(month) if month else month_of(now_ms)
    view = usage_view(month, parts.usage_counters().of_user(caller.owner, month))
    return {**view, "budgets": parts.budgets().standing(caller.owner, caller.feature, now_ms, caller.budget_usd)}


def show_experiments() -> dict[str, Any]:
    """Every experiment of rota.yaml with the results of its arms."""
    experiments = parts.catalog().experiments
    return {
        "experiments": [
            {
                "name": name,
                "subject": experiment.subject,
                "arms": results(experiment, parts.experiment_results().arms(name)),
            }
            for name, experiment in experiments.items()
        ]
    }


def rate_decision(decision_id: str, body: FeedbackRequest, caller: Caller) -> dict[str, Any]:
    """Rate the answer of a chat. Its text is not kept, so that it cannot be asked again from here."""
    if body.retry:
        raise InvalidInputError(
            "retry", 'send the question again, with "metadata": {"least_tier": "2"} or "3": its text is not kept here'
        )
    if body.comment:
        raise InvalidInputError("comment", "is kept beside a job's answer; that of a chat is not kept here")
    first = parts.feedback().rate(decision_id, caller.owner, body.rating, "user", job_parts.now_ms())
    return {"decision": decision_id, "rating": body.rating, "recorded": first}


def rate_job(job: Job, body: FeedbackRequest, caller: Caller) -> dict[str, Any]:
    """Rate a job's answer, keep the comment beside it, and start it again one tier up when that is asked for.

    Raises ConflictError for a job that has no answer yet.
    """
    files = JobFiles(parts.s3(), job_parts.bucket().name, job.job_id)
    answer = files.find_answer()
    if answer is None or not job.is_finished:
        raise ConflictError(f"job {job.job_id} has no answer to rate; it is {job.status}")
    recorded = False
    if decision_id := answer.get("decision"):
        recorded = parts.feedback().rate(decision_id, caller.owner, body.rating, "user", job_parts.now_ms())
    if body.comment:
        files.put_feedback({"rating": body.rating, "comment": body.comment, "at_ms": job_parts.now_ms()})
    reply: dict[str, Any] = {"job_id": job.job_id, "rating": body.rating, "recorded": recorded}
    if body.retry:
        higher = {"answer_model": None, "answer_tier": min(HIGHEST, answer.get("tier", 1) + 1)}
        again = _again(files, job, higher, caller)
        reply["retry"] = {"job_id": again.job_id, "status": again.status}
    return reply


def rerun(job: Job, caller: Caller) -> Submitted:
    """The same job once more. Raises ConflictError while it runs, and as for a new job with its options."""
    if not job.is_finished:
        raise ConflictError(f"job {job.job_id} is not finished; it is {job.status}")
    return _again(JobFiles(parts.s3(), job_parts.bucket().name, job.job_id), job, {}, caller)


def _again(files: JobFiles, job: Job, other_options: Mapping[str, Any], caller: Caller) -> Submitted:
    """The same question of the same sources, with some other options, if a new job could have them today."""
    request = files.request()
    options = {**request["options"], **other_options}
    checked = JobOptions.model_validate(options)
    check_options(checked, parts.catalog())
    searches = [SearchSource.model_validate(one) if one["type"] == "search" else one for one in request["sources"]]
    check_sources(searches, parts.catalog())
    check_budgets(checked, replace(caller, feature=job.feature))
    asked = {"query": request["query"], "sources": request["sources"], "options": options}
    draft = Draft(job.owner, job.origin, asked, caller.tier, caller.budget_usd)
    return job_parts.submissions().submit(draft, None, job_parts.now_ms())


def _start_ms(request: ModelRequest, model: Any, account: Any, now_ms: int) -> int | None:
    try:
        return cast(int, account.plan(request.claim(model, account.learned, 60_000).amounts, now_ms).start_ms)
    except NoCapacityError:
        return None
