"""PlanJob: what to look for in the documents, and the headings of the answer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from rota.documents.chunk import beginning
from rota.documents.tokens import estimate_tokens
from rota.errors import InvalidOutputError
from rota.records import DocumentInfo, Plan
from rota.steps import delimit
from rota.steps.output import bare
from rota.steps.prompt import StepPrompt, fill

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "focus": {"type": "array", "items": {"type": "string"}},
        "outline": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["focus", "outline"],
    "additionalProperties": False,
}
"""The plan's JSON schema, in the subset that every vendor's structured output takes."""

TITLES_TOKENS = 2000
"""How much of the titles' list the planner sees."""

POINTS, POINT_TOKENS = 6, 40
"""How many points of a plan are kept, and how long each may be: they stand in the prompt of every batch."""


def prompt(question: str, documents: Sequence[DocumentInfo]) -> StepPrompt:
    """Ask for a plan from the question and the documents' titles."""
    return fill(
        "plan", question=delimit.question(question), count=str(len(documents)), titles="\n".join(_titles(documents))
    )


def parse(text: str) -> Plan:
    """The plan in a model's answer, with or without a fence or words around it.

    Raises InvalidOutputError when there is no object with a list `focus` that holds some text.
    """
    for value in _objects(bare(text)):
        focus = _points(value.get("focus"))
        if focus:
            return Plan(focus=focus, outline=_points(value.get("outline")))
    raise InvalidOutputError('the plan is not a JSON object with a list "focus"')


def default_plan() -> Plan:
    """The plan when no model made one: look for whatever helps to answer the question."""
    return Plan(focus=[], outline=[])


def _titles(documents: Sequence[DocumentInfo]) -> Iterator[str]:
    left = TITLES_TOKENS
    for shown, document in enumerate(documents):
        line = f"- {delimit.escape(document['title'])} ({document['characters']:,} characters)"
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
    if not isinstance(value, list):
        return []
    texts = [" ".join(point.split()) for point in value if isinstance(point, str)]
    return [beginning(text, POINT_TOKENS) for text in texts if text][:POINTS]
