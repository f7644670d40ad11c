"""The end of an inbox's generation: wait until it is quiet, close it once, start its job.

The job's id is written by the very write that closes the generation, so a crash after it is healed by looking again.
"""

from __future__ import annotations

from dataclasses import dataclass

from rota.inbox import OWNER, QUIET_MS, InboxStore
from rota.inbox_files import InboxFiles, read_inbox
from rota.job_item import new_job_id
from rota.schemas import JobOptions
from rota.storage import Bucket
from rota.submission import Draft, Submissions, Submitted


@dataclass(frozen=True, slots=True)
class Closing:
    """Look again at `until_ms`; when that is None, the generation is closed, and `job` is what it became, if any."""

    until_ms: int | None = None
    job: Submitted | None = None


class InboxCloser:
    """Closes generations and starts their jobs."""

    def __init__(self, inboxes: InboxStore, bucket: Bucket, submissions: Submissions) -> None:
        self._inboxes, self._bucket, self._submissions = inboxes, bucket, submissions

    def close(self, name: str, generation: int, now_ms: int) -> Closing:
        """One look at a generation; harmless to repeat at any time."""
        inbox = self._inboxes.read(name)
        if inbox.generation != generation:
            return self._heal(name, inbox.job_id, now_ms)
        if not inbox.files:
            return Closing()
        if now_ms < inbox.quiet_at_ms():
            return Closing(until_ms=inbox.quiet_at_ms())
        files = read_inbox(self._bucket, name)
        job_id = new_job_id() if files.keys and files.digest != inbox.digest else ""
        if not self._inboxes.close(name, inbox, job_id, files.digest):
            return Closing(until_ms=now_ms + QUIET_MS)
        return Closing(job=self._start(job_id, name, files, now_ms) if job_id else None)

    def _heal(self, name: str, job_id: str, now_ms: int) -> Closing:
        """Whoever closed this generation may have crashed before its job was started: starting again is free."""
        if not job_id:
            return Closing()
        return Closing(job=self._start(job_id, name, read_inbox(self._bucket, name), now_ms))

    def _start(self, job_id: str, name: str, files: InboxFiles, now_ms: int) -> Submitted:
        request = {
            "query": files.question,
            "sources": [{"type": "inbox", "name": name, "keys": files.keys}],
            "options": JobOptions(max_documents=max(1000, len(files.keys))).model_dump(),
        }
        return self._submissions.start(job_id, Draft(OWNER, f"inbox:{name}", request), now_ms)
