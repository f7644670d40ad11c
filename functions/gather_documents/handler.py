"""GatherDocuments: the sources of a job become numbered documents in S3."""

from __future__ import annotations

import time
from typing import Any

from functions import parts
from functions.model_step import as_step, done
from rota.documents.gather import check_readable, gather
from rota.job_files import JobFiles
from rota.observability import logger
from rota.schemas import StepEvent


@as_step
def handle(step: StepEvent, _context: Any) -> StepEvent:
    """Gather the job's documents; fails when there are none or none can be read."""
    jobs = parts.jobs()
    jobs.start_step(step.job_id, "gathering", time.time_ns() // 1_000_000)
    gathered = gather(JobFiles(parts.s3(), parts.settings().documents_bucket, step.job_id))
    read, failed = len(gathered["documents"]), len(gathered["failed"])
    jobs.set_counts(step.job_id, documents_total=read + failed, documents_failed=failed)
    logger.info("gathered", extra={"event": "gathered", "job": step.job_id, "read": read, "failed": failed})
    check_readable(gathered)
    return done(step)
