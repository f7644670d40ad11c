"""The calls that a job will make, step by step, and what each is likely to use: from sizes alone."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from rota.accounts import Account
from rota.catalog import Catalog, Step
from rota.depth import depth_of, sized, sized_catalog
from rota.estimate import Load
from rota.job_item import Job
from rota.job_requests import step_request
from rota.learned import USUAL_FACTOR
from rota.readers import Readers
from rota.routing.aim import models_for
from rota.routing.budget import input_budget
from rota.routing.request import ModelRequest
from rota.steps import answer, synthesize
from rota.synthesis import answer_room
from rota.usage import Usage

SHARES: Mapping[str, float] = {"plan": 0.2, "summarize": 0.7, "synthesize": 0.4, "answer": 0.2}
"""Output of a call ÷ its bound while nothing is known of the model.

Prompts ask for 0.6 words a token of the bound, about 0.8 of it in English: the most that a model writes which obeys.
Simulated models write 0.3 to 0.95 of it in notes, by how much of a document is to the point, 0.05 to 0.2 in a plan,
0.1 to 0.3 in an answer.
"""
KEPT: Mapping[str, float] = {"summarize": 0.5, "synthesize": 0.4, "answer": 1.0}
"""Output of a call ÷ the documents or notes that it is about, at most: what is said twice is said once, what is beside
the question is left out."""

LEAST_NOTES = 60
"""Output tokens of notes on next to nothing: a line for each of a few documents."""


@dataclass(frozen=True, slots=True)
class Work:
    """`calls` calls of one step that are alike: `request` is the average one, `output_tokens` what it will write.

    `most_tokens` is what it writes at most, whatever its model has written of other things; `rotations` are the calls'
    places in their series, where they are not 0, 1, 2 …
    """

    step: str
    request: ModelRequest
    calls: int
    output_tokens: int
    most_tokens: float = math.inf
    rotations: Sequence[int] = ()

    def usage(self, account: Account) -> Usage:
        """What one call is likely to use on a model."""
        request, learned = self.request, account.learned
        inputs = learned.expected_input(request.input_tokens)
        bulk = request.priority == "bulk"  # what else a model has written were answers of every kind
        outputs = learned.expected_output(request.max_output_tokens, bulk) if bulk else None
        return Usage(
            round(request.input_tokens * USUAL_FACTOR) if inputs is None else inputs,
            self.output_tokens if outputs is None else round(min(outputs, self.most_tokens)),
        )


Stage = Sequence[Work]
"""Work that is done side by side; the next stage begins when all of it is done."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the work of a job follows from. `plan_tokens` is the input of the plan's call, None when it was made.

    `rooms` are those of an earlier job (see `Readers`).
    """

    job: Job
    catalog: Catalog
    accounts: Mapping[str, Account]
    plan_tokens: int | None = None
    focus: Sequence[str] = ()
    outline: Sequence[str] = ()
    rooms: Mapping[str, int] = field(default_factory=dict)

    @property
    def depth(self) -> str:
        """How closely documents are read."""
        return depth_of(self.job.options)

    @property
    def readers(self) -> Readers:
        """Who reads its documents."""
        return Readers(self.job, sized_catalog(self.catalog, self.depth), self.accounts, self.focus, self.rooms)

    def step(self, name: Literal["plan", "synthesize", "answer"]) -> Step:
        """A step's sizes at the job's depth."""
        return sized(getattr(self.catalog.steps, name), name, self.depth)


def stages(outlook: Outlook, loads: Iterable[Load]) -> Iterator[Stage]:
    """The work of a job whose batches are `loads`, in the order in which it is done."""
    if outlook.job.options.get("mode") == "extractive":
        return
    if outlook.plan_tokens is not None:
        yield [_plan(outlook, outlook.plan_tokens)]
    loads = list(loads)
    notes = [_notes(outlook.readers, load) for load in loads]
    if not notes:
        return
    if new := [each for each, load in zip(notes, loads, strict=True) if not load.written]:
        yield new
    count = sum(each.calls for each in notes)
    tokens = sum(each.calls * _note_tokens(outlook, each) for each in notes) // count
    for level in _levels(outlook, count, tokens):
        yield [level]  # whether these are written, too, depends on notes that are not read here
        count, tokens = level.calls, _note_tokens(outlook, level)
    yield [_answer(outlook, count * tokens)]


def _plan(outlook: Outlook, input_tokens: int) -> Work:
    step = outlook.step("plan")
    request = step_request(outlook.job, "plan", step, input_tokens)
    return Work("plan", request, 1, _written("plan", step.max_output_tokens))


def _notes(readers: Readers, load: Load) -> Work:
    request = readers.request(load.task, load.score, load.input_tokens // load.calls)
    request = replace(request, max_output_tokens=load.output_tokens // load.calls)
    documents = request.input_tokens - readers.frame_tokens(load.task)
    most = max(LEAST_NOTES, round(KEPT["summarize"] * USUAL_FACTOR * documents))
    written = _written("summarize", request.max_output_tokens, documents)
    return Work(load.task, request, load.calls, written, most, load.numbers)


def _levels(outlook: Outlook, count: int, tokens: int) -> Iterator[Work]:
    """As `synthesis.next_level` will plan them, with notes that are all of the same size."""
    step, query = outlook.step("synthesize"), outlook.job.query
    frame = synthesize.frame_tokens(query, outlook.focus, step.max_output_tokens)
    models = models_for(step_request(outlook.job, "synthesize", step, 0), outlook.catalog)
    budget, room, level = input_budget(models, step) - frame, _answer_room(outlook), 0
    while count > 1 and (level == 0 or (count * tokens > room and level < synthesize.MAX_LEVELS)):
        groups = groups_of(count, tokens, budget)
        notes = count * tokens // groups
        request = step_request(outlook.job, "synthesize", step, frame + notes)
        work = Work("synthesize", request, groups, _written("synthesize", step.max_output_tokens, notes))
        yield work
        count, tokens, level = groups, _note_tokens(outlook, work), level + 1


def groups_of(count: int, tokens: int, budget: int) -> int:
    """How many groups `synthesize.plan_level` makes of so many notes of the same size."""
    even = count * tokens / math.ceil(count * tokens / budget)
    per_group = max(1, min(math.ceil(even / tokens), budget // tokens))
    return math.ceil(count / per_group)


def _answer(outlook: Outlook, notes_tokens: int) -> Work:
    step = outlook.step("answer")
    frame = answer.frame_tokens(outlook.job.query, outlook.outline, step.max_output_tokens)
    notes = min(notes_tokens, _answer_room(outlook))
    request = step_request(outlook.job, "answer", step, frame + notes)
    return Work("answer", request, 1, _written("answer", step.max_output_tokens, notes))


def _answer_room(outlook: Outlook) -> int:
    step = outlook.step("answer")
    frame = answer.frame_tokens(outlook.job.query, outlook.outline, step.max_output_tokens)
    return answer_room(outlook.job, step, outlook.catalog, frame)


def _note_tokens(outlook: Outlook, work: Work) -> int:
    """What one result is in the next prompt, by the estimate that prompts are made by."""
    usages = [(work.usage(outlook.accounts[model.id]), work) for model in models_for(work.request, outlook.catalog)]
    written = sum(usage.output_tokens for usage, _ in usages) / len(usages)
    factor = sum(usage.input_tokens for usage, _ in usages) / len(usages) / max(1, work.request.input_tokens)
    return round(written / (factor or USUAL_FACTOR)) + synthesize.NOTE_TOKENS


def _written(step: str, bound: int, about: float = math.inf) -> int:
    """Output tokens of a call about so many tokens by estimate."""
    return max(1, round(min(SHARES[step] * bound, KEPT.get(step, 1.0) * USUAL_FACTOR * about)))
