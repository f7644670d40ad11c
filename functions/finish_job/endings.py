"""How the end of a job is told to FinishJob: by the workflow's last step, by a Catch, or by EventBridge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rota.errors import InvalidInputError, JobStoppedError, RotaError
from rota.schemas import StepError

STATUS_CHANGE = "Step Functions Execution Status Change"
TIMED_OUT = StepError(code=RotaError.code, message="the job took longer than a job may")
ABORTED = StepError(code=JobStoppedError.code, message="the job was stopped")
BROKEN = StepError(code=RotaError.code, message="a step failed for a technical reason; the job's log lines say which")


def ending_of(event: Mapping[str, Any]) -> tuple[str, StepError | None]:
    """The job's id, and why it failed (None when it did not). Raises InvalidInputError for any other event.

    What a Catch carries in `failure` may quote code and data, so only its name is judged.
    """
    if event.get("detail-type") == STATUS_CHANGE:
        detail = event["detail"]
        return detail["name"], {"TIMED_OUT": TIMED_OUT, "ABORTED": ABORTED}.get(detail["status"], BROKEN)
    job_id = event.get("job_id")
    if not isinstance(job_id, str):
        raise InvalidInputError("job_id", "is missing from the event")
    if "failure" in event:
        return job_id, TIMED_OUT if event["failure"].get("Error") == "States.Timeout" else BROKEN
    if event.get("status") == "failed":
        return job_id, StepError.model_validate(event["error"]) if event.get("error") else BROKEN
    return job_id, None
