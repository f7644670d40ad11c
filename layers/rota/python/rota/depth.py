"""How closely documents are read: the sizes of each step, and which stretches of a document are read at all.

brief    at most BRIEF_CHARACTERS of each document, its most relevant passages; shorter notes and answer
normal   everything, as rota.yaml says
deep     everything in smaller batches, so that each document gets more notes; a longer synthesis and answer
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rota.catalog import Catalog, Step
from rota.documents.chunk import Chunk, chunk
from rota.documents.extraction.terms import terms
from rota.records import Document, DocumentInfo

BRIEF_CHARACTERS = 2640
"""What is read of a document at most: 800 tokens of Latin script by estimate, a page and a half."""
PIECE_TOKENS = 160
"""Of the pieces that are chosen from: a paragraph or two."""
SEARCHED_CHARACTERS = 400_000
"""How far into a document its relevant passages are looked for, which takes a few hundredths of a second."""
LEAST_BATCH_TOKENS = 1200
"""Smaller batches than this would repeat the prompt more than they read."""
LEAST_OUTPUT_TOKENS = 50

_AS_IT_IS = (1.0, 1.0)
_SIZES: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "brief": {"summarize": (1, 0.6), "analyze": (1, 0.6), "synthesize": (1, 0.6), "answer": (1, 0.6)},
    "deep": {"summarize": (0.5, 1), "analyze": (0.5, 1), "synthesize": (1, 1.5), "answer": (1.25, 1.5)},
}
"""Factors of a step's input and output."""


def depth_of(options: Mapping[str, Any]) -> str:
    """The depth that a job's options ask for."""
    return str(options.get("depth") or "normal")


def sized(step: Step, name: str, depth: str) -> Step:
    """A step of rota.yaml (`name` as there) with the sizes that it has at a depth."""
    inputs, outputs = _SIZES.get(depth, {}).get(name, _AS_IT_IS)
    least = min(LEAST_BATCH_TOKENS, step.max_input_tokens)
    return step.model_copy(
        update={
            "max_input_tokens": max(least, round(step.max_input_tokens * inputs)),
            "max_output_tokens": max(LEAST_OUTPUT_TOKENS, round(step.max_output_tokens * outputs)),
        }
    )


def sized_catalog(catalog: Catalog, depth: str) -> Catalog:
    """The catalog with every step as it is at a depth; the very same at the normal one."""
    if depth not in _SIZES:
        return catalog
    steps = {name: sized(step, name, depth) for name, step in catalog.steps if step is not None}
    return catalog.model_copy(update={"steps": catalog.steps.model_copy(update=steps)})


def is_read_in_part(document: DocumentInfo, depth: str) -> bool:
    """Whether only some passages of a document are read at this depth."""
    return depth == "brief" and document["characters"] > BRIEF_CHARACTERS


def characters_read(document: DocumentInfo, depth: str) -> int:
    """How much of a document is read at this depth, at most."""
    return min(document["characters"], BRIEF_CHARACTERS) if depth == "brief" else document["characters"]


def stretches(document: Document, question: str, depth: str) -> list[tuple[int, int]]:
    """What is read of a document, as (start, end) in characters of its text, in order and apart.

    In part that is its beginning and the pieces that hold most of the question (without any of it, the beginning
    alone).
    """
    text = document["text"]
    if not is_read_in_part(document, depth):
        return [(0, len(text))]
    pieces = chunk(text[:SEARCHED_CHARACTERS], PIECE_TOKENS)
    scores = _scores(pieces, question)
    kept, left = [], BRIEF_CHARACTERS
    for place in sorted(range(len(pieces)), key=lambda place: (place > 0, -scores[place], place)):
        if len(pieces[place].text) <= left:
            kept.append(place)
            left -= len(pieces[place].text)
    return _runs(pieces[place] for place in sorted(kept))


def _scores(pieces: Sequence[Chunk], question: str) -> list[float]:
    """How much of the question stands in each piece: its words by their beginnings, rare ones counting for more."""
    asked = sorted(dict.fromkeys(terms(question)), key=len, reverse=True)
    if not asked:
        return [0.0] * len(pieces)
    words = re.compile("|".join(map(_beginning, asked)), re.IGNORECASE)
    counts = [Counter(word.lower() for word in words.findall(piece.text)) for piece in pieces]
    held = Counter(word for count in counts for word in count)
    rare = {word: math.log(1 + len(pieces) / number) for word, number in held.items()}
    return [sum(rare[word] * (1 + math.log(times)) for word, times in count.items()) for count in counts]


def _beginning(term: str) -> str:
    """A pattern for words that begin with a term; scripts without spaces have no beginnings."""
    return rf"\b{re.escape(term)}" if term.isascii() else re.escape(term)


def _runs(pieces: Iterable[Chunk]) -> list[tuple[int, int]]:
    """Where stretches of neighbouring pieces begin and end."""
    runs: list[tuple[int, int]] = []
    for piece in pieces:
        if runs and runs[-1][1] == piece.start:
            runs[-1] = runs[-1][0], piece.end
        else:
            runs.append((piece.start, piece.end))
    return runs
