"""PlanJob: how the job keeps its limits, what to look for, which batches. One small call; none for a dry run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from functions import model_step, parts
from functions.model_step import Work
from functions.plan_job.prospect import Prospect, prospect_of
from rota.batches import write_batches
from rota.job_files import JobFiles
from rota.job_options import as_asked
from rota.job_requests import step_request
from rota.providers.base import ModelCall
from rota.records import Plan
from rota.schemas import StepEvent
from rota.steps import plan


def plan_job(step: StepEvent, context: Any) -> StepEvent:
    """Plan once: a repeated invocation finds what the first one has done, and spends nothing."""
    job = model_step.open_job(step, "planning")
    files = JobFiles(parts.s3(), parts.settings().documents_bucket, job.job_id)
    dry_run, before = bool(job.options.get("dry_run")), files.find_plan()
    if before and "estimate" in before:
        return model_step.done(step, manifest_key=files.manifest_key, dry_run=dry_run)
    prospect = prospect_of(replace(job, options=as_asked(job.options)), files)
    known = before or (prospect.made if step.pending is None else None)  # what waits for its call has booked it
    asked = prospect.as_asked(known) if known else None
    prospect, loads = asked or (prospect, None)
    if prospect.chosen.refused:
        raise prospect.chosen.refused
    prospect.keep(job.options)
    made = known or _plan(step, prospect, context)
    if isinstance(made, StepEvent):
        return made
    files.put_plan(made)  # paid for: an invocation that is repeated from here on goes on with it
    readers = prospect.readers(made["focus"])
    loads = loads or write_batches(prospect.reading(), readers, prospect.is_written(made, readers))
    if not dry_run:
        prospect.keep_plan(made, readers)
    estimate = prospect.estimate(loads, made)
    prospect.keep(prospect.job.options, estimate)
    parts.jobs().set_counts(job.job_id, batches_total=estimate.batches, **prospect.counts(estimate))
    files.put_plan({**made, **prospect.facts(estimate)})
    return model_step.done(step, manifest_key=files.manifest_key, dry_run=dry_run)


def _plan(step: StepEvent, prospect: Prospect, context: Any) -> Mapping[str, Any] | StepEvent:
    """What to look for, with its facts: as a model says, by default for a dry run."""
    if prospect.job.options.get("dry_run"):
        return {**plan.default_plan(), "mode": "extractive", "defaulted": True}
    carried = model_step.carry_out(step, prospect.job, _work(prospect), context)
    if isinstance(carried, StepEvent):
        return carried
    return {**carried.value, **carried.facts, "defaulted": carried.mode == "extractive"}


def _work(prospect: Prospect) -> Work[Plan]:
    config = parts.catalog().steps.plan
    asked = plan.prompt(prospect.job.query, prospect.documents)
    request = step_request(prospect.job, "plan", config, prospect.plan_tokens)
    call = ModelCall(asked.system, asked.prompt, config.max_output_tokens, json_schema=plan.SCHEMA)
    return Work(request, call, plan.parse, plan.default_plan, reusable=True)


handle = model_step.as_step(plan_job)
