"""Outputs that admit to knowing nothing, or refuse: patterns in four languages, without a model."""

from __future__ import annotations

import re

OPENING_CHARACTERS = 240
"""Where a model says so when that is its answer; further on it is a remark about a part of it."""

_SENTENCES = (
    r"i(?:'m| am)? (?:really |truly )?(?:do not|don't|not) (?:know|sure|certain)\b",
    r"i (?:cannot|can't|can not|am unable to|'m unable to|am not able to) "
    r"(?:answer|help|assist|determine|provide|tell|comply|do (?:that|this))",
    r"(?:i'm |i am )?sorry, (?:but )?i (?:cannot|can't|am unable|don't)",
    r"as an ai(?: language)? model\b",
    r"i (?:do not|don't) have (?:enough |sufficient |access to )",
    r"(?:there is |it is )?(?:not enough|insufficient) information (?:to|for)",
    r"ich weiß (?:es|das|dazu) (?:leider )?nicht",
    r"ich kann (?:das|diese|dir|ihnen)\b[^.]{0,60}\bnicht (?:beantworten|sagen|helfen)",
    r"(?:leider|tut mir leid),? (?:ich )?(?:kann|weiß) (?:ich )?[^.]{0,60}nicht",
    r"je ne (?:sais pas|peux pas (?:répondre|vous aider))",
    r"(?:désolée?|je regrette),? (?:mais )?je ne (?:peux|sais)",
    r"no (?:lo )?sé\b|no puedo (?:responder|ayudar)|lo siento, (?:pero )?no (?:puedo|sé)",
)
_DOUBT = re.compile("|".join(f"(?:{sentence})" for sentence in _SENTENCES), re.IGNORECASE)


def doubt_in(text: str) -> str | None:
    """The words by which an output admits that it does not answer; None when it seems to."""
    found = _DOUBT.search(text[:OPENING_CHARACTERS].replace("’", "'"))
    return " ".join(found[0].split()) if found else None
