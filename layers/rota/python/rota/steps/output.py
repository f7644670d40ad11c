"""What models wrap around their answers, taken off."""

from __future__ import annotations

import re

from rota.errors import InvalidOutputError

_REASONING = re.compile(r"\A\s*<(think|thinking|reasoning)>.*?(?:</\1>|\Z)", re.DOTALL | re.IGNORECASE)
_FENCED = re.compile(r"\A```[\w-]*[ \t]*\n(.*?)\n?```\Z", re.DOTALL)


def bare(text: str) -> str:
    """The answer without a leading block of reasoning and without a fence around the whole.

    Raises InvalidOutputError when nothing is left.
    """
    text = _REASONING.sub("", text).strip()
    fenced = _FENCED.match(text)
    if fenced and "```" not in fenced[1]:
        text = fenced[1].strip()
    if not text:
        raise InvalidOutputError("the model wrote nothing")
    return text
