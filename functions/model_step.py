"""What every step that calls a model has in common: stop when told, wait outside, count, fall back to extraction.

handler ──► Work ──► carry_out ──► Carried(value, …)          the handler stores it: status done
                          └──────► StepEvent(status wait)     the state machine waits and calls the handler again
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any, Generic, Literal, TypeVar

from functions import parts
from functions.call_watcher import CallWatcher
from rota.calls import Finished
from rota.dispatch import Pending
from rota.errors import (
    AllModelsFailedError,
    BudgetSpentError,
    ConflictError,
    JobStoppedError,
    NoCapacityError,
    ProviderRejectedError,
    RotaError,
    Status,
)
from rota.job_item import Job
from rota.observability import count, logger
from rota.outcomes.decisions import decision_id_of
from rota.providers.base import ModelCall
from rota.routing.complexity import Complexity
from rota.routing.request import ModelRequest
from rota.schemas import StepError, StepEvent

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Work(Generic[T]):
    """A call to be made. `check` reads the model's text or raises InvalidOutputError; `extract` does without a model.

    `may_fail` says that a request which models reject for good is the step's failure (its documents are listed);
    otherwise extraction stands in for that too. `may_be_cut` says that half of it may be asked for instead.
    """

    request: ModelRequest
    call: ModelCall
    check: Callable[[str], T]
    extract: Callable[[], T]
    may_fail: bool = False
    may_be_cut: bool = False


@dataclass(frozen=True, slots=True)
class Carried(Generic[T]):
    """A step's value and how it came about; `facts` go into the stored file beside it."""

    value: T
    mode: Literal["models", "extractive"]
    finished: Finished[T] | None = None
    decision_id: str = ""

    @property
    def facts(self) -> dict[str, Any]:
        """Mode, model, decision, fallback, tokens and cost, as JSON."""
        if self.finished is None:
            return {"mode": self.mode}
        record = self.finished.record
        return {
            "mode": self.mode,
            "model": record.model,
            "tier": record.tier,
            "decision": self.decision_id,
            "rule": record.decision.rule,
            "level": record.decision.complexity.level if record.decision.complexity else None,
            "escalated_from": record.escalated_from,
            "fallback_used": self.finished.fallback_used,
            "input_tokens": record.usage.input_tokens + record.usage.cached_tokens,
            "output_tokens": record.usage.output_tokens,
            "cost_nanousd": record.cost_nanousd,
        }


class TooLarge(Exception):  # noqa: N818 - not a failure but a turn of the work
    """No model takes the work as a whole."""


def as_step(body: Callable[[StepEvent, Any], StepEvent]) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
    """A Lambda handler from a step: what went wrong for good is data; what may pass is raised and retried."""

    def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
        step = StepEvent.model_validate(event)
        try:
            result = body(step, context)
        except RotaError as error:
            logger.warning("step failed", extra={"event": "step_failed", "job": step.job_id, "code": error.code})
            failed = StepError(code=error.code, message=str(error))
            result = step.model_copy(update={"status": Status.FAILED, "error": failed, "pending": None, "until": None})
        return result.model_dump(mode="json", exclude_none=True)

    return handle


def done(step: StepEvent, **fields: Any) -> StepEvent:
    """The step's event with its waiting removed."""
    return step.model_copy(update={"status": Status.DONE, "pending": None, "until": None, **fields})


def open_job(step: StepEvent, status: str) -> Job:
    """The step's job, moved to `status`. Raises JobStoppedError, ConflictError when it has ended, NotFoundError."""
    job = parts.jobs().get(step.job_id)
    if job.is_finished and job.status != "stopped":
        raise ConflictError(f"job {job.job_id} is already {job.status}")
    if job.stopped:
        raise JobStoppedError(f"job {job.job_id} was stopped")
    if job.status != status:
        parts.jobs().start_step(job.job_id, status, parts.ledger().clock.now_ms())
    return job


def carry_out(step: StepEvent, job: Job, work: Work[T], context: Any) -> Carried[T] | StepEvent:
    """Make the call of a step, or answer with the event that waits for it.

    In extractive mode, and when no model can or will do it, the work is done without one. Raises TooLarge when it
    should be cut instead, BudgetSpentError when it may cost nothing more and the job does not want to go on without.
    """
    if job.options.get("mode") == "extractive":
        return Carried(work.extract(), "extractive")
    watcher = _watcher(job, work.request)
    gateway = parts.gateway(watcher, job.budget_usd)
    remaining_ms = context.get_remaining_time_in_millis
    try:
        request, pending = _brought_back(step, work.request)
        request = request if pending else gateway.classified(request, remaining_ms)
        outcome = gateway.run(request, work.call, work.check, remaining_ms, pending)
    except (AllModelsFailedError, BudgetSpentError, NoCapacityError, ProviderRejectedError) as error:
        return _without_model(job, work, error)
    finally:
        watcher.finish()
    if isinstance(outcome, Finished):
        if work.request.priority == "interactive":  # the many notes of a job are not judged one by one
            watcher.decided(outcome)
        return Carried(outcome.value, "models", outcome, watcher.decision_id)
    until = datetime.fromtimestamp(outcome.until_ms / 1000, UTC).isoformat(timespec="milliseconds")
    judged = {"complexity": asdict(request.complexity)} if request.complexity else {}
    return step.model_copy(
        update={
            "status": Status.WAIT,
            "until": until.replace("+00:00", "Z"),
            "pending": {**outcome.pending.as_dict(), **judged},
        }
    )


def _brought_back(step: StepEvent, request: ModelRequest) -> tuple[ModelRequest, Pending | None]:
    """What a step brings back from its wait: its booking or ticket, and how its request was judged before it."""
    if step.pending is None:
        return request, None
    brought = dict(step.pending)
    judged = brought.pop("complexity", None)
    return replace(request, complexity=Complexity(**judged)) if judged else request, Pending.from_dict(brought)


def _without_model(job: Job, work: Work[T], error: RotaError) -> Carried[T]:
    """The work without a model, where that is what to do about the error; raises otherwise."""
    if work.may_fail and isinstance(error, ProviderRejectedError):
        raise error
    if isinstance(error, BudgetSpentError) and job.options.get("over_budget") != "extractive":
        raise error
    if work.may_be_cut and getattr(error, "too_large", False):
        raise TooLarge from error
    tried = [f"{attempt.model}: {attempt.code}" for attempt in getattr(error, "attempts", ())]
    logger.warning("no model", extra={"event": "no_model", "job": job.job_id, "code": error.code, "attempts": tried})
    count("NoCapacity")
    return Carried(work.extract(), "extractive")


def _watcher(job: Job, request: ModelRequest) -> CallWatcher:
    decision_id = decision_id_of(request.subjects["request"], job.created_ms)
    return CallWatcher(job.owner, job.feature, decision_id, f"jobs/{job.job_id}/rejected/", job.job_id)
