"""PlanJob: what to look for in the documents, and the headings of the answer; for a search, also its queries."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from rota.documents.chunk import beginning
from rota.documents.search.words import telling_words
from rota.documents.tokens import estimate_tokens
from rota.errors import InvalidOutputError
from rota.records import DocumentInfo, Plan
from rota.steps import delimit
from rota.steps.output import bare
from rota.steps.prompt import StepPrompt, fill

_TEXTS = {"type": "array", "items": {"type": "string"}}


def _schema(*names: str) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": dict.fromkeys(names, _TEXTS),
        "required": list(names),
        "additionalProperties": False,
    }


SCHEMA = _schema("focus", "outline")
"""The plan's JSON schema, in the subset that every vendor's structured output takes."""

SEARCH_SCHEMA = _schema("focus", "outline", "search_terms")
"""The same for a plan that was asked for with `search`."""

TITLES_TOKENS = 2000
"""How much of the titles' list the planner sees."""

POINTS, POINT_TOKENS = 6, 40
"""How many points of a plan are kept, and how long each may be: they stand in the prompt of every batch."""


TERMS, TERM_TOKENS = 4, 40
"""How many queries of a plan are kept, and how long each may be: a vendor is paid for each, and takes short ones."""

KEY_WORDS = 8
"""How many words of a question make a query by themselves."""

_SEARCH_KEY = ', "search_terms": ["…"]'
_SEARCH_RULE = """
- search_terms: 1 to 4 queries for a search engine, each of 2 to 8 words, that between them find the documents which \
settle the question. Plain words as such documents would use them: no operators, no quotation marks."""


def prompt(question: str, documents: Sequence[DocumentInfo], search: bool = False) -> StepPrompt:
    """Ask for a plan from the question and the documents' titles; with `search`, for search terms too."""
    return fill(
        "plan",
        question=delimit.question(question),
        known=_known(documents),
        search_key=_SEARCH_KEY if search else "",
        search_rule=_SEARCH_RULE if search else "",
    )


def parse(text: str) -> Plan:
    """The plan in a model's answer, with or without a fence or words around it.

    Raises InvalidOutputError when there is no object with a list `focus` that holds some text.
    """
    for value in _objects(bare(text)):
        focus = _points(value.get("focus"))
        if focus:
            plan = Plan(focus=focus, outline=_points(value.get("outline")))
            return _with_terms(plan, _texts(value.get("search_terms"), TERM_TOKENS))
    raise InvalidOutputError('the plan is not a JSON object with a list "focus"')


def default_plan(question: str = "") -> Plan:
    """The plan when no model made one: look for whatever helps to answer the question.

    With a `question` it is for a search: for the question itself, and for its telling words alone.
    """
    words = telling_words(question, KEY_WORDS)
    return _with_terms(Plan(focus=[], outline=[]), _texts([question, " ".join(words)], TERM_TOKENS))


def _with_terms(plan: Plan, terms: list[str]) -> Plan:
    if terms:
        plan["search_terms"] = list(dict.fromkeys(terms))[:TERMS]
    return plan


def _known(documents: Sequence[DocumentInfo]) -> str:
    if not documents:
        return "No document is known yet: a search will find them."
    return "\n".join([f"Titles of the {len(documents)} documents:", *_titles(documents)])


def _rounded(count: int) -> int:
    """To its first figure, so that a document in which a word was changed does not make another prompt."""
    return round(count, 1 - len(str(count)))


def _titles(documents: Sequence[DocumentInfo]) -> Iterator[str]:
    left = TITLES_TOKENS
    for shown, document in enumerate(documents):
        line = f"- {delimit.escape(document['title'])} (about {_rounded(document['characters']):,} characters)"
        left -= estimate_tokens(line) + 1
        if left < 0:
            yield f"- … and {len(documents) - shown} more"
            return
        yield line


def _objects(text: str) -> Iterator[dict[str, Any]]:
    decoder = json.JSONDecoder()
    at = text.find("{")
    while at >= 0:
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            end = at + 1
        else:
            if isinstance(value, dict):
                yield value
        at = text.find("{", end)


def _points(value: object) -> list[str]:
    return _texts(value, POINT_TOKENS)[:POINTS]


def _texts(value: object, max_tokens: int) -> list[str]:
    if not isinstance(value, list):
        return []
    texts = [" ".join(text.split()) for text in value if isinstance(text, str)]
    return [beginning(text, max_tokens) for text in texts if text]
