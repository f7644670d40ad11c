"""The levels of the synthesis in S3: collects what the level below wrote, judges failures, plans the next level."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from rota.catalog import Catalog, Step
from rota.errors import BudgetSpentError, TooManyFailuresError
from rota.job_files import AT_ONCE, JobFiles
from rota.job_item import Job
from rota.job_requests import step_request
from rota.routing.aim import models_for
from rota.routing.budget import input_budget
from rota.steps import answer, synthesize


@dataclass(frozen=True, slots=True)
class Planned:
    """The next level and its manifest (None when the synthesis is complete), and the job's counters."""

    level: int
    manifest_key: str | None
    counts: Mapping[str, int]


def next_level(files: JobFiles, job: Job, level: int, catalog: Catalog) -> Planned:
    """What comes after `level` (0: the summaries). Writes the synthesis when the notes are one, or fit the answer.

    Several summaries are always merged once, so that the answer is written from notes in order. Raises
    TooManyFailuresError when more than the job's tolerated share of batches has no summary.
    """
    texts, counts = _summaries(files, job) if level == 0 else _groups(files, level)
    focus, outline = files.plan()["focus"], files.plan()["outline"]
    config = catalog.steps.answer
    room = answer_room(job, config, catalog, answer.frame_tokens(job.query, outline, config.max_output_tokens))
    merged = level > 0 and (synthesize.fits(texts, room) or level >= synthesize.MAX_LEVELS)
    if len(texts) == 1 or merged:
        files.put_synthesis(synthesize.combine(texts))
        return Planned(level, None, counts)
    step = catalog.steps.synthesize
    models = models_for(step_request(job, "synthesize", step, 0), catalog)
    budget = input_budget(models, step) - synthesize.frame_tokens(job.query, focus, step.max_output_tokens)
    groups = synthesize.plan_level(texts, budget)
    manifest_key = files.put_level(level + 1, groups)
    return Planned(level + 1, manifest_key, {**counts, "groups_total": len(groups), "groups_done": 0})


def answer_room(job: Job, step: Step, catalog: Catalog, frame_tokens: int) -> int:
    """Tokens of notes in the prompt of the answer: as many as the widest of its models takes beside the frame."""
    models = models_for(step_request(job, "answer", step, 0), catalog)
    return max(input_budget([model], step) for model in models) - frame_tokens


def _summaries(files: JobFiles, job: Job) -> tuple[list[str], dict[str, int]]:
    """The batches' notes in their order, and the counters as the files prove them."""
    ids = files.batch_ids()
    with ThreadPoolExecutor(AT_ONCE) as readers:
        found = [summary for summary in readers.map(files.find_summary, ids) if summary]
    missing = len(ids) - len(found)
    tolerated = float(job.options.get("tolerated_failures", 0.2))
    if not found or missing > tolerated * len(ids):
        said = f"{missing} of {len(ids)} batches could not be summarised; at most {tolerated:.0%} may fail"
        raise _too_many(files, said)
    counts = {"batches_done": len(found), "batches_failed": missing, "batches_waiting": 0}
    return [summary["text"] for summary in found], counts


def _too_many(files: JobFiles, said: str) -> TooManyFailuresError:
    """The error, with the first reason; a budget that is spent comes first, because it can be raised."""
    failures = sorted(files.failures(), key=lambda failure: failure["code"] != BudgetSpentError.code)
    if not failures:
        return TooManyFailuresError(said)
    first = failures[0]
    code = BudgetSpentError.code if first["code"] == BudgetSpentError.code else TooManyFailuresError.code
    return TooManyFailuresError(f"{said}: {first['message']}", code)


def _groups(files: JobFiles, level: int) -> tuple[list[str], dict[str, int]]:
    """The notes of a level's groups; a group without a result keeps its own texts, so nothing is lost."""
    texts: list[str] = []
    done = 0
    group_ids = files.group_ids(level) or []
    with ThreadPoolExecutor(AT_ONCE) as readers:
        found = list(readers.map(lambda group_id: files.find_group(level, group_id), group_ids))
    for group_id, notes in zip(group_ids, found, strict=True):
        done += notes is not None
        texts += [notes["text"]] if notes else files.group_texts(level, group_id)
    return texts, {"groups_done": done}
