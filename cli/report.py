"""A finished job for a person: answer and sources, or the plan, on standard output, the figures on standard error.

An answer that is JSON stands alone on standard output, for a program to read it; its sources are on standard error.
"""

from __future__ import annotations

import sys
from typing import Any, TextIO

from cli.figures import amount, bar, counted, duration, money
from cli.progress import headline
from cli.table import table_lines

MOST_PASSED_OVER = 3
"""How many archives and prefixes are named of which files were left out."""


def print_job(job: dict[str, Any], models: list[dict[str, Any]]) -> None:
    """Print whatever the job has: answer, sources, coverage, estimate, totals, or why it failed."""
    if job["status"] == "failed":
        error = job.get("error") or {"message": "no reason was recorded"}
        _say(f"Job {job['job_id']} failed: {error['message']}")
    elif job["status"] == "stopped":
        _say(f"Job {job['job_id']} was stopped.")
    if job.get("answer"):
        is_json = "answer_json" in job
        _print_answer(job["answer"], rendered=sys.stdout.isatty() and not is_json)
        _print_sources(job.get("sources") or [], sys.stderr if is_json else sys.stdout)
    elif _is_plan(job):
        print("\n".join(plan_lines(job["plan"])))
    for line in _closing_lines(job, models):
        _say(line)


def _is_plan(job: dict[str, Any]) -> bool:
    """Whether the plan is all that was asked for."""
    return job["status"] == "done" and "answer" not in job and "steps" in (job.get("plan") or {}).get("estimate", {})


def _print_answer(answer: str, *, rendered: bool) -> None:
    """As the Markdown or JSON it is, or rendered for a terminal."""
    if not rendered:
        print(answer.rstrip())
        return
    from rich.console import Console
    from rich.markdown import Markdown

    Console().print(Markdown(answer))


def _print_sources(sources: list[dict[str, Any]], stream: TextIO) -> None:
    if not sources:
        return
    from rota.steps.places import shown

    print("\nSources:", file=stream)
    for source in sources:
        print(f"  [{source['number']}] {source['title']}", file=stream)
        for place in source.get("places", ()):
            print(f"        {printable(shown(place))}", file=stream)


def printable(text: str) -> str:
    """Without what would command a terminal: quotes are documents' text."""
    return "".join(character if character.isprintable() else " " for character in text)


def _closing_lines(job: dict[str, Any], models: list[dict[str, Any]]) -> list[str]:
    lines = []
    coverage = job.get("coverage")
    if coverage:
        lines.append(f"Read {coverage.get('sentence') or _coverage(coverage)}.")
        lines += _passed_over(coverage.get("passed_over", []))
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


def plan_lines(plan: dict[str, Any]) -> list[str]:
    """A dry run's plan at a glance: what it will take, which models carry how much of it, what was changed and why."""
    found = plan["estimate"]
    read = f"{counted(found['documents'], 'document')} in {counted(found['batches'], 'batch')}"
    if found.get("written"):
        read += f" ({found['written']:,} of them written already)"
    if plan.get("mode_planned") == "extractive":
        lines = [f"It would read {read} without models, in about {duration(found['eta_s'])}."]
    else:
        steps = " · ".join(f"{step['step']} {step['calls']:,}" for step in found["steps"])
        lines = [
            f"It would read {read}, about {duration(found['eta_s'])}, for {money(found['cost_usd'])}:",
            f"  {counted(found['calls'], 'call')} ({steps})",
            f"  {found['input_tokens']:,} tokens in, {found['output_tokens']:,} out, by estimate",
            *_mix_lines(found),
        ]
    if plan.get("read_in_part"):
        lines.append(f"  {plan['depth']}: {counted(len(plan['read_in_part']), 'document')} read in part")
    return lines + [f"Changed: it {each['said']}." for each in plan.get("adjusted", [])]


def _mix_lines(found: dict[str, Any]) -> list[str]:
    """One bar a model, by its share of the calls."""
    rows = [
        (
            name,
            bar(share["calls"] / max(1, found["calls"])),
            counted(share["calls"], "call"),
            f"{amount(share['tokens'])} tokens",
            money(share["cost_usd"]),
        )
        for name, share in found["models"].items()
    ]
    return list(table_lines(rows, "  ")) if rows else []


def _coverage(coverage: dict[str, Any]) -> str:
    return f"{coverage['read']} of {coverage['documents']} documents"


def _passed_over(sources: list[dict[str, Any]]) -> list[str]:
    """`Left out of repo.zip: 1,204 files (hidden, built or vendored).`"""
    lines = [
        f"Left out of {printable(one['title'])}: {counted(one['files'], 'file')} ({one['reason']})."
        for one in sources[:MOST_PASSED_OVER]
    ]
    more = len(sources) - len(lines)
    return [*lines, f"… and of {counted(more, 'further source')}."] if more else lines


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
