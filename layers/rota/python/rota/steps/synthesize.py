"""SynthesizeSummaries: reduces notes, level by level, until they fit into the answer's prompt.

24 summaries ─► level 1: 6 groups ─► 6 merged notes ─► fit? ─► the answer       (else level 2, and so on)
"""

from __future__ import annotations

from collections.abc import Sequence

from rota.documents.chunk import chunk
from rota.documents.tokens import estimate_tokens
from rota.errors import InvalidOutputError
from rota.records import Notes
from rota.steps import citations, delimit
from rota.steps.output import bare
from rota.steps.prompt import StepPrompt, bullets, fill, words
from rota.steps.statements import as_list, choose

MAX_LEVELS = 6
"""Levels of the tree: each divides the notes by about eight, so that six are beyond any job. A guard, no limit."""

NOTE_TOKENS = 8
"""What the delimiters of one note cost."""


def fits(texts: Sequence[str], max_tokens: int) -> bool:
    """Whether notes, with their delimiters, have at most `max_tokens`."""
    return sum(map(note_tokens, texts)) <= max_tokens


def note_tokens(text: str) -> int:
    """The size of one note in a prompt."""
    return estimate_tokens(text) + NOTE_TOKENS


def plan_level(texts: Sequence[str], max_tokens: int) -> dict[str, list[str]]:
    """Put notes into groups of at most `max_tokens` each and of about the same size, in their order, by group id.

    A note that alone is too large is cut. Raises ValueError when `max_tokens` holds no note at all.
    """
    pieces = [piece for text in texts for piece in _pieces(text, max_tokens)]
    sizes = [note_tokens(piece) for piece in pieces]
    even = sum(sizes) / -(-sum(sizes) // max_tokens) if sizes else 0
    groups: list[list[str]] = []
    used = 0
    for piece, size in zip(pieces, sizes, strict=True):
        if not groups or used + size > max_tokens or used >= even:
            groups.append([])
            used = 0
        groups[-1].append(piece)
        used += size
    return {f"g{number:04d}": group for number, group in enumerate(groups, start=1)}


def prompt(question: str, focus: Sequence[str], texts: Sequence[str], max_output_tokens: int) -> StepPrompt:
    """Ask for the notes of a group as one."""
    return _filled(question, focus, delimit.notes(texts), max_output_tokens)


def frame_tokens(question: str, focus: Sequence[str], max_output_tokens: int) -> int:
    """What a prompt holds besides its notes."""
    return _filled(question, focus, "", max_output_tokens).tokens


def check(text: str, texts: Sequence[str]) -> Notes:
    """A model's merged notes with only marks that the group has.

    Raises InvalidOutputError when nothing is left, or when every mark was lost: the answer could not cite any more.
    """
    known = known_numbers(texts)
    notes = citations.clean(bare(text), known)
    if not notes["text"] or (known and not notes["cited"]):
        raise InvalidOutputError("the merged notes have lost every citation")
    return notes


def extractive(question: str, texts: Sequence[str], max_tokens: int) -> Notes:
    """The group's statements that answer the question best, without a model, within `max_tokens`."""
    return citations.clean(as_list(choose(question, texts, max_tokens)), known_numbers(texts))


def combine(texts: Sequence[str]) -> Notes:
    """Notes that fit, one after the other: what the answer is written from."""
    return Notes(text="\n\n".join(texts), cited=known_numbers(texts))


def known_numbers(texts: Sequence[str]) -> list[int]:
    """Every document that notes cite, ascending."""
    return sorted({number for text in texts for number in citations.cited_in(text)})


def _pieces(text: str, max_tokens: int) -> list[str]:
    if note_tokens(text) <= max_tokens:
        return [text]
    return [piece.text for piece in chunk(text, max_tokens - NOTE_TOKENS)]


def _filled(question: str, focus: Sequence[str], notes: str, max_output_tokens: int) -> StepPrompt:
    return fill(
        "synthesize",
        question=delimit.question(question),
        focus=bullets(list(focus), "- whatever helps to answer the question"),
        notes=notes,
        words=words(max_output_tokens),
    )
