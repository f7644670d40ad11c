"""PlanSearch: what to look for and which words to search with, for a job that has to find its documents first."""

from __future__ import annotations

from typing import Any

from functions import model_step, parts
from functions.model_step import Carried, Work
from rota.documents.tokens import estimate_tokens
from rota.job_files import JobFiles
from rota.job_item import Job
from rota.job_requests import step_request
from rota.providers.base import ModelCall
from rota.providers.structured_output import schema_instruction
from rota.records import Plan
from rota.schemas import StepEvent
from rota.steps import plan


def plan_search(step: StepEvent, context: Any) -> StepEvent:
    """Plan once; PlanJob takes the plan over. A dry run searches with the words of the question."""
    job = model_step.open_job(step, "searching")
    files = JobFiles(parts.s3(), parts.settings().documents_bucket, job.job_id)
    if files.find_search_plan():
        return model_step.done(step)
    work = _work(job)
    carried = Carried(work.extract(), "extractive") if job.options.get("dry_run") else None
    found = carried or model_step.carry_out(step, job, work, context)
    if isinstance(found, StepEvent):
        return found
    files.put_search_plan({**found.value, **found.facts, "defaulted": found.mode == "extractive"})
    return model_step.done(step)


def _work(job: Job) -> Work[Plan]:
    config = parts.catalog().steps.plan
    asked, schema = plan.prompt(job.query, [], search=True), plan.SEARCH_SCHEMA
    tokens = asked.tokens + estimate_tokens(schema_instruction(schema))
    return Work(
        step_request(job, "plan", config, tokens, "search"),
        ModelCall(asked.system, asked.prompt, config.max_output_tokens, json_schema=schema),
        plan.parse,
        lambda: plan.default_plan(job.query),
        reusable=True,
    )


handle = model_step.as_step(plan_search)
