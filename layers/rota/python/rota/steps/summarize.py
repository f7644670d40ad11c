"""SummarizeBatch: notes on a batch of documents for one question, each statement with its document's mark.

A batch of code has a prompt of its own, `analyze`; everything else is the same for both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Literal

from rota.documents.chunk import beginning
from rota.documents.extraction.extract import LINE_TOKENS, extract, quote_texts
from rota.errors import InvalidOutputError
from rota.records import Batch, NotesTask, Passage, Summary
from rota.steps import citations, delimit
from rota.steps.output import bare
from rota.steps.prompt import StepPrompt, bullets, fill, words
from rota.steps.statements import as_list, marked

QUESTION_TOKENS = 600
"""A longer question is shortened here, so that documents keep their room; the answer's prompt has it whole."""

_ITEM = re.compile(r"^\s*(?:[-*+•]|\d{1,3}[.)])\s+")
_SPAN = re.compile(r"`[^`]*`")
_MARKS = r"(?: ?\[\d{1,6}(?::p?[\d-]{1,15})?\])+"
_STATEMENT = re.compile(rf"\S.*?(?:{_MARKS}[.!?…。！？]+|[.!?…。！？]+{_MARKS})(?=\s|$)|\S.*$")
_LAST_MARKS = re.compile(rf"{_MARKS}(?=[.!?…。！？]*$)")


def prompt(question: str, focus: Sequence[str], batch: Batch, max_output_tokens: int) -> StepPrompt:
    """Ask for notes on a batch."""
    task = task_of(batch)
    # Models that quote a document word for word would quote its own marks, too. In code they are indices.
    passages = batch["passages"] if task == "analyze" else list(map(_quotable, batch["passages"]))
    return _filled(task, question, focus, delimit.documents(passages), max_output_tokens)


def _quotable(passage: Passage) -> Passage:
    return {**passage, "text": citations.prose_without_marks(passage["text"])}


def task_of(batch: Batch) -> NotesTask:
    """The task of a batch's call, which is also the name of its prompt."""
    return "analyze" if batch.get("kind") == "code" else "summarize"


def frame_tokens(question: str, focus: Sequence[str], max_output_tokens: int, task: NotesTask = "summarize") -> int:
    """What a prompt holds besides its passages; `documents.group.pack` may fill the rest of the step's input."""
    return _filled(task, question, focus, "", max_output_tokens).tokens


def check(text: str, batch: Batch) -> Summary:
    """A model's notes with only marks of the batch's documents; without any they get the marks of the whole batch.

    Raises InvalidOutputError when nothing is left.
    """
    numbers = _numbers(batch)
    notes = citations.clean(bare(text), numbers)
    if not notes["text"]:
        raise InvalidOutputError("the notes hold nothing but marks of documents that were not given")
    if not notes["cited"]:
        notes["text"] += f" {citations.mark(numbers)}"
    return Summary(batch_id=batch["batch_id"], text=notes["text"], cited=notes["cited"] or numbers, documents=numbers)


def join(batch: Batch, pieces: Sequence[Summary]) -> Summary:
    """The notes on a batch that was summarised in pieces."""
    text = "\n".join(piece["text"] for piece in pieces)
    cited = sorted({number for piece in pieces for number in piece["cited"]})
    modes: list[Literal["models", "extractive"]] = [piece.get("mode", "models") for piece in pieces]
    return Summary(
        batch_id=batch["batch_id"],
        text=text,
        cited=cited,
        documents=_numbers(batch),
        mode="extractive" if "extractive" in modes else "models",
        input_tokens=sum(piece.get("input_tokens", 0) for piece in pieces),
        output_tokens=sum(piece.get("output_tokens", 0) for piece in pieces),
        cost_nanousd=sum(piece.get("cost_nanousd", 0) for piece in pieces),
    )


def by_document(summary: Summary) -> dict[int, list[str]]:
    """The statements on each document of a batch, in their order, by its number; an empty list where there are none.

    A statement that rests on two documents stands with both. One without a mark goes with what stands before it, as the
    points below a marked one do, or at the beginning with everything that is cited.
    """
    found: dict[int, dict[str, None]] = {number: {} for number in summary["documents"]}
    numbers = [number for number in summary["cited"] if number in found]
    for line in summary["text"].splitlines():
        for statement in _statements(line):
            numbers = [number for number in citations.cited_in(statement) if number in found] or numbers
            text = _LAST_MARKS.sub("", statement)
            for number in numbers:
                found[number][text] = None
    return {number: list(texts) for number, texts in found.items()}


def _statements(line: str) -> Iterator[str]:
    """A line's sentences, as far as marks tell where they end; a heading says nothing."""
    line = " ".join(_ITEM.sub("", line).split())
    if not line.startswith("#"):
        shown = _SPAN.sub(lambda span: "`" * len(span[0]), line)
        yield from (line[each.start() : each.end()] for each in _STATEMENT.finditer(shown))


def extractive(question: str, batch: Batch, max_tokens: int) -> Summary:
    """Notes without a model: of each passage a sentence, and more of those that say most, in their own words."""
    passages = batch["passages"]
    share = max_tokens // max(1, len(passages))
    texts = [(passage["title"], passage["text"]) for passage in passages]
    picked = dict(quote_texts(texts, question, max_tokens, each=True))
    lines = [
        line
        for index, passage in enumerate(passages)
        for line in _lines(passage, picked.get(index) or [_shortened(texts[index], question, share)])
    ]
    text = as_list(lines)
    numbers = _numbers(batch)
    cited = [number for number in citations.cited_in(text) if number in numbers]
    return Summary(batch_id=batch["batch_id"], text=text, cited=cited, documents=numbers)


def _lines(passage: Passage, quotes: Sequence[str]) -> list[str]:
    return [marked(_harmless(line), [passage["number"]]) for line in quotes]


def _harmless(quote: str) -> str:
    """A quote, or a title, on one line; it cites nothing and opens no code, in which marks after it would be none."""
    return citations.without_marks(" ".join(quote.replace("`", "").split()))


def _shortened(titled: tuple[str, str], question: str, max_tokens: int) -> str:
    """The beginning of a passage's best sentence, or of its title, so that no document goes without a line."""
    title, text = titled
    found = extract(text, question, 1) or [title]
    return beginning(found[0], max(4, max_tokens - LINE_TOKENS))


def _filled(task: NotesTask, question: str, focus: Sequence[str], documents: str, max_output_tokens: int) -> StepPrompt:
    return fill(
        task,
        question=delimit.question(beginning(question, QUESTION_TOKENS)),
        focus=bullets(list(focus), "- whatever helps to answer the question"),
        documents=documents,
        words=words(max_output_tokens),
    )


def _numbers(batch: Batch) -> list[int]:
    return sorted({passage["number"] for passage in batch["passages"]})
