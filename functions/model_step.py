"""What every step that calls a model has in common: stop when told, wait outside, count, fall back to extraction.

handler ──► Work ──► carry_out ──► Carried(value, …)          the handler stores it: status done
                          └──────► StepEvent(status wait)     the state machine waits and calls the handler again
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from functions import parts
from functions.call_watcher import CallWatcher
from rota.booking import Booking
from rota.calls import Finished
from rota.dispatch import Pending
from rota.errors import (
    AllModelsFailedError,
    BudgetSpentError,
    ConflictError,
    InvalidOutputError,
    JobStoppedError,
    NoCapacityError,
    PoolBusyError,
    ProviderRejectedError,
    RotaError,
    Status,
)
from rota.job_item import Job
from rota.job_options import LATEST
from rota.observability import count, logger
from rota.outcomes.decisions import decision_id_of
from rota.providers.base import ModelCall
from rota.reuse import Written
from rota.routing.complexity import Complexity
from rota.routing.request import ModelRequest
from rota.schemas import StepError, StepEvent

if TYPE_CHECKING:
    from rota.gateway import Gateway

T = TypeVar("T")

NOTICED_S = 1.0
"""A shorter wait for a booked start is not worth a read of the job."""


@dataclass(frozen=True, slots=True)
class Work(Generic[T]):
    """A call to be made. `check` reads the model's text or raises InvalidOutputError; `extract` does without a model.

    `may_fail` says that a request which models reject for good is the step's failure (its documents are listed);
    otherwise extraction stands in for that too. `may_be_cut` says that half of it may be asked for instead, `reusable`
    that what was written for the same call before is as good.
    """

    request: ModelRequest
    call: ModelCall
    check: Callable[[str], T]
    extract: Callable[[], T]
    may_fail: bool = False
    may_be_cut: bool = False
    reusable: bool = False


@dataclass(frozen=True, slots=True)
class Carried(Generic[T]):
    """A step's value and how it came about; `facts` go into the stored file beside it.

    `why` is the code of the error, or `deadline`, that made it do without a model; empty where that was asked for.
    `written` is what a model had written before for the same call.
    """

    value: T
    mode: Literal["models", "extractive"]
    finished: Finished[T] | None = None
    decision_id: str = ""
    why: str = ""
    written: Written | None = None

    @property
    def facts(self) -> dict[str, Any]:
        """Mode, model, decision, fallback, tokens and cost, as JSON."""
        if self.written:
            return {"mode": self.mode, "model": self.written.model, "tier": self.written.tier, "reused": True}
        if self.finished is None:
            return {"mode": self.mode, **({"why": self.why} if self.why else {})}
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
            "repaired": record.repaired,
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

    In extractive mode, when no model can or will do it, and when a call could only start after the job's deadline, the
    work is done without one. Raises TooLarge when it should be cut instead, BudgetSpentError when it may cost nothing
    more and the job does not want to go on without, NoCapacityError and AllModelsFailedError likewise.
    """
    if job.options.get("mode") == "extractive":
        return Carried(work.extract(), "extractive")
    if work.reusable and job.options.get("reuse", True) and (found := _written_before(job, work)):
        return found
    latest_ms = _latest_ms(job, work.request)
    if latest_ms is not None and parts.ledger().clock.now_ms() >= latest_ms:
        return _too_late(job, work, step.pending)
    try:
        return _called(step, job, work, context, latest_ms)
    except PoolBusyError:  # of jobs, only those with a deadline may not wait; nothing is booked any more
        return _too_late(job, work)
    except (AllModelsFailedError, BudgetSpentError, NoCapacityError, ProviderRejectedError) as error:
        return _without_model(job, work, error)


def _written_before(job: Job, work: Work[T]) -> Carried[T] | None:
    """What a model wrote for the same call of this owner, read again: it may fail a check that has become stricter."""
    written = parts.reuse(job.owner).find(work.request, work.call)
    if written is None:
        return None
    try:
        return Carried(work.check(written.text), "models", written=written)
    except InvalidOutputError:
        return None


