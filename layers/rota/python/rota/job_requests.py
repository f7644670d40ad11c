"""What a job's steps ask of the router: their task and size, and what the job's options say of who asks and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rota.records import NotesTask
from rota.routing.request import ModelRequest, Stakes

if TYPE_CHECKING:
    from rota.catalog import Catalog, Step
    from rota.job_item import Job
    from rota.policy import Task
    from rota.routing.complexity import Complexity


def step_of(catalog: Catalog, task: NotesTask) -> Step:
    """The step of a task that reads documents; code is summarised where the pool file has no step `analyze`."""
    return (catalog.steps.analyze if task == "analyze" else None) or catalog.steps.summarize


def summary_request(
    job: Job,
    step: Step,
    input_tokens: int,
    batch_id: str = "",
    complexity: Complexity | None = None,
    task: NotesTask = "summarize",
) -> ModelRequest:
    """Notes on one batch: bulk, rotated by the batch's number (`b0001` is the first).

    `task` is `analyze` for batches of code that the step of that name reads.
    """
    options = job.options
    return ModelRequest(
        task=task,
        pool=step.pool,
        named_pool=options.get("pool"),
        model=options.get("model"),
        tier=options.get("tier"),
        input_tokens=input_tokens,
        max_output_tokens=step.max_output_tokens,
        rotation=int(batch_id[1:].partition(".")[0]) - 1 if batch_id else 0,
        stakes=stakes_of(job),
        complexity=complexity,
        subjects=_subjects(job, task, batch_id),
    )


def step_request(
    job: Job, task: Task, step: Step, input_tokens: int, unit: str = "", rotation: int = 0
) -> ModelRequest:
    """A call that the whole job waits for: plan, synthesis (`unit` names its group), answer."""
    options = job.options
    return ModelRequest(
        task=task,
        pool=step.pool,
        model=None if task == "synthesize" else options.get("answer_model"),
        tier=options.get("answer_tier"),
        input_tokens=input_tokens,
        max_output_tokens=step.max_output_tokens,
        rotation=rotation,
        priority="interactive",
        stakes=stakes_of(job),
        text=job.query,
        subjects=_subjects(job, task, unit),
    )


def stakes_of(job: Job) -> Stakes:
    """Who asks, and what hangs on the answer."""
    options = job.options
    return Stakes(
        user=job.owner,
        user_tier=job.user_tier,
        feature=job.feature,
        value=options.get("value", "low"),
        error_tolerance=options.get("error_tolerance", "medium"),
        business_impact=options.get("business_impact", "low"),
    )


def _subjects(job: Job, task: str, unit: str) -> dict[str, str]:
    return {"user": job.owner, "job": job.job_id, "request": f"{job.job_id}:{task}:{unit}"}
