"""How much of their wording two answers share: Dice's coefficient (1945) on their words, each as often as it stands."""

from __future__ import annotations

import re
from collections import Counter

_CJK = r"\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_WORD = re.compile(rf"[{_CJK}]|[^\W_{_CJK}]+")
"""Scripts that are written without spaces count by sign."""


def similarity(one: str, other: str) -> float:
    """1 for the same words, in whatever order and case; 0 when none is shared. Two texts without words are the same."""
    first, second = _words(one), _words(other)
    most = first.total() + second.total()
    return 2 * (first & second).total() / most if most else 1.0


def _words(text: str) -> Counter[str]:
    return Counter(_WORD.findall(text.casefold()))
