"""How a question was planned for a pile like this: one that has grown is read as before, and its notes are found again.

Another plan would be another prompt for every batch, and so would batches of other sizes (see `reuse`). A plan depends
on the titles that the planner sees, sizes on what models have taught meanwhile: both would differ with each new file.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

ALIKE = 0.5
"""Of the documents of two piles together, how many must be in both: a plan for others would look for other things."""
SKETCHED = 200
"""Titles by which piles are compared. Of larger ones those with the smallest digests stand for all, as well as a random
sample would: a share of a half is right to within 0.1 nineteen times out of twenty."""
MOST_KEPT = 8
"""Piles of which a plan is kept for the same question, such as one that several inboxes share."""


@dataclass(frozen=True, slots=True)
class EarlierPlan:
    """`plan` has its focus, outline and model, as in `plan.json`; `rooms` are as `Readers.rooms_by_reader` says.

    `pile` is a sketch of the titles it was made for. Without any it stands for no plan at all.
    """

    pile: Sequence[str] = ()
    plan: Mapping[str, Any] = field(default_factory=dict)
    rooms: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, titles: Iterable[str], made: Mapping[str, Any]) -> EarlierPlan:
        """What is kept of a plan that was `made` for documents of these titles."""
        kept = ("focus", "outline", "mode", "model", "tier", "defaulted")
        return cls(_sketch(titles), {name: made[name] for name in kept if name in made})


def closest(plans: Sequence[EarlierPlan], titles: Iterable[str]) -> EarlierPlan:
    """The plan that was made for the pile most like documents of these titles, or none that would do."""
    pile = _sketch(titles)
    found = max(plans, key=lambda one: _alike(one.pile, pile), default=EarlierPlan())
    return found if _alike(found.pile, pile) >= ALIKE else EarlierPlan()


def with_plan(plans: Sequence[EarlierPlan], new: EarlierPlan) -> list[EarlierPlan]:
    """The plans to be kept, the newest last, of which `new` takes the place of the one for the same pile."""
    return [*(one for one in plans if one.pile != new.pile), new][-MOST_KEPT:]


def _alike(one: Sequence[str], other: Sequence[str]) -> float:
    """The share of two piles' documents that both have, by their sketches."""
    together = sorted({*one, *other})[:SKETCHED]
    return len({*one}.intersection(other, together)) / len(together) if together else 0.0


def _sketch(titles: Iterable[str]) -> list[str]:
    """The smallest digests of titles; the second document of one title counts as another."""
    seen, digests = Counter[str](), []
    for title in titles:
        seen[title] += 1
        digests.append(hashlib.sha256(f"{seen[title]} {title}".encode("utf-8", "replace")).hexdigest()[:10])
    return sorted(digests)[:SKETCHED]
