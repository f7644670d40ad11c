"""A job as a value, and its item in the jobs table: counters are attributes of their own, because `ADD` needs that."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from rota.attributes import Plain
from rota.errors import ConflictError, JobStoppedError, NotFoundError
from rota.schemas import UserTier

STEPS = ("queued", "searching", "gathering", "planning", "summarizing", "synthesizing", "answering")
FINISHED = ("done", "failed", "stopped")
KEPT_S = 30 * 86_400
"""How long a job's item is kept, in seconds."""
JOB_ID = re.compile(r"j-[0-9a-f]{16}")

COUNTERS = frozenset(
    (
        *("documents_total", "documents_failed"),
        *("batches_total", "batches_done", "batches_extracted", "batches_reused", "batches_failed", "batches_waiting"),
        *("groups_total", "groups_done"),
        *("calls", "input_tokens", "output_tokens", "cost_nanousd", "wait_ms", "refusals", "fallbacks"),
        *("eta_s", "estimate_nanousd"),
    )
)
MODEL_COUNTERS = ("calls", "tokens", "cost_nanousd", "refusals")


def new_job_id() -> str:
    """An id that nobody can guess: `j-` and 16 hexadecimal digits."""
    return f"j-{secrets.token_hex(8)}"


@dataclass(frozen=True, slots=True)
class NewJob:
    """What is known of a job when it is created. `origin` is `api` or `inbox:<name>`, times are epoch milliseconds.

    `user_tier` and `budget_usd` (a month) are those of its owner's key.
    """

    job_id: str
    owner: str
    origin: str
    query: str
    options: Mapping[str, Any]
    created_ms: int
    user_tier: UserTier = "free"
    budget_usd: float | None = None

    def item(self) -> dict[str, Plain]:
        """The item of a queued job."""
        return {
            "job_id": self.job_id,
            "owner": self.owner,
            "origin": self.origin,
            "status": "queued",
            "query": self.query,
            "options": json.dumps(dict(self.options)),
            "user_tier": self.user_tier,
            "budget_usd": json.dumps(self.budget_usd),
            "stopped": False,
            "created_ms": self.created_ms,
            "expires_s": self.created_ms // 1000 + KEPT_S,
        }


@dataclass(frozen=True, slots=True)
class Job:
    """A job's item as it was read. `counters` has every counter ever written, those per model as `calls:<model>`.

    A job from a listing (`JobStore.list`) has neither options nor counters.
    """

    job_id: str
    owner: str
    origin: str
    status: str
    query: str
    created_ms: int
    started_ms: int | None = None
    finished_ms: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    stopped: bool = False
    error_code: str | None = None
    error_message: str | None = None
    announced: bool = False
    user_tier: UserTier = "free"
    budget_usd: float | None = None
    counters: Mapping[str, int] = field(default_factory=dict)

    @property
    def feature(self) -> str:
        """Whom its costs are put down to: the feature it names, else `api` or `inbox`."""
        return str(self.options.get("feature") or self.origin.partition(":")[0])

    @property
    def is_finished(self) -> bool:
        """Whether the job is done, failed or stopped, once and for all."""
        return self.status in FINISHED

    @property
    def inbox(self) -> str | None:
        """The inbox whose files made this job, or None."""
        return self.origin.removeprefix("inbox:") if self.origin.startswith("inbox:") else None


def job_of(item: Mapping[str, Any]) -> Job:
    """A job from its item as plain values."""
    return Job(
        job_id=item["job_id"],
        owner=item["owner"],
        origin=item.get("origin", "api"),
        status=item["status"],
        query=item.get("query", ""),
        created_ms=item["created_ms"],
        started_ms=item.get("started_ms"),
        finished_ms=item.get("finished_ms"),
        options=json.loads(item.get("options", "{}")),
        stopped=item.get("stopped", False),
        error_code=item.get("error_code"),
        error_message=item.get("error_message"),
        announced=item.get("announced", False),
        user_tier=item.get("user_tier", "free"),
        budget_usd=json.loads(item.get("budget_usd", "null")),
        counters={name: value for name, value in item.items() if name in COUNTERS or ":" in name},
    )


def model_counters(model: str, **counters: int) -> dict[str, int]:
    """Counters of one model for `JobStore.add`: `model_counters("nova-micro", calls=1, tokens=3100)`."""
    check_counters(counters, MODEL_COUNTERS)
    return {f"{name}:{model}": by for name, by in counters.items()}


def check_counters(counters: Mapping[str, int], known: Collection[str] = COUNTERS) -> None:
    """Raise ValueError for a misspelt counter: it would become an attribute that nobody reads."""
    unknown = sorted(set(counters) - set(known))
    if unknown:
        raise ValueError(f"no such counters: {', '.join(unknown)}")


def check_open(job_id: str, item: Mapping[str, Any]) -> None:
    """Raise what keeps a job from going on: NotFoundError, ConflictError when it is finished, JobStoppedError."""
    if "status" not in item:
        raise NotFoundError(f"there is no job {job_id}")
    if item["status"] in ("done", "failed"):
        raise ConflictError(f"job {job_id} is already {item['status']}")
    if item["stopped"] or item["status"] == "stopped":
        raise JobStoppedError(f"job {job_id} was stopped")
