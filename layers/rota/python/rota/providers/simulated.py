"""A model without weights: it answers by extraction from its own prompt.

`local.simulated` serves it on the vendors' wires, so that a job on a laptop gives a true, readable, cited answer with
no key. It knows Rota's prompts: numbered documents, notes and the question between their delimiters.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rota.providers.schema_filling import fill_schema
from rota.providers.simulated_judgements import judgement
from rota.providers.structured_output import find_schema

Extract = Callable[[Sequence[tuple[str, str]], str, int, bool], list[tuple[int, list[str]]]]
"""`quote_texts` of `rota.documents.extraction`, a layer above: titles and texts, question, tokens, one of each?"""

NOTICE = "*Simulated models wrote this: its sentences are picked from the documents, not composed.*"
"""Stands above whatever a person may read as an answer: everything but summaries and merged notes."""

_MERGES = "You merge notes"
_MESSAGE_OVERHEAD_TOKENS = 8
_FILLED_SHARE = 0.95
_CHARACTERS_PER_QUOTED_TOKEN = 3.3
_ANSWER_CHARACTERS = 1800
_ATTRIBUTES = re.compile(r'(?=[\s>])((?:[^>"]|"[^"]*")*)>')
_NUMBER = re.compile(r'\bnumber="(\d+)"')
_TITLE = re.compile(r'\btitle="([^"]*)"')
_MARK = re.compile(r"\[(\d+)\]")
_CITED = re.compile(r"(\S.*?)((?:\s*\[\d+\])+)[.!?]?(?=\s|$)")
_WORD = re.compile(r"\w{4,}")
_COMMON = {"about", "does", "from", "have", "into", "that", "their", "these", "this", "what", "when", "where", "with"}


@dataclass(frozen=True, slots=True)
class SimulatedReply:
    """What the model said; `stop_reason` is `end`, or `length` when `max_output_tokens` cut it off."""

    text: str
    input_tokens: int
    output_tokens: int
    stop_reason: str


@dataclass(frozen=True, slots=True)
class _Statement:
    text: str
    numbers: tuple[int, ...]

    def __str__(self) -> str:
        return f"- {self.text} {''.join(f'[{number}]' for number in self.numbers)}."


class SimulatedModel:
    """One model; `characters_per_token` sets its tokenizer, so that models can differ as real ones do."""

    def __init__(self, extract: Extract, characters_per_token: float = 4.0) -> None:
        self._extract = extract
        self._characters_per_token = characters_per_token

    def count_tokens(self, text: str) -> int:
        """Tokens of `text` as this model counts them."""
        return math.ceil(len(text) / self._characters_per_token)

    def count_input_tokens(self, system: str, prompt: str, json_schema: Mapping[str, Any] | None = None) -> int:
        """Tokens of a whole call; a schema given beside the prompt counts as if it were written in it."""
        schema = "" if json_schema is None else json.dumps(json_schema)
        return _MESSAGE_OVERHEAD_TOKENS + sum(self.count_tokens(text) for text in (system, prompt, schema))

    def reply(
        self, system: str, prompt: str, max_output_tokens: int, json_schema: Mapping[str, Any] | None = None
    ) -> SimulatedReply:
        """Answer the prompt: cited sentences, or JSON for a schema given here or in the system prompt."""
        budget = math.floor(max_output_tokens * self._characters_per_token)
        room = math.floor(budget * _FILLED_SHARE)
        text = self._compose(prompt, json_schema or find_schema(system), room, system.startswith(_MERGES))
        cut = text[:budget]
        return SimulatedReply(
            text=cut,
            input_tokens=self.count_input_tokens(system, prompt, json_schema),
            output_tokens=self.count_tokens(cut),
            stop_reason="length" if len(cut) < len(text) else "end",
        )

    def _compose(self, prompt: str, schema: Mapping[str, Any] | None, characters: int, merges: bool) -> str:
        question = " ".join(text for _, text in _blocks(prompt, "question")).strip()
        notes = [text for _, text in _blocks(prompt, "note")]
        documents = list(_numbered_documents(prompt))
        if schema is not None:
            if judged := judgement(schema, question, " ".join(notes)):
                return json.dumps(judged)
            return json.dumps(self._fill(schema, notes, question or prompt, characters), ensure_ascii=False)
        if notes:
            if merges:
                return "\n".join(map(str, self._merge(notes, question, characters)))
            room = min(_ANSWER_CHARACTERS, characters - len(NOTICE))
            return "\n".join([NOTICE, "", *map(str, self._merge(notes, question, room))])
        if documents:
            return "\n".join(str(s) for s in self._summarize(documents, question, characters))
        quotes = self._quote([("", prompt)], question or prompt, min(_ANSWER_CHARACTERS, characters), each=False)
        return "\n".join([NOTICE, "", *(text for _, texts in quotes for text in texts)])

    def _fill(self, schema: Mapping[str, Any], notes: Sequence[str], question: str, characters: int) -> Any:
        """An answer as JSON says what the notes say; a plan, which has none, is made of its question."""
        picked = [str(s).removeprefix("- ") for s in self._merge(notes, question, characters // 2)]
        if picked:
            return fill_schema(schema, picked, " ".join(picked))
        return fill_schema(schema, question_phrases(question), _clean(question))

    def _summarize(
        self, documents: Sequence[tuple[int, str, str]], question: str, characters: int
    ) -> Iterator[_Statement]:
        """Every document has a statement, so that none goes uncited; those that fit the question have more."""
        width = max(20, characters // len(documents) - len("-  [1234].\n"))
        texts = [(title, _MARK.sub(r"(\1)", text)) for _, title, text in documents]
        picked = dict(self._quote(texts, question, characters, each=True))
        for index, (number, _, text) in enumerate(documents):
            for quote in picked.get(index) or [_clip(self._best(text, question), width)]:
                yield _Statement(_clean(quote), (number,))

    def _best(self, text: str, question: str) -> str:
        """What a document would say first, however long it is."""
        quotes = self._quote([("", _MARK.sub(r"(\1)", text))], question, _ANSWER_CHARACTERS, each=False)
        return quotes[0][1][0] if quotes else text.strip().splitlines()[0]

    def _merge(self, notes: Sequence[str], question: str, characters: int) -> list[_Statement]:
        """The best cited statements, each once with all its marks; what is not cited is not carried on."""
        numbers: dict[str, dict[int, None]] = {}
        for note in notes:
            for statement in _cited_statements(note):
                numbers.setdefault(statement.text, {}).update(dict.fromkeys(statement.numbers))
        groups: dict[tuple[int, ...], list[str]] = {}
        for text, marks in numbers.items():
            groups.setdefault(tuple(sorted(marks)), []).append(f"{text}.")
        picked = self._quote([("", "\n\n".join(texts)) for texts in groups.values()], question, characters, each=False)
        marks_of = list(groups)
        chosen = [_Statement(_clean(text), marks_of[index]) for index, texts in picked for text in texts]
        return (
            chosen
            or [_Statement(_clip(text, max(20, characters)), tuple(marks)) for text, marks in numbers.items()][:1]
        )

    def _quote(
        self, texts: Sequence[tuple[str, str]], question: str, characters: int, each: bool
    ) -> list[tuple[int, list[str]]]:
        return self._extract(texts, question, math.floor(characters / _CHARACTERS_PER_QUOTED_TOKEN), each)


def question_phrases(question: str) -> list[str]:
    """The question itself, its clauses and its telling words: what a plan can be made of."""
    whole = _clean(question).rstrip("?! ")
    clauses = [c for c in (_clean(part) for part in re.split(r"[?!.,;:]|\band\b|\bor\b", question)) if " " in c]
    words = [word for word in _WORD.findall(question.lower()) if word not in _COMMON]
    return list(dict.fromkeys(filter(None, [whole, *clauses, *words])))[:8] or [question]


def _blocks(prompt: str, tag: str) -> Iterator[tuple[str, str]]:
    """Attributes and text of each `<tag …>…</tag>`; a tag that the instructions only mention is passed over."""
    for piece in prompt.split(f"</{tag}>")[:-1]:
        _, opened, rest = piece.rpartition(f"<{tag}")
        attributes = _ATTRIBUTES.match(rest)
        if opened and attributes:
            yield attributes.group(1), rest[attributes.end() :]


def _numbered_documents(prompt: str) -> Iterator[tuple[int, str, str]]:
    """Number, title and text of each document."""
    for attributes, text in _blocks(prompt, "document"):
        number, title = _NUMBER.search(attributes), _TITLE.search(attributes)
        if number and text.strip():
            yield int(number.group(1)), title.group(1) if title else "", text


def _cited_statements(note: str) -> Iterator[_Statement]:
    for line in note.splitlines():
        for text, marks in _CITED.findall(line):
            numbers = tuple(dict.fromkeys(int(number) for number in _MARK.findall(marks)))
            yield _Statement(_clean(text), numbers)


def _clean(sentence: str) -> str:
    """One line without list markers, emphasis or a final stop."""
    return " ".join(sentence.split()).strip("-*#>|•_` ").rstrip(".;:, ")


def _clip(sentence: str, width: int) -> str:
    text = _clean(sentence)
    return text if len(text) <= width else text[: width - 1].rsplit(" ", 1)[0].rstrip(".,;: ") + "…"
