"""Halves of a batch that is larger than any model takes after all, named by their path: `1`, `2`, `11`, `12` …"""

from __future__ import annotations

from itertools import accumulate

from rota.documents.chunk import piece_end
from rota.documents.context import Context
from rota.documents.group import lines_of, passage_tokens
from rota.documents.tokens import estimate_tokens
from rota.records import Batch, Passage

LEAST_TOKENS = 200
"""Smaller pieces are not cut any further."""


def piece(batch: Batch, path: str) -> Batch:
    """The piece of a batch that `path` leads to; the whole for an empty path. The same path gives the same piece."""
    passages = batch["passages"]
    for turn in path:
        passages = _halves(passages)[int(turn) - 1]
    batch_id = f"{batch['batch_id']}.{path}" if path else batch["batch_id"]
    return {**batch, "batch_id": batch_id, "passages": passages}


def can_be_cut(batch: Batch) -> bool:
    """Whether both halves would hold something worth a call."""
    return sum(map(passage_tokens, batch["passages"])) >= 2 * LEAST_TOKENS


def following(path: str) -> str | None:
    """The piece after this one: the second half after the first, and then whatever follows their whole."""
    path = path.rstrip("2")
    return path[:-1] + "2" if path else None


def _halves(passages: list[Passage]) -> tuple[list[Passage], list[Passage]]:
    if len(passages) == 1:
        return _cut(passages[0])
    held = list(accumulate(map(passage_tokens, passages)))
    middle = min(range(1, len(passages)), key=lambda at: abs(2 * held[at - 1] - held[-1]))
    return passages[:middle], passages[middle:]


def _cut(passage: Passage) -> tuple[list[Passage], list[Passage]]:
    """One passage, cut where its structure allows, as near to the middle as that is."""
    text = passage["text"]
    end = piece_end(text, 0, estimate_tokens(text) * 2 // 3)
    middle = passage["start"] + end
    first: Passage = {**passage, "end": middle, "text": text[:end]}
    second: Passage = {**passage, "start": middle, "text": text[end:]}
    media_type = "text/plain" if "lines" in passage else ""  # only source files have lines
    second["within"] = Context(passage["title"], text, media_type, inherited=passage.get("within", "")).at(end)
    if "lines" in passage:
        line = passage["lines"][0]
        first["lines"] = lines_of(first["text"], line)
        second["lines"] = lines_of(second["text"], line + first["text"].count("\n"))
    return [first], [second]
