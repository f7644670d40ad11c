"""A job before its plan: its documents, the pool as it stands, the way that was chosen, and what is written of that."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from functions import parts
from rota.depth import depth_of
from rota.documents.tokens import estimate_tokens
from rota.estimate import JobEstimate, Load
from rota.job_files import JobFiles
from rota.job_item import Job
from rota.job_options import as_planned, put_options
from rota.money import nanousd
from rota.planning.choice import Chosen, choose
from rota.planning.forecast import Circumstances, done_before, forecast, latest_starts
from rota.planning.notes import plan_facts
from rota.planning.reading import Reading
from rota.planning.work import Outlook
from rota.providers.structured_output import schema_instruction
from rota.readers import Readers
from rota.records import DocumentInfo
from rota.steps import plan


@dataclass(frozen=True, slots=True)
class Prospect:
    """`outlook` has the job as it was asked for; `plan_tokens` is the input of a call for a plan.

    `search_plan` is the plan of a job that has searched first, with its facts.
    """

    files: JobFiles
    documents: Sequence[DocumentInfo]
    search_plan: Mapping[str, Any] | None
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

    def reading(self) -> JobFiles:
        """The files as batches are made from them."""
        numbers = [document["number"] for document in self.chosen.way.documents]
        return Reading(self.files, numbers, self.job.query, self.depth)

    def readers(self, focus: Sequence[str]) -> Readers:
        """Who reads them."""
        return replace(self.outlook, job=self.job, focus=focus).readers

    def keep_rooms(self, readers: Readers) -> None:
        """Let a later job with the same documents make the same batches."""
        rooms = {**self.outlook.rooms, **readers.rooms_by_reader()}
        if readers.spend and self.job.options.get("reuse", True) and rooms != self.outlook.rooms:
            parts.reuse(self.job.owner).keep_rooms(self.job.query, _titles(self.documents), rooms)

    def estimate(self, loads: Sequence[Load], made: Mapping[str, Any]) -> JobEstimate:
        """What the job will take, now that its batches are there and, but for a dry run, its plan is made."""
        job, before = self.job, done_before(made)
        tokens = self.plan_tokens if job.options.get("dry_run") and self.search_plan is None else None
        outlook = replace(self.outlook, job=job, plan_tokens=tokens, focus=made["focus"], outline=made["outline"])
        now_ms = self.around.now_ms if job.options.get("dry_run") else parts.ledger().clock.now_ms()
        return forecast(outlook, loads, len(self.chosen.way.documents), replace(self.around, now_ms=now_ms), before)

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
    spends, reuse = asked.options.get("mode") != "extractive", asked.options.get("reuse", True)
    accounts = parts.ledger().read(model.id for model in catalog.models) if spends else {}
    rooms = parts.reuse(asked.owner).find_rooms(asked.query, _titles(documents)) if spends and reuse else {}
    outlook = Outlook(asked, catalog, accounts, None if search_plan else tokens, rooms=rooms)
    return Prospect(files, documents, search_plan, tokens, outlook, around, choose(outlook, documents, around))


def _titles(documents: Sequence[DocumentInfo]) -> list[str]:
    return [document["title"] for document in documents]
