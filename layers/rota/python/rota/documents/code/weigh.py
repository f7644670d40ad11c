"""Adds to batches that hold code how complex that code is, so that a complex one can go to a stronger model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rota.documents.code.complexity import GroupComplexity, group_complexity
from rota.documents.code.files import is_source
from rota.documents.code.links import CodeFile, Links, links
from rota.records import Batch, BatchComplexity, DocumentInfo, Passage

DIGITS = 4
"""Of what is stored."""


@dataclass(frozen=True, slots=True)
class JobCode:
    """The source files of a job and what they import, by number."""

    files: Mapping[int, CodeFile]
    links: Mapping[int, Links]

    @classmethod
    def of(cls, documents: Iterable[DocumentInfo]) -> JobCode:
        """The code among all documents of a job."""
        files = {
            info["number"]: CodeFile(info["number"], info["title"], info.get("imports"))
            for info in documents
            if is_source(info["title"], info["media_type"])
        }
        return cls(files, links(files.values()))

    def complexity(self, numbers: Iterable[int], total_bytes: int) -> GroupComplexity:
        """How complex some of the files are, of which there are `total_bytes`."""
        return group_complexity([self.files[number] for number in numbers], total_bytes, self.links)

    def score(self, numbers: Iterable[int], total_bytes: int) -> float | None:
        """As `complexity`, the score alone; None where the code could not be analysed."""
        found = self.complexity(numbers, total_bytes)
        return found.score if found.analysed else None


def weighed(batches: Iterable[Batch], code: JobCode) -> Iterator[Batch]:
    """The same batches one by one, those with code with their `complexity`.

    What counts is the code in the batch: of a document that was cut, the bytes of its passages there.
    """
    for batch in batches:
        passages = [passage for passage in batch["passages"] if passage["number"] in code.files]
        if passages:
            batch["complexity"] = _complexity(passages, code)
        yield batch


def _complexity(passages: Sequence[Passage], code: JobCode) -> BatchComplexity:
    numbers = sorted({passage["number"] for passage in passages})
    measured = code.complexity(numbers, sum(len(passage["text"].encode()) for passage in passages))
    return BatchComplexity(
        score=round(measured.score, DIGITS), dependency=round(measured.dependency, DIGITS), analysed=measured.analysed
    )
