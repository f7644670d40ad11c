"""Statements with their marks, and the choice among them without a model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rota.documents.chunk import beginning
from rota.documents.extract import extract
from rota.documents.sentences import sentences
from rota.documents.tokens import estimate_tokens
from rota.steps.citations import cited_in, mark

STATEMENT_TOKENS = 40
"""A typical statement with its mark; longer ones are made up for by leaving others out."""


def statements(texts: Iterable[str]) -> Iterator[str]:
    """Every sentence of the notes, each with the marks of its line when it has none of its own."""
    for text in texts:
        for line in text.splitlines():
            marks = cited_in(line)
            for sentence in sentences(line):
                own = bool(cited_in(sentence.text)) or not marks
                yield sentence.text if own else f"{sentence.text} {mark(marks)}"


def choose(question: str, texts: Sequence[str], max_tokens: int) -> list[str]:
    """The statements of notes that answer the question best, within `max_tokens` as a list."""
    everything = "\n\n".join(statements(texts))
    return within(extract(everything, question, max(1, max_tokens // STATEMENT_TOKENS)), max_tokens)


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
