"""A small model says how demanding a request is, from its text, who asks, and what hangs on it."""

from __future__ import annotations

import json
from typing import Any

from rota.errors import InvalidOutputError
from rota.policy import Level, Thresholds
from rota.routing.complexity import Complexity
from rota.routing.request import ModelRequest
from rota.steps import delimit
from rota.steps.output import bare
from rota.steps.prompt import StepPrompt, fill

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "level": {"type": "string", "enum": ["simple", "medium", "complex"]},
        "confidence": {"type": "number", "minimum": 0, "maximum": 1},
    },
    "required": ["level", "confidence"],
    "additionalProperties": False,
}
MAX_OUTPUT_TOKENS = 60
"""The object above takes 20; reasoning models at low effort a little more."""
SEEN_CHARACTERS = 2000
"""Of the beginning and of the end of a long text: what is asked stands at one of them."""


def prompt(request: ModelRequest) -> StepPrompt:
    """Ask about a request."""
    text, stakes = request.text, request.stakes
    if len(text) > 2 * SEEN_CHARACTERS:
        text = f"{text[:SEEN_CHARACTERS]}\n[…]\n{text[-SEEN_CHARACTERS:]}"
    return fill(
        "classify",
        question=delimit.question(text),
        characters=f"{len(request.text):,}",
        task=request.task,
        user_tier=stakes.user_tier,
        value=stakes.value,
        error_tolerance=stakes.error_tolerance,
        business_impact=stakes.business_impact,
    )


def parse(text: str, thresholds: Thresholds) -> Complexity:
    """The model's judgement; its score is the middle of the level's range. Raises InvalidOutputError."""
    try:
        value = json.loads(bare(text))
        level: Level = value["level"]
        confidence = float(value["confidence"])
        low, high = thresholds.simple_below, thresholds.complex_from
        score = {"simple": low / 2, "medium": (low + high) / 2, "complex": (high + 1) / 2}[level]
    except (ValueError, TypeError, KeyError) as error:
        raise InvalidOutputError('the classification is not {"level": …, "confidence": 0 to 1}') from error
    if not 0 <= confidence <= 1:
        raise InvalidOutputError(f"a confidence of {confidence:g} is not between 0 and 1")
    return Complexity(round(score, 4), level, round(confidence, 4), {"model": round(score, 4)})
