"""A job before its plan: its documents, the pool as it stands, the way that was chosen, and what is written of that."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from functions import parts
from rota.batches import write_batches
from rota.depth import depth_of
from rota.documents.tokens import estimate_tokens
from rota.earlier_plan import EarlierPlan, closest
from rota.estimate import JobEstimate, Load
from rota.job_files import JobFiles
from rota.job_item import Job
from rota.job_options import as_planned, put_options
from rota.money import nanousd
from rota.planning.choice import Chosen, choose
from rota.planning.forecast import Circumstances, done_before, forecast, latest_starts
from rota.planning.notes import plan_facts
from rota.planning.reading import Reading
from rota.planning.reasons import Limits
from rota.planning.work import Outlook
from rota.providers.structured_output import schema_instruction
from rota.readers import Readers
from rota.records import Batch, DocumentInfo
from rota.steps import plan


@dataclass(frozen=True, slots=True)
class Prospect:
    """`outlook` has the job as it was asked for; `plan_tokens` is the input of a call for a plan.

    `made` is the plan, with its facts, where none is to be asked for: of a job that has searched first, or else that of
    an `earlier` job, if there is one.
    """

    files: JobFiles
    documents: Sequence[DocumentInfo]
    made: Mapping[str, Any] | None
    earlier: EarlierPlan
    plan_tokens: int
    outlook: Outlook
    around: Circumstances
    chosen: Chosen

    @property
    def job(self) -> Job:
        """The job as it will be done."""
        return replace(self.outlook.job, options=self.chosen.way.options)

    @property
    def depth(self) -> str:
        """How closely its documents will be read."""
        return depth_of(self.job.options)

    @property
    def now_ms(self) -> int:
        """The time that counts for its limits: for a dry run, which has none to keep, when it was begun."""
        return self.around.now_ms if self.job.options.get("dry_run") else parts.ledger().clock.now_ms()

    def reading(self) -> JobFiles:
        """The files as batches are made from them."""
        numbers = [document["number"] for document in self.chosen.way.documents]
        return Reading(self.files, numbers, self.job.query, self.depth)

    def readers(self, focus: Sequence[str]) -> Readers:
        """Who reads them."""
        return replace(self.outlook, job=self.job, focus=focus).readers

    def is_written(self, made: Mapping[str, Any], readers: Readers) -> Callable[[Batch], bool]:
        """Whether notes on a batch are there from an earlier job: never, where its plan was another."""
        if not (readers.spend and _reuses(self.job) and made.get("reused")):
            return lambda _: False
        reuse = parts.reuse(self.job.owner)
        return lambda batch: reuse.has(*readers.notes_call(batch))

    def as_asked(self, made: Mapping[str, Any]) -> tuple[Prospect, list[Load]] | None:
        """The job as it was asked for and its batches, where it keeps its limits with what is written already."""
        if not (self.chosen.rejected and _reuses(self.job) and made.get("reused")):
            return None
        asked = replace(self, chosen=Chosen(self.chosen.rejected[0]))
        readers = asked.readers(made["focus"])
        loads = write_batches(asked.reading(), readers, asked.is_written(made, readers))
        estimate = asked.estimate(loads, made)
        missed = Limits.of(asked.job, asked.now_ms).missed(estimate)
        return (asked, loads) if estimate.written and not missed else None

    def keep_plan(self, made: Mapping[str, Any], readers: Readers) -> None:
        """Let a later job with these documents and more of them plan alike, and so make the same batches."""
        kept = self.earlier if self.earlier.plan else EarlierPlan.of(_titles(self.documents), made)
        kept = replace(kept, rooms={**kept.rooms, **readers.rooms_by_reader()})
        if readers.spend and _reuses(self.job) and kept != self.earlier and not made["defaulted"]:
            parts.reuse(self.job.owner).keep_plan(self.job.query, kept)

    def estimate(self, loads: Sequence[Load], made: Mapping[str, Any]) -> JobEstimate:
        """What the job will take, now that its batches are there and, but for a dry run, its plan is made."""
        job, before = self.job, done_before(made)
        tokens = self.plan_tokens if job.options.get("dry_run") and made["defaulted"] else None
        outlook = replace(self.outlook, job=job, plan_tokens=tokens, focus=made["focus"], outline=made["outline"])
        around = replace(self.around, now_ms=self.now_ms)
        return forecast(outlook, loads, len(self.chosen.way.documents), around, before)

    def facts(self, estimate: JobEstimate) -> dict[str, Any]:
        """What `plan.json` says of all this."""
        return plan_facts(self.chosen, self.documents, estimate)

    def counts(self, estimate: JobEstimate) -> dict[str, int]:
        """The job's counters: time from its start on, and cost."""
        started_ms = self.job.started_ms or self.job.created_ms
        gone_s = (parts.ledger().clock.now_ms() - started_ms) / 1000
        return {
            "eta_s": math.ceil(max(0.0, gone_s) + estimate.eta_s),
            "estimate_nanousd": nanousd(estimate.cost_usd),
        }

    def keep(self, known: Mapping[str, Any], estimate: JobEstimate | None = None) -> None:
        """Let the job's steps go on with what was chosen, where that is not what they know; with the latest starts."""
        asked, deadline_s = self.outlook.job.options, self.job.options.get("deadline_s")
        latest = latest_starts(estimate, deadline_s) if estimate and deadline_s else {}
        options = as_planned(asked, self.job.options, latest)
        if options != dict(known):
            put_options(parts.dynamodb(), parts.settings().jobs_table, self.job.job_id, options)


def prospect_of(asked: Job, files: JobFiles) -> Prospect:
    """Look at a gathered job, as it was asked for, and choose how it is done.

    Raises NoCapacityError when the pool's quotas leave no room for documents.
    """
    documents, search_plan = files.document_list()["documents"], files.find_search_plan()
    prompt = plan.prompt(asked.query, documents)
    tokens = prompt.tokens + estimate_tokens(schema_instruction(plan.SCHEMA))
    catalog = parts.catalog()
    around = Circumstances(parts.ledger().clock.now_ms(), int(parts.settings().map_concurrency))
    spends = asked.options.get("mode") != "extractive"
    accounts = parts.ledger().read(model.id for model in catalog.models) if spends else {}
    earlier = EarlierPlan()
    if spends and _reuses(asked):
        earlier = closest(parts.reuse(asked.owner).find_plans(asked.query), _titles(documents))
    made = search_plan or ({**earlier.plan, "reused": True} if earlier.plan else None)
    is_made = made is not None and not (asked.options.get("dry_run") and made["defaulted"])
    outlook = Outlook(asked, catalog, accounts, None if is_made else tokens, rooms=earlier.rooms)
    return Prospect(files, documents, made, earlier, tokens, outlook, around, choose(outlook, documents, around))


def _reuses(job: Job) -> bool:
    return bool(job.options.get("reuse", True))


def _titles(documents: Sequence[DocumentInfo]) -> list[str]:
    return [document["title"] for document in documents]
