"""The end of a job, reached once: totals and answer laid down, the status set, the end made known.

    write the files ──► set the status, if nobody did ──► announce ──► note that it is announced

Whoever sees a finished status finds the result. Who loses the race for the status writes the winner's files, so item
and files agree; a crash anywhere is healed by finishing again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from rota.coverage import read_coverage
from rota.errors import JobStoppedError, RotaError
from rota.job_files import JobFiles
from rota.job_item import Job
from rota.job_view import job_view
from rota.jobs import JobStore
from rota.schemas import StepError
from rota.storage import Bucket, answer_prefix

SOURCE = "rota"
DETAIL_TYPE = "Job finished"
OF_THE_ANSWER = ("model", "tier", "decision", "escalated_from", "repaired", "why")
STOPPED = StepError(code=JobStoppedError.code, message="the job was stopped")
NO_ANSWER = StepError(code=RotaError.code, message="the workflow ended without an answer")


class EventBus(Protocol):
    """The one call of EventBridge's client that is made here."""

    def put_events(self, *, Entries: Sequence[Any]) -> Any:  # noqa: N803 - the vendor's spelling
        """Returns how many entries failed as `FailedEntryCount`."""
        ...


@dataclass(frozen=True, slots=True)
class Finished:
    """The job as it ended; `first` says that this very call ended it."""

    job: Job
    first: bool


class Finisher:
    """Ends jobs."""

    def __init__(self, jobs: JobStore, bucket: Bucket, events: EventBus) -> None:
        self._jobs, self._bucket, self._events = jobs, bucket, events

    def finish(self, job_id: str, error: StepError | None, now_ms: int) -> Finished:
        """End a job, done when `error` is None; harmless twice. Raises NotFoundError when there is no such job."""
        job, first = self._jobs.get(job_id), False
        files = JobFiles(self._bucket.s3, self._bucket.name, job_id)
        if not job.is_finished:
            ended = _ended(job, files, error, now_ms)
            self._write(ended, files)
            first = self._jobs.finish(job_id, ended.status, _error_of(ended), now_ms)
            job = ended if first else self._jobs.get(job_id)
        if not first and _status_in(files) != job.status:
            self._write(job, files)
        if not job.announced:
            self._announce(job, files)
            self._jobs.mark_announced(job_id)
        return Finished(job, first)

    def _write(self, job: Job, files: JobFiles) -> None:
        """`result.json`, and for an inbox the answer beside it."""
        result = _result(job, files)
        files.put_result(result)
        if job.inbox is None:
            return
        answer = files.find_answer()
        if job.status == "done" and answer is not None:
            about = {"job_id": job.job_id, "question": job.query, "coverage": result.get("coverage")}
            files.put_inbox_answer(job.inbox, {**about, **answer}, files.answer_markdown())
        else:  # the last good answer stays in its place
            page = f"# No answer\n\n{job.query}\n\nThe job {job.status}: {job.error_message}\n"
            self._bucket.write_text(f"{answer_prefix(job.inbox)}{job.job_id}.md", page)

    def _announce(self, job: Job, files: JobFiles) -> None:
        """Tell EventBridge: ids, status, totals; never a document's or the answer's text."""
        result = files.find_result() or {}
        detail = {
            "job_id": job.job_id,
            "owner": job.owner,
            "origin": job.origin,
            "status": job.status,
            "finished_ms": job.finished_ms,
            "error": result.get("error"),
            "usage": result.get("usage"),
        }
        entry = {"Source": SOURCE, "DetailType": DETAIL_TYPE, "Detail": json.dumps(detail)}
        if self._events.put_events(Entries=[entry])["FailedEntryCount"]:
            raise RotaError(f"EventBridge did not take the end of {job.job_id}")


def _ended(job: Job, files: JobFiles, error: StepError | None, now_ms: int) -> Job:
    """The job as it is to end. Who asked for a stop is told so, even if the last step was quicker."""
    if job.stopped or (error is not None and error.code == STOPPED.code):
        error = STOPPED
    elif error is None and not _is_dry_run(job) and files.find_answer() is None:
        error = NO_ANSWER
    status = "done" if error is None else "stopped" if error is STOPPED else "failed"
    told = (None, None) if error is None else (error.code, error.message)
    return replace(job, status=status, finished_ms=now_ms, error_code=told[0], error_message=told[1])


def _result(job: Job, files: JobFiles) -> dict[str, Any]:
    """Everything that is shown of a finished job."""
    result: dict[str, Any] = {"duration_ms": (job.finished_ms or 0) - job.created_ms}
    coverage = read_coverage(files, job)
    if coverage is not None:
        result["coverage"] = coverage.as_dict()
    answer: Mapping[str, Any] | None = files.find_answer() if job.status == "done" else None
    if answer is not None:
        result |= {"answer": answer["text"], "sources": answer["sources"]}
        result |= {"mode": answer.get("mode", "models"), "fallback_used": answer.get("fallback_used", False)}
        result |= {name: answer[name] for name in OF_THE_ANSWER if name in answer}
        result |= {"answer_json": answer["json"]} if "json" in answer else {}
    plan = files.find_plan() if job.status == "done" else None
    if plan is not None:
        result["plan"] = plan
    return {**job_view(job, result), **result}


def _is_dry_run(job: Job) -> bool:
    return bool(job.options.get("dry_run"))


def _error_of(job: Job) -> StepError | None:
    return StepError(code=job.error_code, message=job.error_message or "") if job.error_code else None


def _status_in(files: JobFiles) -> str | None:
    result: Mapping[str, Any] | None = files.find_result()
    return None if result is None else result["status"]
