"""A finished job for a person: the answer and its sources on standard output, the figures on standard error."""

from __future__ import annotations

import sys
from typing import Any

from cli.figures import counted, duration, money
from cli.progress import headline


def print_job(job: dict[str, Any], models: list[dict[str, Any]]) -> None:
    """Print whatever the job has: answer, sources, coverage, estimate, totals, or why it failed."""
    if job["status"] == "failed":
        error = job.get("error") or {"message": "no reason was recorded"}
        _say(f"Job {job['job_id']} failed: {error['message']}")
    elif job["status"] == "stopped":
        _say(f"Job {job['job_id']} was stopped.")
    if job.get("answer"):
        _print_answer(job["answer"])
        _print_sources(job.get("sources") or [])
    for line in _closing_lines(job, models):
        _say(line)


def _print_answer(answer: str) -> None:
    """Rendered on a terminal, as the Markdown it is elsewhere."""
    if not sys.stdout.isatty():
        print(answer.rstrip())
        return
    from rich.console import Console
    from rich.markdown import Markdown

    Console().print(Markdown(answer))


def _print_sources(sources: list[dict[str, Any]]) -> None:
    if sources:
        print("\nSources:")
        for source in sources:
            print(f"  [{source['number']}] {source['title']}")


def _closing_lines(job: dict[str, Any], models: list[dict[str, Any]]) -> list[str]:
    lines = []
    coverage = job.get("coverage")
    if coverage:
        lines.append(f"Read {coverage.get('sentence') or _coverage(coverage)}.")
    if job["status"] == "done" and "answer" not in job and job.get("estimate_usd") is not None:
        lines.append(_estimate(job))
    if job.get("answer") and job.get("model"):
        lines.append(_answered(job))
    totals = _totals(job)
    if totals:
        lines.append(totals)
    pretended = sorted(model["id"] for model in models if model["simulated"] and model["id"] in job["usage"]["models"])
    if pretended:
        lines.append(
            f"These models are simulated: {', '.join(pretended)}. They answer with sentences of your own documents; "
            "put a provider's key into the environment and run `rota up` for real ones."
        )
    return lines


def _answered(job: dict[str, Any]) -> str:
    """`Answered by nova-pro of tier 2, escalated from tier 1; good or bad? rota feedback j-… good|bad`."""
    tier = f" of tier {job['tier']}" if job.get("tier") else ""
    if job.get("escalated_from"):
        tier += f", escalated from tier {job['escalated_from']}, whose output was not good enough"
    elif job.get("fallback_used"):
        tier += ", after another model had failed"
    return f"Answered by {job['model']}{tier}. Was it good? rota feedback {job['job_id']} good|bad"


def _estimate(job: dict[str, Any]) -> str:
    batches = counted(job["progress"]["batches_total"], "batch")
    documents = counted(job["progress"]["documents_total"], "document")
    when = f", about {duration(job['eta_s'])}" if job.get("eta_s") else ""
    return f"It would take {batches} of {documents}{when}, and cost about {money(job['estimate_usd'])}."


def _coverage(coverage: dict[str, Any]) -> str:
    return f"{coverage['read']} of {coverage['documents']} documents"


def _totals(job: dict[str, Any]) -> str:
    """`12 calls of 4 models · 41,200 tokens in, 3,100 out · $0.0042 · 12 s · 3 s waited for quota · no refusal`."""
    usage = job["usage"]
    if not usage["calls"]:
        return "" if job["status"] == "done" else headline(job)
    parts = [
        f"{counted(usage['calls'], 'call')} of {counted(len(usage['models']), 'model')}",
        f"{usage['input_tokens']:,} tokens in, {usage['output_tokens']:,} out",
        money(usage["cost_usd"]),
    ]
    if job.get("finished_ms") and job.get("started_ms"):
        parts.append(duration((job["finished_ms"] - job["started_ms"]) / 1000))
    if usage["wait_ms"] >= 1000:
        parts.append(f"calls waited {duration(usage['wait_ms'] / 1000)} for quota in all")
    parts.append(counted(usage["refusals"], "refusal") if usage["refusals"] else "no refusal")
    return " · ".join(parts)


def _say(line: str) -> None:
    print(line, file=sys.stderr)
