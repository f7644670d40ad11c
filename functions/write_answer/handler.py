"""WriteAnswer: the answer in Markdown with citations, written once, and a note on what it does not cover."""

from __future__ import annotations

from typing import Any

from functions import model_step, parts
from functions.model_step import Work
from rota.coverage import read_coverage
from rota.job_files import JobFiles
from rota.job_item import Job
from rota.job_requests import step_request
from rota.providers.base import ModelCall
from rota.records import Answer
from rota.schemas import StepEvent
from rota.steps import answer


def write_answer(step: StepEvent, context: Any) -> StepEvent:
    """Write the answer unless it is there."""
    job = model_step.open_job(step, "answering")
    files = JobFiles(parts.s3(), parts.settings().documents_bucket, job.job_id)
    if files.find_answer():
        return model_step.done(step)
    carried = model_step.carry_out(step, job, _work(job, files), context)
    if isinstance(carried, StepEvent):
        return carried
    written = Answer(**{**carried.value, **carried.facts})  # type: ignore[typeddict-item]
    if carried.finished is None and job.options.get("mode") != "extractive":
        written = answer.without_model(written)
    coverage = read_coverage(files, dry_run=False)
    if coverage is not None:
        written = answer.with_coverage(written, coverage.documents, coverage.failed)
    files.put_answer(written, answer.markdown(written))
    return model_step.done(step)


def _work(job: Job, files: JobFiles) -> Work[Answer]:
    config, outline = parts.catalog().steps.answer, files.plan()["outline"]
    documents = files.document_list()["documents"]
    room = config.max_input_tokens - answer.frame_tokens(job.query, outline, config.max_output_tokens)
    notes = answer.fitted(job.query, files.synthesis(), room)
    asked = answer.prompt(job.query, outline, notes, config.max_output_tokens)
    return Work(
        step_request(job, "answer", config, asked.tokens),
        ModelCall(asked.system, asked.prompt, config.max_output_tokens),
        lambda text: answer.check(text, notes, documents),
        lambda: answer.extractive(job.query, notes, documents, config.max_output_tokens),
    )


handle = model_step.as_step(write_answer)
