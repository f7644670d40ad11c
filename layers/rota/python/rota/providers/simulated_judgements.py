"""How a simulated model answers when it is to judge: a request's level by a few words, an output by its figures."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_COMPLEX = re.compile(
    r"\b(?:prove|derive|architect\w*|trade-?offs?|root cause|causal\w*|concurren\w*|negotiat\w*)\b", re.I
)
_MEDIUM = re.compile(r"\b(?:compare|explain|summari[sz]e|refactor|review|analy[sz]e|why)\b", re.I)
_FIGURE = re.compile(r"\d[\d.,]*\d|\d")
_CITATION = re.compile(r"\[\d+\]")


def judgement(schema: Mapping[str, Any], question: str, written: str) -> dict[str, Any] | None:
    """The answer to a schema that asks for a level or a verdict; None for every other schema.

    An output is a hallucination when it has a figure that is nowhere in what it was made from.
    """
    asked = set(schema.get("properties", {}))
    if asked == {"level", "confidence"}:
        level = "complex" if _COMPLEX.search(question) else "medium" if _MEDIUM.search(question) else "simple"
        return {"level": level, "confidence": 0.9}
    if asked != {"verdict", "reason"}:
        return None
    given = set(_FIGURE.findall(question))
    new = [figure for figure in _FIGURE.findall(_CITATION.sub("", written)) if figure not in given]
    if new:
        return {"verdict": "hallucination", "reason": f"{new[0]} stands nowhere in what was given"}
    return {"verdict": "good", "reason": "its figures are those that were given"}
