"""Adds to batches that hold code how complex that code is, so that a complex one can go to a stronger model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from rota.documents.code.complexity import group_complexity
from rota.documents.code.files import is_code
from rota.documents.code.links import CodeFile, Links, links
from rota.records import Batch, BatchComplexity, DocumentInfo, Passage

DIGITS = 4
"""Of what is stored."""


def weighed(batches: Iterable[Batch], documents: Iterable[DocumentInfo]) -> Iterator[Batch]:
    """The same batches one by one, those with code with their `complexity`; `documents` are all those of the job.

    What counts is the code in the batch: of a document that was cut, the bytes of its passages there.
    """
    code = {
        info["number"]: CodeFile(info["number"], info["title"], info.get("imports"))
        for info in documents
        if is_code(info["title"])
    }
    found = links(code.values())
    for batch in batches:
        passages = [passage for passage in batch["passages"] if passage["number"] in code]
        if passages:
            batch["complexity"] = _complexity(passages, code, found)
        yield batch


def _complexity(
    passages: Sequence[Passage], code: Mapping[int, CodeFile], found: Mapping[int, Links]
) -> BatchComplexity:
    files = [code[number] for number in sorted({passage["number"] for passage in passages})]
    measured = group_complexity(files, sum(len(passage["text"].encode()) for passage in passages), found)
    return BatchComplexity(
        score=round(measured.score, DIGITS), dependency=round(measured.dependency, DIGITS), analysed=measured.analysed
    )
