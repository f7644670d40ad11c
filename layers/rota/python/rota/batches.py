"""From documents to batches in S3, with the manifest of the fan-out.

code ──► portions: related files, as large as the models they are aimed at take ──► batches of code (step analyze)
all other documents ──► as many together as a call may read ──────────────────────► batches (step summarize)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

from rota.accounts import Account
from rota.catalog import Catalog, Model
from rota.documents.code.portions import SCORES, SizeOf, portions
from rota.documents.code.weigh import JobCode, weighed
from rota.documents.group import MIN_BATCH_TOKENS, pack, pack_groups, passage_tokens
from rota.errors import NoCapacityError
from rota.estimate import Load
from rota.job_files import JobFiles
from rota.job_item import Job
from rota.job_requests import step_of, summary_request
from rota.ledger import Ledger
from rota.records import Batch, Document, DocumentInfo, Plan
from rota.routing.aim import aim
from rota.routing.budget import input_budget
from rota.routing.chain import pool_of
from rota.routing.complexity import graded
from rota.steps import summarize

AT_ONCE = 32
"""Objects read or written side by side: enough to hide S3's latency, few enough to hold in memory."""

CODE_QUOTA_SHARE = 0.5
"""Of a token quota that one batch of code may take: two calls in each window fill it, where one of 60 % would leave
the rest unused."""


@dataclass(frozen=True, slots=True)
class Batches:
    """What was written: the manifest's key and the number of batches.

    `loads` are the calls to be made and `models` those they are aimed at, both by task: `summarize`, and `analyze`
    where there are batches of code. Empty for a job without models.
    """

    manifest_key: str
    count: int
    loads: Mapping[str, Load]
    models: Mapping[str, Sequence[Model]]


def summary_models(
    job: Job, catalog: Catalog, task: summarize.Template = "summarize", score: float | None = None
) -> list[Model]:
    """The models that may take notes for this job: what it names, what a rule says, or the step's pool.

    Rules may ask for the `score` of code (None where it could not be analysed).
    """
    complexity = None if score is None else graded(score, catalog.routing.thresholds, {})
    request = summary_request(job, step_of(catalog, task), 0, complexity=complexity, task=task)
    return [catalog.model(model_id) for model_id in pool_of(aim(request, catalog).use, catalog).models]


def write_batches(files: JobFiles, job: Job, plan: Plan, catalog: Catalog, ledger: Ledger) -> Batches:
    """Cut and pack the job's documents, write every batch and then the manifest.

    The same documents give the same batches, so a repetition writes the same objects; other models, quotas, or more
    calls to learn from may give batches of other sizes. Raises NoCapacityError when the pool's quotas leave no room for
    documents beside the prompt.
    """
    readers = _Readers(job, plan, catalog, ledger)
    documents = files.document_list()["documents"]
    code = JobCode.of(documents)
    ids: list[str] = []
    packed = weighed(_packed(files, documents, code, readers), code)
    with ThreadPoolExecutor(AT_ONCE) as writers:
        while batches := list(islice(packed, AT_ONCE)):
            list(writers.map(files.put_batch, batches))
            ids += [batch["batch_id"] for batch in batches]
            for batch in batches:
                readers.count(batch)
    loads = readers.loads if readers.spend else {}
    models = {task: readers.models_of(task) for task in loads}
    return Batches(files.put_manifest(ids), len(ids), loads, models)


class _Readers:
    """The models that will read the job's documents, how much they take, and what they are to read so far."""

    def __init__(self, job: Job, plan: Plan, catalog: Catalog, ledger: Ledger) -> None:
        self.spend = job.options.get("mode") != "extractive"
        self.accounts: dict[str, Account] = {}
        self.loads: dict[str, Load] = {}
        self._job, self._catalog, self._ledger = job, catalog, ledger
        self._aimed: dict[str, dict[str, Model]] = {"summarize": {}, "analyze": {}}
        tasks: tuple[summarize.Template, ...] = ("summarize", "analyze")
        outputs = {task: step_of(catalog, task).max_output_tokens for task in tasks}
        self._frames = {task: summarize.frame_tokens(job.query, plan["focus"], outputs[task], task) for task in tasks}

    def room(self, task: summarize.Template, score: float | None = None) -> int:
        """Tokens of documents in one batch."""
        models, step = summary_models(self._job, self._catalog, task, score), step_of(self._catalog, task)
        unknown = [model.id for model in models if model.id not in self.accounts]
        if unknown and self.spend:
            self.accounts |= self._ledger.read(unknown)
        share = CODE_QUOTA_SHARE if task == "analyze" else 1.0
        return input_budget(models, step, self.accounts, share) - self._frames[task]

    def code_room(self) -> SizeOf | None:
        """The room for code by its score; None when it is to be summarised like the rest.

        That is without a step for code, without models, and where the models that would read it take less of it than of
        other documents: many small calls with long answers are no gain.
        """
        if self._catalog.steps.analyze is None or not self.spend:
            return None
        least = min(self.room("analyze", score) for score in SCORES)
        return (lambda score: self.room("analyze", score)) if least >= self.room("summarize") else None

    def count(self, batch: Batch) -> None:
        """Add a batch to the loads."""
        task = summarize.template_of(batch)
        weight = batch.get("complexity")
        score = weight["score"] if weight and weight["analysed"] else None
        self._aimed[task] |= {model.id: model for model in summary_models(self._job, self._catalog, task, score)}
        tokens = self._frames[task] + sum(map(passage_tokens, batch["passages"]))
        load = self.loads.get(task, Load(0, 0, 0))
        output = load.output_tokens + step_of(self._catalog, task).max_output_tokens
        self.loads[task] = Load(load.calls + 1, load.input_tokens + tokens, output)

    def models_of(self, task: str) -> list[Model]:
        """Everything that the batches of a task are aimed at."""
        return list(self._aimed[task].values())


def _packed(files: JobFiles, documents: Sequence[DocumentInfo], code: JobCode, readers: _Readers) -> Iterator[Batch]:
    """Batches of code first: they are the longest calls."""
    room = readers.room("summarize")
    if room < MIN_BATCH_TOKENS:
        raise NoCapacityError(
            f"the summaries' pool leaves {room} tokens a call for documents, at least {MIN_BATCH_TOKENS} are needed"
        )
    code_room = readers.code_room() if code.files else None
    batches = 0
    if code_room:
        parts = portions(documents, code, code_room)
        texts = _documents(files, (number for part in parts for number in part.numbers))
        for batch in pack_groups((part.max_tokens, islice(texts, len(part.numbers))) for part in parts):
            batches += 1
            yield batch
    others = (info["number"] for info in documents if not (code_room and info["number"] in code.files))
    yield from pack(_documents(files, others), room, batches + 1)


def _documents(files: JobFiles, numbers: Iterator[int]) -> Iterator[Document]:
    with ThreadPoolExecutor(AT_ONCE) as readers:
        while some := list(islice(numbers, AT_ONCE)):
            yield from readers.map(files.document, some)
