"""Who reads a job's documents: the models that a batch is aimed at, and how much of it one call may hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from rota.accounts import Account
from rota.catalog import Catalog, Model, Step
from rota.documents.code.portions import SCORES, SizeOf
from rota.documents.group import MIN_BATCH_TOKENS
from rota.errors import NoCapacityError
from rota.estimate import Load
from rota.job_item import Job
from rota.job_requests import step_of, summary_request
from rota.providers.base import ModelCall
from rota.records import Batch, NotesTask
from rota.routing.aim import models_for
from rota.routing.budget import input_budget, most_input
from rota.routing.complexity import graded
from rota.routing.request import ModelRequest
from rota.steps import summarize

CODE_QUOTA_SHARE = 0.5
"""Of a token quota that one batch of code may take: two calls in each window fill it, where one of 60 % would leave
the rest unused."""

SMALLER, LARGER = 0.6, 1.15
"""The room of an earlier job ÷ what it would be now, from and to where it is taken again: batches that are cut alike
find their notes, which saves more than batches of the best size. What a step may read is exceeded by no more than
this."""


@dataclass(frozen=True, slots=True)
class Readers:
    """Of one job: what it names, what a rule says, or the step's pool.

    `catalog` has its steps at the job's depth, `accounts` are of all models (none without models), `focus` is the
    plan's, `rooms` are those of an earlier job (see `rooms_by_reader`).
    """

    job: Job
    catalog: Catalog
    accounts: Mapping[str, Account]
    focus: Sequence[str] = ()
    rooms: Mapping[str, int] = field(default_factory=dict)

    @property
    def spend(self) -> bool:
        """Whether models are called at all."""
        return self.job.options.get("mode") != "extractive"

    def request(self, task: NotesTask, score: float | None = None, input_tokens: int = 0) -> ModelRequest:
        """Notes on a batch. Rules may ask for the `score` of code (None where it could not be analysed)."""
        complexity = None if score is None else graded(score, self.catalog.routing.thresholds, {})
        step = step_of(self.catalog, task)
        return summary_request(self.job, step, input_tokens, complexity=complexity, task=task)

    def notes_call(self, batch: Batch) -> tuple[ModelRequest, ModelCall]:
        """The call for notes on a batch."""
        task, weight = summarize.task_of(batch), batch.get("complexity")
        step, complexity = step_of(self.catalog, task), None
        if weight and weight["analysed"]:
            thresholds = self.catalog.routing.thresholds
            complexity = graded(weight["score"], thresholds, {"dependency": weight["dependency"]})
        asked = summarize.prompt(self.job.query, self.focus, batch, step.max_output_tokens)
        request = summary_request(self.job, step, asked.tokens, batch["batch_id"], complexity, task)
        return request, ModelCall(asked.system, asked.prompt, step.max_output_tokens)

    def models(self, task: NotesTask, score: float | None = None) -> list[Model]:
        """The models that may take such notes."""
        return models_for(self.request(task, score), self.catalog)

    def frame_tokens(self, task: NotesTask) -> int:
        """What a prompt holds beside its documents."""
        most = step_of(self.catalog, task).max_output_tokens
        return summarize.frame_tokens(self.job.query, self.focus, most, task)

    def room(self, task: NotesTask, score: float | None = None) -> int:
        """Tokens of documents in one batch: as before, where that is about what it would be now and still fits."""
        models, step, frame = self.models(task, score), step_of(self.catalog, task), self.frame_tokens(task)
        share = CODE_QUOTA_SHARE if task == "analyze" else 1.0
        room = input_budget(models, step, self.accounts, share) - frame
        before = self.rooms.get(_reader(task, step, models), 0)
        alike = SMALLER * room <= before <= LARGER * room
        return before if alike and before <= most_input(models, step, self.accounts, share) - frame else room

    def rooms_by_reader(self) -> dict[str, int]:
        """The rooms of this job, for a later one; they follow from what has been learned of the models until now."""
        asked: list[tuple[NotesTask, float | None]] = [("summarize", None), *(("analyze", score) for score in SCORES)]
        return {
            _reader(task, step_of(self.catalog, task), self.models(task, score)): self.room(task, score)
            for task, score in asked
        }

    def documents_room(self) -> int:
        """Tokens in one batch of documents that are not code.

        Raises NoCapacityError when the pool's quotas leave no room for documents beside the prompt.
        """
        room = self.room("summarize")
        if room < MIN_BATCH_TOKENS:
            raise NoCapacityError(
                f"the summaries' pool leaves {room} tokens a call for documents, at least {MIN_BATCH_TOKENS} are needed"
            )
        return room

    def code_room(self) -> SizeOf | None:
        """The room for code by its score; None when it is to be summarised like the rest.

        That is without a step for code, without models, and where the models that would read it take less of it than of
        other documents: many small calls with long answers are no gain.
        """
        if self.catalog.steps.analyze is None or not self.spend:
            return None
        least = min(self.room("analyze", score) for score in SCORES)
        return (lambda score: self.room("analyze", score)) if least >= self.room("summarize") else None


def _reader(task: NotesTask, step: Step, models: Sequence[Model]) -> str:
    """What tells one room from another."""
    return f"{task} {step.max_input_tokens} {step.max_output_tokens} {' '.join(model.id for model in models)}"


@dataclass(slots=True)
class Loads:
    """What a job's batches will need, counted as they come: a load for each set of models that they are aimed at.

    Batches whose notes are written already are loads of their own.
    """

    readers: Readers
    _loads: dict[tuple[str | bool, ...], Load] = field(default_factory=dict)
    _numbers: dict[tuple[str | bool, ...], list[int]] = field(default_factory=dict)
    _frames: dict[NotesTask, int] = field(default_factory=dict)
    _count: int = 0

    def add(self, task: NotesTask, tokens: int, score: float | None = None, written: bool = False) -> None:
        """Count the next batch with so many tokens of documents; `written`: its notes are there already."""
        if task not in self._frames:
            self._frames[task] = self.readers.frame_tokens(task)
        aimed = (written, task, *(model.id for model in self.readers.models(task, score)))
        load = self._loads.get(aimed, Load(task, 0, 0, 0, score, written))
        self._loads[aimed] = replace(
            load,
            calls=load.calls + 1,
            input_tokens=load.input_tokens + self._frames[task] + tokens,
            output_tokens=load.output_tokens + step_of(self.readers.catalog, task).max_output_tokens,
        )
        self._numbers.setdefault(aimed, []).append(self._count)
        self._count += 1

    def __iter__(self) -> Iterator[Load]:
        return (replace(load, numbers=self._numbers[aimed]) for aimed, load in self._loads.items())
