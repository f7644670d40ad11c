"""What can be counted of how an extract reads, without a person."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

_WORD = re.compile(r"[^\W_]+")
_OPENINGS = re.compile(
    r"(?:however|it|its|they|their|them|that|this|these|those|such|he|she|both|neither|otherwise|but|and|or|then|also|thus"
    r"|therefore|hence|moreover|furthermore|instead|meanwhile|still|yet"
    r"|er|sie|es|dies\w{0,2}|deshalb|daher|dabei|dadurch|danach|dagegen|jedoch|aber|und|oder|auch|zudem|trotzdem"
    r"|il|elle|ils|elles|cela|ce|cette|celui|celle|mais|et|ou|donc|cependant|pourtant|aussi|elle-même"
    r"|él|ella|ello|ellos|esto|eso|este|esta|estos|estas|pero|además|sin embargo|por eso|entonces)\b",
    re.IGNORECASE,
)


def dangling_share(quotes: Sequence[str]) -> float:
    """Share of quotes that begin with a word that leans on something said before, such as "However" or "It".

    "It", "This" and the like may as well stand for what follows, so a share above 0 is not always a fault.
    """
    return sum(1 for quote in quotes if _OPENINGS.match(quote)) / max(1, len(quotes))


def repeated_share(text: str) -> float:
    """Share of pairs of words that stand in the text before, from 0 for none."""
    words = _WORD.findall(text.lower())
    pairs = list(pairwise(words))
    return 1 - len(set(pairs)) / len(pairs) if pairs else 0.0
