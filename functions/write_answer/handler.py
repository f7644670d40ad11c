"""WriteAnswer: the answer, written once: Markdown with citations, or JSON by the schema that the job came with."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from functions import model_step, parts
from functions.model_step import Work
from rota.catalog import Step
from rota.coverage import read_coverage
from rota.depth import depth_of, sized
from rota.job_files import JobFiles
from rota.job_item import Job
from rota.job_requests import step_request
from rota.planning.notes import plan_notes
from rota.providers.base import ModelCall
from rota.records import Answer
from rota.schemas import StepEvent
from rota.steps import answer, answer_json, places
from rota.steps.conformity import Conformity
from rota.synthesis import answer_room


def write_answer(step: StepEvent, context: Any) -> StepEvent:
    """Write the answer unless it is there."""
    job = model_step.open_job(step, "answering")
    files = JobFiles(parts.s3(), parts.settings().documents_bucket, job.job_id)
    if files.find_answer():
        return model_step.done(step)
    if job.options.get("answer_schema") is not None:
        return _fill_schema(step, job, files, context)
    carried = model_step.carry_out(step, job, _work(job, files), context)
    if isinstance(carried, StepEvent):
        return carried
    written = _placed(Answer(**{**carried.value, **carried.facts}), files, context)  # type: ignore[typeddict-item]
    if carried.finished is None and job.options.get("mode") != "extractive":
        written = answer.without_model(written, carried.why)
    coverage = read_coverage(files, dry_run=False)
    if coverage is not None:
        written = answer.with_coverage(written, coverage.read, coverage.documents, coverage.failed)
    written = answer.with_remarks(written, plan_notes(files.plan(), job.counters))
    files.put_answer(written, answer.markdown(written, coverage.sentence() if coverage and not coverage.failed else ""))
    return model_step.done(step)


def _work(job: Job, files: JobFiles) -> Work[Answer]:
    config, outline = _config(job), files.plan()["outline"]
    documents = files.document_list()["documents"]
    frame = answer.frame_tokens(job.query, outline, config.max_output_tokens)
    room = answer_room(job, config, parts.catalog(), frame)
    notes = answer.fitted(job.query, files.synthesis(), room)
    asked = answer.prompt(job.query, outline, notes, config.max_output_tokens)
    return Work(
        step_request(job, "answer", config, asked.tokens),
        ModelCall(asked.system, asked.prompt, config.max_output_tokens),
        lambda text: answer.check(text, notes, documents),
        lambda: answer.extractive(job.query, notes, documents, config.max_output_tokens),
    )


def _fill_schema(step: StepEvent, job: Job, files: JobFiles, context: Any) -> StepEvent:
    """The same as JSON. What it does not cover stands beside it, in the job's result: JSON has no room for notes."""
    # A budget that is spent is then what the job fails of: there is no way to go on without models.
    job = replace(job, options={**job.options, "over_budget": "refuse"})
    carried = model_step.carry_out(step, job, _json_work(job, files), context)
    if isinstance(carried, StepEvent):
        return carried
    written = Answer(**{**carried.value, **carried.facts})  # type: ignore[typeddict-item]
    # In its sources only: the texts have conformed to the schema, and would be longer with places.
    written = {**written, "sources": _placed(written, files, context)["sources"]}
    files.put_answer(written, answer_json.page(written))
    return model_step.done(step)


def _json_work(job: Job, files: JobFiles) -> Work[Answer]:
    config, schema = _config(job), job.options["answer_schema"]
    documents = files.document_list()["documents"]
    frame = answer_json.frame_tokens(job.query, config.max_output_tokens, schema)
    room = answer_room(job, config, parts.catalog(), frame)
    notes = answer.fitted(job.query, files.synthesis(), room)
    asked = answer_json.prompt(job.query, notes, config.max_output_tokens)
    request = step_request(job, "answer", config, asked.tokens + answer_json.schema_tokens(schema))
    conformity = Conformity(schema)
    return Work(
        replace(request, needs=("json",)),
        ModelCall(asked.system, asked.prompt, config.max_output_tokens, json_schema=schema),
        lambda text: answer_json.check(text, conformity, notes, documents),
        lambda: answer_json.without_model(job.options.get("deadline_s")),
    )


def _config(job: Job) -> Step:
    return sized(parts.catalog().steps.answer, "answer", depth_of(job.options))


def _placed(written: Answer, files: JobFiles, context: Any) -> Answer:
    """With the places of its citations, as far as half of the time that is left allows."""
    most_s = min(places.MOST_S, context.get_remaining_time_in_millis() / 2000)
    return places.placed(written, files.document_list()["documents"], files.document, time.monotonic, most_s)


handle = model_step.as_step(write_answer)
