"""FinishJob: totals, coverage, the answer in its place, and word that the job has ended, however it ended."""

from __future__ import annotations

from typing import Any

from functions import job_parts
from functions.finish_job.endings import ending_of
from rota.errors import RotaError, Status
from rota.observability import count, logger
from rota.schemas import StepError, StepEvent


@logger.inject_lambda_context(clear_state=True)
def handle(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Take the last step's event; answer `done`, or `failed` with the error. Harmless twice."""
    job_id, error = ending_of(event)
    finished = job_parts.finisher().finish(job_id, error, job_parts.now_ms())
    job = finished.job
    if finished.first:
        count("JobsFinished")
        if job.status == "failed":
            count("JobsFailed")
    told = {"event": "job_finished", "job": job_id, "status": job.status, "code": job.error_code}
    logger.info("job finished", extra=told)
    if job.status == "done":
        return StepEvent(job_id=job_id, status=Status.DONE).model_dump(mode="json", exclude_none=True)
    why = StepError(code=job.error_code or RotaError.code, message=job.error_message or "")
    return StepEvent(job_id=job_id, status=Status.FAILED, error=why).model_dump(mode="json", exclude_none=True)
