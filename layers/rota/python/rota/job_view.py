"""A job as the API shows it and as `result.json` keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rota.job_item import MODEL_COUNTERS, Job
from rota.money import usd

PROGRESS = (
    *("documents_total", "documents_failed"),
    *("batches_total", "batches_done", "batches_extracted", "batches_reused", "batches_failed", "batches_waiting"),
    *("groups_total", "groups_done"),
)
USAGE = ("calls", "input_tokens", "output_tokens", "wait_ms", "refusals", "fallbacks")
RESULTS = (
    "answer",
    "answer_json",
    "mode",
    "model",
    "tier",
    "decision",
    "escalated_from",
    "fallback_used",
    "repaired",
    "why",
    "sources",
    "coverage",
    "plan",
)
"""What only the end of a job adds."""


def brief_view(job: Job) -> dict[str, Any]:
    """A line of a listing."""
    return {
        "job_id": job.job_id,
        "status": job.status,
        "query": job.query,
        "origin": job.origin,
        "created_ms": job.created_ms,
        "started_ms": job.started_ms,
        "finished_ms": job.finished_ms,
        "links": links(job.job_id),
    }


def job_view(job: Job, result: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Status, progress, usage, cost and, from the job's result, its answer. Counters are the item's: they go on."""
    estimate = job.counters.get("estimate_nanousd")
    progress = {name: job.counters.get(name, 0) for name in PROGRESS}
    if job.is_finished:  # who waited when it was stopped or failed does not come back to take itself off the count
        progress["batches_waiting"] = 0
    view = {
        **brief_view(job),
        "stopped": job.stopped,
        "progress": progress,
        "usage": usage_view(job.counters),
        "eta_s": job.counters.get("eta_s"),
        "estimate_usd": None if estimate is None else usd(estimate),
    }
    if job.error_code:
        view["error"] = {"code": job.error_code, "message": job.error_message or ""}
    return view | {name: result[name] for name in RESULTS if result and name in result}


def usage_view(counters: Mapping[str, int]) -> dict[str, Any]:
    """Calls, tokens and cost of a job, in total and by model."""
    models: dict[str, dict[str, Any]] = {}
    for name, value in sorted(counters.items()):
        counter, colon, model = name.partition(":")
        if colon and counter in MODEL_COUNTERS:
            models.setdefault(model, dict.fromkeys(MODEL_COUNTERS, 0))[counter] = value
    for usage in models.values():
        usage["cost_usd"] = usd(usage.pop("cost_nanousd"))
    totals = {name: counters.get(name, 0) for name in USAGE}
    return {**totals, "cost_usd": usd(counters.get("cost_nanousd", 0)), "models": models}


def links(job_id: str) -> dict[str, str]:
    """Where a job is found in the API."""
    return {"self": f"/v1/jobs/{job_id}"}
