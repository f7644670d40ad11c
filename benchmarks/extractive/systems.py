"""Ways of picking sentences that need no library: Rota's, leads, chance, BM25, and the best that picking could do.

All pick among the same sentences, those that Rota's own splitter finds, so that only the choice differs.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import zip_longest

from benchmarks.extractive.tasks import Task
from rota.documents.extraction.extract import quote_texts
from rota.documents.extraction.sentences import sentences
from rota.documents.extraction.terms import terms

BUDGET_TOKENS = 400
"""What Rota may quote; it takes about as many words as the references have, and all others get just as many."""
LEAD = 3

Picked = list[str]
"""Sentences or quotes in the order in which a person reads them."""

Order = Callable[[Task, Sequence[str]], Sequence[int]]
"""Indices of a task's sentences, the most wanted first."""


def rota(task: Task) -> Picked:
    """The quotes of extractive mode, within BUDGET_TOKENS."""
    found = quote_texts(task.documents, task.question, BUDGET_TOKENS, False)
    return [quote for _, quotes in found for quote in quotes]


def candidates(task: Task) -> list[str]:
    """The sentences of all documents, one document after the other."""
    return [sentence.text for _, text in task.documents for sentence in sentences(text)]


def in_words(found: Sequence[str], order: Iterable[int], words: int) -> Picked:
    """The most wanted sentences in the order of the text, the last one cut so that they have just so many words."""
    taken: dict[int, str] = {}
    for index in order:
        own = found[index].split()[:words]
        if not own:
            break
        taken[index] = " ".join(own)
        words -= len(own)
    return [taken[index] for index in sorted(taken)]


def lead(task: Task, found: Sequence[str]) -> list[int]:
    """The first sentences; of several documents in turns, as is usual for sets of documents."""
    counts = [len(sentences(text)) for _, text in task.documents]
    starts = [sum(counts[:place]) for place in range(len(counts))]
    columns = zip_longest(*(range(start, start + count) for start, count in zip(starts, counts, strict=True)))
    order = [index for column in columns for index in column if index is not None]
    return order[: len(found)]


def lead_three(task: Task) -> Picked:
    """The first three sentences, however long they are."""
    found = candidates(task)
    return [found[index] for index in sorted(lead(task, found)[:LEAD])]


def shuffled(seed: int) -> Order:
    """Chance."""

    def order(task: Task, found: Sequence[str]) -> list[int]:
        return random.Random(f"{seed} {task.name}").sample(range(len(found)), len(found))

    return order


def bm25(task: Task, found: Sequence[str]) -> list[int]:
    """Sentences by how well a search engine would say that they match the question (Robertson's k1 1.2, b 0.75).

    Without a question, the first ones.
    """
    if not task.question:
        return lead(task, found)
    counts = [Counter(terms(text)) for text in found]
    mean = sum(count.total() for count in counts) / len(counts)
    holding = Counter(term for count in counts for term in count)

    def score(index: int) -> float:
        count, norm = counts[index], 1.2 * (0.25 + 0.75 * counts[index].total() / mean)
        return math.fsum(
            math.log(1 + (len(found) - holding[term] + 0.5) / (holding[term] + 0.5))
            * (count[term] * 2.2 / (count[term] + norm))
            for term in sorted(set(terms(task.question)))
        )

    return sorted(range(len(found)), key=lambda index: (-score(index), index))


def oracle(found: Sequence[str], words: int, score: Callable[[str], float]) -> Picked:
    """Sentences added one by one, always the one after which the extract scores best: what picking could reach."""
    order: list[int] = []
    while len(order) < len(found) and sum(len(found[index].split()) for index in order) < words:
        left = [index for index in range(len(found)) if index not in order]
        order.append(max(left, key=lambda index: score(" ".join(in_words(found, [*order, index], words)))))
    return in_words(found, order, words)
