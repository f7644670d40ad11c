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
    written = files.find_draft() or _written(step, job, files, context)
    if isinstance(written, StepEvent):
        return written
    files.put_draft(written)  # paid for: an invocation that is repeated from here on goes on with it
    placed = _placed(written, files, context)
    if job.options.get("answer_schema") is not None:
        # In its sources only: the texts have conformed to the schema, and would be longer with places.
        written = {**written, "sources": placed["sources"]}
        files.put_answer(written, answer_json.page(written))
        return model_step.done(step)
    coverage = read_coverage(files, job)
    if coverage is not None:
        placed = answer.with_coverage(placed, coverage.read, coverage.documents, coverage.failed)
    placed = answer.with_remarks(placed, plan_notes(files.plan(), job.counters))
    files.put_answer(placed, answer.markdown(placed, coverage.sentence() if coverage and not coverage.failed else ""))
    return model_step.done(step)


def _written(step: StepEvent, job: Job, files: JobFiles, context: Any) -> Answer | StepEvent:
    """The answer as a model, or what stands in for one, has written it; the event when there is a wait before that."""
    fills_schema = job.options.get("answer_schema") is not None
    if fills_schema:
        # A budget that is spent is then what the job fails of: there is no way to go on without models.
        job = replace(job, options={**job.options, "over_budget": "refuse"})
    work = _json_work(job, files) if fills_schema else _work(job, files)
    carried = model_step.carry_out(step, job, work, context)
    if isinstance(carried, StepEvent):
        return carried
    written = Answer(**{**carried.value, **carried.facts})  # type: ignore[typeddict-item]
    if carried.finished is None and job.options.get("mode") != "extractive":
        return answer.without_model(written, carried.why)
    return written


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


def _json_work(job: Job, files: JobFiles) -> Work[Answer]:
    """The same as JSON. What it does not cover stands beside it, in the job's result: JSON has no room for notes."""
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
