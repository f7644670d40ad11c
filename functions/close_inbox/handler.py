"""CloseInbox: wait until an inbox is quiet, then start the one job that reads it."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any

from functions import job_parts
from rota.errors import RotaError, Status
from rota.inbox_closing import InboxCloser
from rota.observability import count, logger


@cache
def closer() -> InboxCloser:
    """Closes this stack's inboxes."""
    return InboxCloser(job_parts.inboxes(), job_parts.bucket(), job_parts.submissions())


@logger.inject_lambda_context(clear_state=True)
def handle(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Take `inbox` and `generation`; answer them with status wait (and until), done (and job_id) or failed."""
    state = {"inbox": event["inbox"], "generation": event["generation"]}
    try:
        closing = closer().close(state["inbox"], state["generation"], job_parts.now_ms())
    except RotaError as error:
        logger.error("inbox not closed", extra={"event": "inbox_not_closed", **state, "code": error.code})
        return {**state, "status": Status.FAILED, "error": {"code": error.code, "message": str(error)}}
    if closing.until_ms is not None:
        until = datetime.fromtimestamp(closing.until_ms / 1000, UTC).isoformat(timespec="milliseconds")
        return {**state, "status": Status.WAIT, "until": until.replace("+00:00", "Z")}
    if closing.job is not None and closing.job.created:
        count("JobsStarted")
    logger.info("inbox closed", extra={"event": "inbox_closed", **state, "job": closing.job and closing.job.job_id})
    return {**state, "status": Status.DONE, **({"job_id": closing.job.job_id} if closing.job else {})}
