"""SummarizeBatch: the rotated call. Notes on one batch, written once; a failure is written down and is no error."""

from __future__ import annotations

from typing import Any

from functions import model_step, parts
from functions.model_step import TooLarge, Work
from rota.depth import depth_of, sized_catalog
from rota.documents import halve
from rota.errors import RotaError
from rota.job_files import JobFiles
from rota.job_item import Job
from rota.readers import Readers
from rota.records import Batch, BatchFailure, Summary
from rota.schemas import StepEvent
from rota.steps import summarize


def summarize_batch(step: StepEvent, context: Any) -> StepEvent:
    """Return at once when the notes exist: a retry or a redrive pays nothing twice."""
    job = model_step.open_job(step, "summarizing")
    files = JobFiles(parts.s3(), parts.settings().documents_bucket, job.job_id)
    batch = files.batch(str(step.batch_id))
    if files.find_summary(batch["batch_id"]):
        return model_step.done(step)
    waited = step.pending is not None
    try:
        found = _notes(step, job, files, batch, context)
    except RotaError as error:
        _failed(job, files, batch, error, waited)
        raise
    if isinstance(found, StepEvent):
        parts.jobs().add(job.job_id, batches_waiting=int(not waited))
        return found
    if files.put_summary(found):
        parts.jobs().add(
            job.job_id,
            batches_done=1,
            batches_extracted=int(found.get("mode") == "extractive"),
            batches_reused=int("reused" in found),
            batches_waiting=-int(waited),
        )
    return model_step.done(step, piece=None, pieces=None)


def _notes(step: StepEvent, job: Job, files: JobFiles, batch: Batch, context: Any) -> Summary | StepEvent:
    """Notes on the batch, or the event that waits for them. One that no model takes whole is cut in halves."""
    catalog = sized_catalog(parts.catalog(), depth_of(job.options))
    readers = Readers(job, catalog, {}, files.plan()["focus"])
    while True:
        piece = halve.piece(batch, step.piece or "")
        try:
            carried = model_step.carry_out(step, job, _work(readers, piece), context)
        except TooLarge:
            step = step.model_copy(update={"piece": f"{step.piece or ''}1", "pending": None})
            continue
        if isinstance(carried, StepEvent):
            return carried
        notes = Summary(**{**carried.value, **carried.facts})  # type: ignore[typeddict-item]
        if not step.piece:
            return notes
        files.put_summary(notes)
        pieces, following = [*(step.pieces or []), step.piece], halve.following(step.piece)
        if following is None:
            found = [files.find_summary(halve.piece(batch, path)["batch_id"]) for path in pieces]
            return summarize.join(batch, [summary for summary in found if summary])
        step = step.model_copy(update={"piece": following, "pieces": pieces, "pending": None})


def _work(readers: Readers, batch: Batch) -> Work[Summary]:
    request, call = readers.notes_call(batch)
    return Work(
        request,
        call,
        lambda text: summarize.check(text, batch),
        lambda: summarize.extractive(readers.job.query, batch, call.max_output_tokens),
        may_fail=True,
        may_be_cut=halve.can_be_cut(batch),
        reusable=True,
    )


def _failed(job: Job, files: JobFiles, batch: Batch, error: RotaError, waited: bool) -> None:
    numbers = sorted({passage["number"] for passage in batch["passages"]})
    files.put_failure(BatchFailure(batch_id=batch["batch_id"], documents=numbers, code=error.code, message=str(error)))
    parts.jobs().add(job.job_id, batches_failed=1, batches_waiting=-int(waited))


handle = model_step.as_step(summarize_batch)
