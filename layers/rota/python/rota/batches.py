"""From documents to batches in S3, with the manifest of the fan-out and its estimate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

from rota.catalog import Catalog, Model
from rota.documents.code.weigh import weighed
from rota.documents.group import MIN_BATCH_TOKENS, pack, passage_tokens
from rota.errors import NoCapacityError
from rota.estimate import Load, estimate
from rota.job_files import JobFiles
from rota.job_item import Job
from rota.job_requests import summary_request
from rota.ledger import Ledger
from rota.pricing import NANO
from rota.records import Batch, Document, DocumentInfo, Plan
from rota.routing.aim import aim
from rota.routing.budget import input_budget
from rota.routing.chain import pool_of
from rota.steps import summarize

AT_ONCE = 32
"""Objects read or written side by side: enough to hide S3's latency, few enough to hold in memory."""


@dataclass(frozen=True, slots=True)
class Batches:
    """What was written: the manifest's key, the estimate as JSON, and the job's counters."""

    manifest_key: str
    estimate: Mapping[str, Any]
    counts: Mapping[str, int]


def summary_models(job: Job, catalog: Catalog) -> list[Model]:
    """The models that may summarise for this job: what it names, what a rule says, or the step's pool."""
    use = aim(summary_request(job, catalog.steps.summarize, 0), catalog).use
    return [catalog.model(model_id) for model_id in pool_of(use, catalog).models]


def write_batches(files: JobFiles, job: Job, plan: Plan, catalog: Catalog, ledger: Ledger, now_ms: int) -> Batches:
    """Cut and pack the job's documents, write every batch and then the manifest.

    The same documents give the same batches, so a repetition writes the same objects. Raises NoCapacityError when
    the pool's quotas leave no room for documents beside the prompt.
    """
    models, step = summary_models(job, catalog), catalog.steps.summarize
    spends = job.options.get("mode") != "extractive"
    accounts = ledger.read(model.id for model in models) if spends else {}
    frame = summarize.frame_tokens(job.query, plan["focus"], step.max_output_tokens)
    budget = input_budget(models, step, accounts) - frame
    if budget < MIN_BATCH_TOKENS:
        raise NoCapacityError(
            f"the summaries' pool leaves {budget} tokens a call for documents, at least {MIN_BATCH_TOKENS} are needed"
        )
    ids: list[str] = []
    tokens = 0
    documents = files.document_list()["documents"]
    packed = weighed(pack(_documents(files, documents), budget), documents)
    with ThreadPoolExecutor(AT_ONCE) as writers:
        while batches := list(islice(packed, AT_ONCE)):
            list(writers.map(files.put_batch, batches))
            ids += [batch["batch_id"] for batch in batches]
            tokens += sum(frame + _tokens(batch) for batch in batches)
    load = Load(len(ids), tokens, len(ids) * step.max_output_tokens) if spends else Load(0, 0, 0)
    found = {
        **asdict(estimate(load, models, accounts, now_ms)),
        "input_tokens": load.input_tokens,
        "max_output_tokens": load.output_tokens,
    }
    counts = {
        "batches_total": len(ids),
        "eta_s": found["eta_s"],
        "estimate_nanousd": round(found["cost_usd"] * NANO),
    }
    return Batches(files.put_manifest(ids), found, counts)


def _documents(files: JobFiles, infos: Iterable[DocumentInfo]) -> Iterator[Document]:
    numbers = iter([info["number"] for info in infos])
    with ThreadPoolExecutor(AT_ONCE) as readers:
        while some := list(islice(numbers, AT_ONCE)):
            yield from readers.map(files.document, some)


def _tokens(batch: Batch) -> int:
    return sum(passage_tokens(passage) for passage in batch["passages"])
