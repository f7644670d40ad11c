"""Every system on every task: its extract in as many words as Rota's has, scored and counted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import fmean

from benchmarks.extractive import systems
from benchmarks.extractive.reading import dangling_share, repeated_share
from benchmarks.extractive.systems import Order, Picked
from benchmarks.extractive.tasks import Task

SEEDS = 20
TIMED = 3
"""Runs of which the quickest counts."""

Score = Callable[[str], dict[str, float]]
"""F1 of a text by metric."""

Scorer = Callable[[str, str], Score]
"""`Score` for a language and a reference."""


@dataclass(frozen=True, slots=True)
class Row:
    """One system's extract of one task: `scores` by metric, `cpu_ms` for 1,000 words of its documents."""

    task: Task
    system: str
    scores: dict[str, float]
    words: float
    dangling: float
    repeated: float
    cpu_ms: float


def measure(tasks: Sequence[Task], orders: Mapping[str, Order], scorer: Scorer, target: str) -> Iterator[Row]:
    """Rows of Rota, the leads, chance (the mean of SEEDS), BM25, `orders`, and the oracle for the metric `target`."""
    for task in tasks:
        score = scorer(task.language, task.reference)
        ours = row(task, "Rota", score, systems.rota)
        words = round(ours.words)
        yield ours
        for name, order in {"lead": systems.lead, "BM25": systems.bm25, **orders}.items():
            yield row(task, name, score, partial(_extract, order, words))
        yield row(task, "lead-3", score, systems.lead_three)
        chance = [partial(_extract, systems.shuffled(seed), words) for seed in range(SEEDS)]
        yield _mean([row(task, "random", score, pick, timed=1) for pick in chance])
        yield row(task, "oracle", score, partial(_best, words, score, target), timed=1)


def row(task: Task, system: str, score: Score, pick: Callable[[Task], Picked], timed: int = TIMED) -> Row:
    """One system's row; a quote that is made of several sentences is one quote."""
    took: list[float] = []
    for _ in range(timed):
        began = time.process_time()
        picked = pick(task)
        took.append(time.process_time() - began)
    text = " ".join(picked)
    cpu_ms = min(took) * 1e6 / task.words
    return Row(task, system, score(text), len(text.split()), dangling_share(picked), repeated_share(text), cpu_ms)


def _extract(order: Order, words: int, task: Task) -> Picked:
    found = systems.candidates(task)
    return systems.in_words(found, order(task, found), words)


def _best(words: int, score: Score, target: str, task: Task) -> Picked:
    return systems.oracle(systems.candidates(task), words, lambda text: score(text)[target])


def _mean(rows: Sequence[Row]) -> Row:
    scores = {name: fmean(row.scores[name] for row in rows) for name in rows[0].scores}
    figures = (fmean(getattr(row, name) for row in rows) for name in ("words", "dangling", "repeated", "cpu_ms"))
    return Row(rows[0].task, rows[0].system, scores, *figures)
