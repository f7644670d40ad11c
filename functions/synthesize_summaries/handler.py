"""SynthesizeSummaries: without a group it plans the next level or finishes; with one it merges that group's notes."""

from __future__ import annotations

from typing import Any

from functions import model_step, parts
from functions.model_step import Work
from rota import synthesis
from rota.depth import depth_of, sized, sized_catalog
from rota.errors import Status
from rota.job_files import JobFiles
from rota.job_item import Job
from rota.job_requests import step_request
from rota.providers.base import ModelCall
from rota.records import Notes
from rota.schemas import StepEvent
from rota.steps import synthesize


def synthesize_summaries(step: StepEvent, context: Any) -> StepEvent:
    """Plan a level, or merge one group once; a repeated invocation finds what was written."""
    job = model_step.open_job(step, "synthesizing")
    files = JobFiles(parts.s3(), parts.settings().documents_bucket, job.job_id)
    if step.group_id is None:
        return _plan_level(step, job, files)
    level = step.level or 1
    if files.find_group(level, step.group_id):
        return model_step.done(step)
    carried = model_step.carry_out(step, job, _work(job, files, level, step.group_id), context)
    if isinstance(carried, StepEvent):
        return carried
    if files.put_group(level, step.group_id, Notes(**{**carried.value, **carried.facts})):  # type: ignore[typeddict-item]
        parts.jobs().add(job.job_id, groups_done=1)
    return model_step.done(step)


def _plan_level(step: StepEvent, job: Job, files: JobFiles) -> StepEvent:
    planned = synthesis.next_level(files, job, step.level or 0, sized_catalog(parts.catalog(), depth_of(job.options)))
    parts.jobs().set_counts(job.job_id, **planned.counts)
    if planned.manifest_key is None:
        return model_step.done(step, manifest_key=None, level=None)
    return step.model_copy(
        update={"status": Status.REDUCE, "manifest_key": planned.manifest_key, "level": planned.level}
    )


def _work(job: Job, files: JobFiles, level: int, group_id: str) -> Work[Notes]:
    config = sized(parts.catalog().steps.synthesize, "synthesize", depth_of(job.options))
    texts = files.group_texts(level, group_id)
    asked = synthesize.prompt(job.query, files.plan()["focus"], texts, config.max_output_tokens)
    unit = f"{level}:{group_id}"
    return Work(
        step_request(job, "synthesize", config, asked.tokens, unit, rotation=int(group_id[1:]) - 1),
        ModelCall(asked.system, asked.prompt, config.max_output_tokens),
        lambda text: synthesize.check(text, texts),
        lambda: synthesize.extractive(job.query, texts, config.max_output_tokens),
        reusable=True,
    )


handle = model_step.as_step(synthesize_summaries)
