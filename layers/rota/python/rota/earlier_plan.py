"""How a question was planned the last time: a pile that has grown is read as before, and its notes are found again.

Another plan would be another prompt for every batch, and so would batches of other sizes (see `reuse`). A plan depends
on the titles that the planner sees, sizes on what models have taught meanwhile: both would differ with each new file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

LEAST_SHARED = 0.5
"""Of the earlier documents that must be among the new ones, by title: a plan for others would look for other things."""


@dataclass(frozen=True, slots=True)
class EarlierPlan:
    """`plan` has its focus, outline and model, as in `plan.json`; `rooms` are as `Readers.rooms_by_reader` says.

    `titles` are digests of the documents' titles. Without any it stands for no plan at all.
    """

    titles: Collection[str] = ()
    plan: Mapping[str, Any] = field(default_factory=dict)
    rooms: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, titles: Iterable[str], made: Mapping[str, Any], rooms: Mapping[str, int]) -> EarlierPlan:
        """What is kept of a plan that was `made` for documents of these titles."""
        kept = ("focus", "outline", "mode", "model", "tier", "defaulted")
        return cls(_digests(titles), {name: made[name] for name in kept if name in made}, rooms)

    def is_for(self, titles: Iterable[str]) -> bool:
        """Whether documents of these titles are the earlier ones, or most of them and others."""
        shared = len(set(self.titles).intersection(_digests(titles)))
        return bool(self.titles) and shared >= LEAST_SHARED * len(self.titles)


def _digests(titles: Iterable[str]) -> list[str]:
    return [hashlib.sha256(title.encode("utf-8", "replace")).hexdigest()[:8] for title in titles]
