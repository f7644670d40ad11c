"""Reciprocal rank fusion: several rankings of the same things as one (Cormack, Clarke and Büttcher, SIGIR 2009).

It needs no scores that could be compared, so it holds for words in an index as for results of a vendor.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import TypeVar

T = TypeVar("T", bound=Hashable)

RANK_CONSTANT = 60
"""From the paper: how little the first ranks stand out, so that two middling ranks outweigh one good one."""


def fuse(rankings: Iterable[Iterable[T]]) -> list[tuple[T, float]]:
    """Everything that is ranked, best first, with the sum of 1 ÷ (60 + rank) over the rankings that hold it.

    Ranks count from 1; what comes twice in a ranking counts where it comes first. Of equals, the one seen first leads.
    """
    scores: dict[T, float] = {}
    for ranking in rankings:
        for rank, each in enumerate(dict.fromkeys(ranking), start=1):
            scores[each] = scores.get(each, 0.0) + 1 / (RANK_CONSTANT + rank)
    return sorted(scores.items(), key=lambda scored: scored[1], reverse=True)
