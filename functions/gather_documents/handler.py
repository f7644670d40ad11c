"""GatherDocuments: the sources of a job, and what its searches find, become numbered documents in S3."""

from __future__ import annotations

import time
from typing import Any

from functions import parts
from functions.model_step import as_step, done
from rota.documents.gather import check_readable, gather
from rota.documents.search.find import find
from rota.documents.sources.fetch import Fetcher
from rota.errors import Status
from rota.job_files import JobFiles
from rota.observability import logger
from rota.schemas import StepEvent

LAST_FILE_MS = 120_000
"""What is kept for the file that is being fetched and read when time runs short, with what is attached to it, and for
laying the rest down."""


@as_step
def handle(step: StepEvent, context: Any) -> StepEvent:
    """Gather the job's documents, over several invocations if need be; fails when there are none that can be read."""
    jobs = parts.jobs()
    jobs.start_step(step.job_id, "gathering", time.time_ns() // 1_000_000)
    files = JobFiles(parts.s3(), parts.settings().documents_bucket, step.job_id)
    hosts = [host.strip().lower() for host in parts.settings().private_hosts.split(",") if host.strip()]
    fetcher = Fetcher(files.bucket, private_hosts=hosts)
    if step.search and files.find_found() is None:
        find(files, fetcher, parts.search_provider())
    gathered = gather(files, fetcher, lambda: context.get_remaining_time_in_millis() > LAST_FILE_MS)
    if gathered is None:
        return step.model_copy(update={"status": Status.AGAIN})
    read = len(gathered["documents"])
    failed = len(gathered["failed"]) + gathered.get("left_out", 0)
    jobs.set_counts(step.job_id, documents_total=read + failed, documents_failed=failed)
    logger.info("gathered", extra={"event": "gathered", "job": step.job_id, "read": read, "failed": failed})
    check_readable(gathered)
    return done(step)
