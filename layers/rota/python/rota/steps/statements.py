"""Statements with their marks, and the choice among them without a model."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from rota.documents.chunk import beginning
from rota.documents.extraction.extract import Source, quote
from rota.documents.extraction.sentences import LONGEST, Sentence, sentences
from rota.documents.tokens import estimate_tokens
from rota.steps.citations import cited_in, mark

_LAST_MARKS = re.compile(r"\s*(?:\[\d+\])+(?=[.!?。！？…]*$)")
_STOP = re.compile(r"[.!?。！？…]*$")


def choose(question: str, texts: Iterable[str], max_tokens: int) -> list[str]:
    """The statements of notes that answer the question best, within `max_tokens` as a list.

    Those of the most relevant documents come first, each document's in their order.
    """
    groups = _by_marks(texts)
    sources, marks = [Source("", said) for said in groups.values()], list(groups)
    # When not even one fits, the best is cut.
    picked = quote(sources, question, max_tokens) or quote(sources, question, LONGEST)[:1]
    return within([marked(text, marks[index]) for index, quotes in picked for text in quotes], max_tokens)


def marked(text: str, numbers: Sequence[int]) -> str:
    """A statement with its documents' marks before the full stop, unless it ends with marks of its own."""
    if not numbers or _LAST_MARKS.search(text):
        return text
    end = _STOP.search(text)
    at = end.start() if end else len(text)
    return f"{text[:at]} {mark(numbers)}{text[at:]}"


def _by_marks(texts: Iterable[str]) -> dict[tuple[int, ...], list[Sentence]]:
    """The sentences of notes by the documents they rest on; one that several notes have has all their marks."""
    found = [statement for text in texts for line in text.splitlines() for statement in _of_line(line)]
    numbers: dict[str, set[int]] = {}
    for sentence, cited in found:
        numbers.setdefault(sentence.text, set()).update(cited)
    groups: dict[tuple[int, ...], list[Sentence]] = {}
    before: tuple[int, ...] | None = None
    for sentence, _ in found:
        if sentence.text not in numbers:
            before = None
            continue
        marks = tuple(sorted(numbers.pop(sentence.text)))
        # What stood before it may have gone to another group: then it goes on from nothing.
        groups.setdefault(marks, []).append(replace(sentence, leads=sentence.leads or marks != before))
        before = marks
    return groups


def _of_line(line: str) -> Iterator[tuple[Sentence, list[int]]]:
    """A line's sentences with their marks, or those of the whole line; marks at a sentence's end are taken off it."""
    whole = cited_in(line)
    for sentence in sentences(line):
        bare = _LAST_MARKS.sub("", sentence.text)
        # Marks inside a sentence tell its halves apart, so all of them stay where they are.
        text = sentence.text if cited_in(bare) else bare
        yield replace(sentence, text=text), cited_in(sentence.text) or whole


def within(lines: Sequence[str], max_tokens: int) -> list[str]:
    """As many lines as fit into a list of `max_tokens`; the first one is cut when it alone is too long."""
    kept: list[str] = []
    left = max_tokens
    for line in lines:
        left -= line_tokens(line)
        if left >= 0:
            kept.append(line)
    return kept or [beginning(line, max(1, max_tokens - 2)) for line in lines[:1]]


def line_tokens(line: str) -> int:
    """A line's size as an item of a list."""
    return estimate_tokens(f"- {line}\n")


def as_list(lines: Iterable[str]) -> str:
    """A Markdown list."""
    return "\n".join(f"- {line}" for line in lines)
