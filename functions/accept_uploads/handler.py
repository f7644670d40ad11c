"""AcceptUploads: files have arrived in inboxes; see that each burst is read by one job."""

from __future__ import annotations

from functools import cache
from typing import Any

from functions import job_parts, parts
from rota.executions import Executions
from rota.inbox_events import Arrivals
from rota.observability import logger


@cache
def arrivals() -> Arrivals:
    """Takes messages for this stack's inboxes."""
    executions = Executions(job_parts.stepfunctions(), parts.settings().inbox_workflow_arn)
    return Arrivals(job_parts.inboxes(), executions)


@logger.inject_lambda_context(clear_state=True)
def handle(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Take a batch of the queue; answers which messages must come again."""
    failed = arrivals().accept(event["Records"], job_parts.now_ms())
    for message_id, error in failed.items():
        told = {"event": "upload_not_accepted", "message_id": message_id, "error": type(error).__name__}
        logger.error("upload not accepted", extra=told)
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}
