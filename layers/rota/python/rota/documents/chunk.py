"""Cuts a long text where its structure allows: at headings and definitions, else paragraphs, lines, sentences, words.

Each piece is as long as the budget lets it be, but ends at the strongest boundary in the second half of that reach.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from rota.documents.tokens import estimate_tokens

# From the strongest boundary to the weakest; a cut is made at the end of a match. A line that is not indented after
# an empty one ends a function or class in most languages, and a paragraph in prose; an indented definition after one
# ends a method.
_DEFINITION = r"(?:export |public |async |pub )*(?:def|class|func|fn|function|interface|struct|impl)\b"
_BOUNDARIES = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\n[ \t]*\n(?=#{{1,6}} |@|{_DEFINITION})",
        r"\n[ \t]*\n(?=\S)",
        rf"\n[ \t]*\n(?=[ \t]+(?:@|{_DEFINITION}))",
        r"\n[ \t]*\n",
        r"\n",
        r"[.!?…][\"'”’)\]]*[ \t]+|[。！？]",
        r"\s",
    )
)
_LOOK_AHEAD = 100
"""Characters after the reach that a boundary's look-ahead may see."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """The characters `start` to `end` (exclusive) of a text."""

    start: int
    end: int
    text: str


def chunk(text: str, max_tokens: int) -> list[Chunk]:
    """Cut a text into consecutive pieces of at most `max_tokens` by `estimate_tokens`.

    Nothing is lost: the pieces follow each other without a gap, save for stretches of nothing but white space.
    Raises ValueError when `max_tokens` is below 1.
    """
    if max_tokens < 1:
        raise ValueError("a chunk holds at least one token")
    chunks = []
    start = 0
    while start < len(text):
        end = piece_end(text, start, max_tokens)
        piece = text[start:end]
        if piece.strip():
            chunks.append(Chunk(start, end, piece))
        start = end
    return chunks


def piece_end(text: str, start: int, max_tokens: int) -> int:
    """Where the piece that begins at `start` ends, so that it has at most `max_tokens` (at least 1)."""
    return _cut(text, start, _reach(text, start, max_tokens))


def _reach(text: str, start: int, max_tokens: int) -> int:
    """The last end at which the text from `start` still fits: directly for ASCII, else by bisection."""
    low, high = start + 1, min(len(text), start + max_tokens * 33 // 10)
    if estimate_tokens(text[start:high]) <= max_tokens:
        return high
    while low < high:
        middle = (low + high + 1) // 2
        if estimate_tokens(text[start:middle]) <= max_tokens:
            low = middle
        else:
            high = middle - 1
    return low


def _cut(text: str, start: int, reach: int) -> int:
    if reach == len(text):
        return reach
    earliest = (start + reach) // 2
    for boundary in _BOUNDARIES:
        ends = [match.end() for match in boundary.finditer(text, earliest, reach + _LOOK_AHEAD) if match.end() <= reach]
        if ends and ends[-1] > start:
            return ends[-1]
    return reach


def beginning(text: str, max_tokens: int) -> str:
    """A text as it is when it fits, else its beginning, ended by `…`, within `max_tokens`."""
    text = text.strip()
    if estimate_tokens(text) <= max_tokens:
        return text
    first = chunk(text, max(1, max_tokens - 1))[0].text.rstrip()
    return f"{first}…"
