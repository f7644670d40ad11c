"""From a validated request to a running job. Every step may be repeated, so a crash in between heals by asking again.

claim the key ──► create the item ──► write request.json ──► start the execution, named like the job
a repetition    finds the key         finds the item           writes the same   finds the execution
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rota.errors import RotaError
from rota.executions import Executions
from rota.job_files import JobFiles
from rota.job_item import NewJob, new_job_id
from rota.jobs import JobStore
from rota.once import OnceKey, OnceStore
from rota.schemas import StepError, UserTier
from rota.storage import Bucket


@dataclass(frozen=True, slots=True)
class Draft:
    """A job that is asked for. `request` is a JobRequest as JSON: query, sources, options.

    `user_tier` and `budget_usd` (a month) are those of the owner's key.
    """

    owner: str
    origin: str
    request: Mapping[str, Any]
    user_tier: UserTier = "free"
    budget_usd: float | None = None


@dataclass(frozen=True, slots=True)
class Submitted:
    """A job, its status, and whether this very call created it."""

    job_id: str
    status: str
    created: bool


class Submissions:
    """Starts jobs."""

    def __init__(self, jobs: JobStore, once: OnceStore, executions: Executions, bucket: Bucket) -> None:
        self._jobs, self._once, self._executions, self._bucket = jobs, once, executions, bucket

    def submit(self, draft: Draft, key: OnceKey | None, now_ms: int) -> Submitted:
        """Start a job, or find the one that the same request started under `key`. Raises ConflictError."""
        if key:
            return self.start(self._once.claim(key, draft.request, new_job_id(), now_ms), draft, now_ms)
        job_id = new_job_id()
        try:
            return self.start(job_id, draft, now_ms)
        except Exception:  # nobody can ask for this job again, so it must not look queued for ever
            self._jobs.finish(job_id, "failed", StepError(code=RotaError.code, message="could not be started"), now_ms)
            raise

    def start(self, job_id: str, draft: Draft, now_ms: int) -> Submitted:
        """Start the job of that id unless it is under way already."""
        request = draft.request
        job = NewJob(
            job_id,
            draft.owner,
            draft.origin,
            request["query"],
            request["options"],
            now_ms,
            draft.user_tier,
            draft.budget_usd,
        )
        created = self._jobs.create(job)
        status = "queued" if created else self._jobs.get(job_id).status
        if status != "queued":
            return Submitted(job_id, status, created)
        files = JobFiles(self._bucket.s3, self._bucket.name, job_id)
        files.put_request({**request, "owner": draft.owner, "origin": draft.origin})
        searches = any(source.get("type") == "search" for source in request["sources"])
        self._executions.start(job_id, {"job_id": job_id, "search": searches})
        return Submitted(job_id, status, created)