def _called(step: StepEvent, job: Job, work: Work[T], context: Any, latest_ms: int | None) -> Carried[T] | StepEvent:
    """The call itself, or the event that waits for it if it can start by `latest_ms`. Raises as `Gateway.run` does."""
    watcher, remaining_ms = _watcher(job, work.request), context.get_remaining_time_in_millis
    gateway = _gateway(job, watcher)
    try:
        request, pending = _brought_back(step, work.request)
        request = _in_time(request, pending, latest_ms)
        request = request if pending else gateway.classified(request, remaining_ms)
        passed: list[str] = []
        outcome = gateway.run(request, work.call, _noting(work.check, passed), remaining_ms, pending)
    finally:
        watcher.finish()
    if isinstance(outcome, Finished):
        if work.request.priority == "interactive":  # the many notes of a job are not judged one by one
            watcher.decided(outcome)
        if work.reusable:
            written = Written(passed[-1], outcome.record.model, outcome.record.tier)
            parts.reuse(job.owner).keep(work.request, work.call, written)
        return Carried(outcome.value, "models", outcome, watcher.decision_id)
    if latest_ms is not None and outcome.until_ms >= latest_ms:
        if outcome.ticket:
            parts.ledger().leave_queue(outcome.ticket)
        return _too_late(job, work, outcome.pending.as_dict())
    until = datetime.fromtimestamp(outcome.until_ms / 1000, UTC).isoformat(timespec="milliseconds")
    judged = {"complexity": asdict(request.complexity)} if request.complexity else {}
    return step.model_copy(
        update={
            "status": Status.WAIT,
            "until": until.replace("+00:00", "Z"),
            "pending": {**outcome.pending.as_dict(), **judged},
        }
    )


def _noting(check: Callable[[str], T], passed: list[str]) -> Callable[[str], T]:
    """The check, which notes the texts that pass it: the last one is what the call came to."""

    def checked(text: str) -> T:
        value = check(text)
        passed.append(text)
        return value

    return checked


def _gateway(job: Job, watcher: CallWatcher) -> Gateway:
    """The gateway, which holds a job that has a budget to it, besides the budgets of the month."""
    gateway, limit_usd = parts.gateway(watcher, job.budget_usd), job.options.get("budget_usd")
    sleep = gateway.sleep
    gateway = replace(gateway, sleep=lambda seconds: _sleep(seconds, sleep, job))
    if limit_usd is None:
        return gateway
    from rota.outcomes.job_budget import JobBudget

    return replace(gateway, budgets=JobBudget(parts.budgets(), job.job_id, limit_usd, job.created_ms))


def _sleep(seconds: float, sleep: Callable[[float], None], job: Job) -> None:
    """Sleep; after a longer one, look whether the job was stopped meanwhile. Raises JobStoppedError."""
    sleep(seconds)
    if seconds > NOTICED_S and parts.jobs().get(job.job_id).stopped:
        raise JobStoppedError(f"job {job.job_id} was stopped")


def _latest_ms(job: Job, request: ModelRequest) -> int | None:
    """When a call of this step must have started so that the job ends by its deadline; None for a job without one."""
    deadline_s: int | None = job.options.get("deadline_s")
    if deadline_s is None:
        return None
    latest_s: int = job.options.get(LATEST, {}).get(request.task, deadline_s)
    return job.created_ms + 1000 * latest_s


def _in_time(request: ModelRequest, pending: Pending | None, latest_ms: int | None) -> ModelRequest:
    """The request, which goes elsewhere when its own pool would start it after `latest_ms`, and then is given up."""
    if latest_ms is None:
        return request
    first_ms = pending.first_ms if pending else parts.ledger().clock.now_ms()
    return replace(request, max_wait_ms=latest_ms - first_ms)


def _too_late(job: Job, work: Work[T], pending: Mapping[str, Any] | None = None) -> Carried[T]:
    """The work without a model, since none could start it in time; what is booked for it goes back."""
    if pending and pending["booking"]:
        parts.ledger().cancel(Booking(**pending["booking"]))
    logger.warning("too late", extra={"event": "too_late", "job": job.job_id, "task": work.request.task})
    return Carried(work.extract(), "extractive", why="deadline")


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
    if job.options.get("without_models") == "fail" and not isinstance(error, BudgetSpentError):
        raise error
    tried = [f"{attempt.model}: {attempt.code}" for attempt in getattr(error, "attempts", ())]
    logger.warning("no model", extra={"event": "no_model", "job": job.job_id, "code": error.code, "attempts": tried})
    count("NoCapacity")
    return Carried(work.extract(), "extractive", why=error.code)


def _watcher(job: Job, request: ModelRequest) -> CallWatcher:
    decision_id = decision_id_of(request.subjects["request"], job.created_ms)
    return CallWatcher(job.owner, job.feature, decision_id, f"jobs/{job.job_id}/rejected/", job.job_id)
