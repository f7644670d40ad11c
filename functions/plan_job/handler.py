"""PlanJob: what to look for, which batches, and what it will take. Spends one small call; none for a dry run."""

from __future__ import annotations

from typing import Any

from functions import model_step, parts
from functions.model_step import Carried, Work
from rota.batches import write_batches
from rota.documents.tokens import estimate_tokens
from rota.job_files import JobFiles
from rota.job_item import Job
from rota.job_requests import step_request
from rota.providers.base import ModelCall
from rota.providers.structured_output import schema_instruction
from rota.records import Plan
from rota.schemas import StepEvent
from rota.steps import plan


def plan_job(step: StepEvent, context: Any) -> StepEvent:
    """Plan once: a repeated invocation finds the manifest and spends nothing."""
    job = model_step.open_job(step, "planning")
    files = JobFiles(parts.s3(), parts.settings().documents_bucket, job.job_id)
    dry_run = bool(job.options.get("dry_run"))
    carried = Carried(plan.default_plan(), "extractive") if dry_run else _ask(step, job, files, context)
    if isinstance(carried, StepEvent):
        return carried
    now_ms = parts.ledger().clock.now_ms()
    batches = write_batches(files, job, carried.value, parts.catalog(), parts.ledger(), now_ms)
    facts = {**carried.facts, "defaulted": carried.finished is None, "estimate": batches.estimate}
    files.put_plan({**carried.value, **facts})
    parts.jobs().set_counts(job.job_id, **batches.counts)
    return model_step.done(step, manifest_key=batches.manifest_key, dry_run=dry_run)


def _ask(step: StepEvent, job: Job, files: JobFiles, context: Any) -> Carried[Plan] | StepEvent:
    config = parts.catalog().steps.plan
    asked = plan.prompt(job.query, files.document_list()["documents"])
    tokens = asked.tokens + estimate_tokens(schema_instruction(plan.SCHEMA))
    request = step_request(job, "plan", config, tokens)
    call = ModelCall(asked.system, asked.prompt, config.max_output_tokens, json_schema=plan.SCHEMA)
    return model_step.carry_out(step, job, Work(request, call, plan.parse, plan.default_plan), context)


handle = model_step.as_step(plan_job)
