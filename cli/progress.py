"""A running job in words and shares: what both views draw."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from cli.figures import amount, counted, duration, money

FINDING_CHARACTERS = 160


def headline(job: dict[str, Any]) -> str:
    """`summarizing · 7 of 12 batches, 2 waiting · 9 calls · $0.0021 · about 20 s left`."""
    progress, usage = job["progress"], job["usage"]
    parts = [job["status"]]
    if progress["documents_total"]:
        parts.append(counted(progress["documents_total"], "document"))
    if progress["batches_total"]:
        parts.append(_batches(progress))
    if progress.get("groups_total") and job["status"] == "synthesizing":
        parts.append(f"{progress['groups_done']} of {counted(progress['groups_total'], 'group')} of notes merged")
    if usage["calls"]:
        parts += [counted(usage["calls"], "call"), money(usage["cost_usd"])]
    if usage["refusals"]:
        parts.append(counted(usage["refusals"], "refusal"))
    left = remaining_s(job)
    if left:
        parts.append(f"about {duration(left)} left")
    return " · ".join(parts)


def finding(one: dict[str, Any]) -> str:
    """`The rent is 900 euros. (lease.md)`, on one line."""
    text = " ".join(one["statement"].split())
    short = text if len(text) <= FINDING_CHARACTERS else f"{text[: FINDING_CHARACTERS - 1]}…"
    return f"{short} ({', '.join(document['title'] for document in one['documents'])})"


def _batches(progress: dict[str, int]) -> str:
    text = f"{progress['batches_done']} of {counted(progress['batches_total'], 'batch')}"
    if progress["batches_waiting"] > 0:
        text += f", {progress['batches_waiting']} waiting for quota"
    if progress["batches_failed"]:
        text += f", {progress['batches_failed']} failed"
    return text


def share_done(job: dict[str, Any]) -> float:
    """0 to 1, by batches; the steps around them have no measure of their own."""
    if job["status"] == "done":
        return 1.0
    progress = job["progress"]
    finished = progress["batches_done"] + progress["batches_failed"]
    return min(1.0, finished / progress["batches_total"]) if progress["batches_total"] else 0.0


def remaining_s(job: dict[str, Any]) -> float | None:
    """Seconds left of the planner's estimate, None when it made none or it has passed."""
    if job["status"] in ("done", "failed", "stopped") or not job.get("eta_s") or not job.get("started_ms"):
        return None
    left: float = job["eta_s"] - (time.time() - job["started_ms"] / 1000)
    return left if left > 0 else None


@dataclass(frozen=True, slots=True)
class Meter:
    """One model's line: how much of its tightest quota is booked (0 to 1), and what it did for this job."""

    model: str
    share: float
    quota: str
    note: str


def meters(job: dict[str, Any], models: list[dict[str, Any]], now_ms: float) -> list[Meter]:
    """One meter per model of the pool."""
    return [_meter(model, job["usage"]["models"].get(model["id"], {}), now_ms) for model in models]


def _meter(model: dict[str, Any], used: dict[str, Any], now_ms: float) -> Meter:
    tightest = max(model["limits"], key=lambda limit: limit["used_share"])
    notes = [counted(used.get("calls", 0), "call")]
    if used.get("refusals"):
        notes.append(counted(used["refusals"], "refusal"))
    blocked, start = model.get("blocked_until_ms"), model.get("next_start_ms")
    if blocked and blocked > now_ms:
        notes.append(f"resting for {duration((blocked - now_ms) / 1000)}")
    elif start and start - now_ms > 1500:
        notes.append(f"next start in {duration((start - now_ms) / 1000)}")
    if model.get("simulated"):
        notes.append("simulated")
    return Meter(
        model=model["id"],
        share=min(1.0, max(0.0, tightest["used_share"])),
        quota=f"{amount(tightest['booked'])} of {amount(tightest['amount'])} {tightest['kind']}",
        note=" · ".join(notes),
    )
