"""Words that carry meaning, and sentences as weighted vectors of them (TF-IDF)."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence

_WORD = re.compile(r"[^\W_]+")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")
_STOPWORD_TEXT = """
a about after all also an and any are as at be been but by can could did do does for from get had has have how i if
in into is it its may me more most my no not of on one or other our out over should so some such than that the their
them then there these they this to up us use was we were what when where which who why will with would you your
happen happens keep keeps kept make makes made take takes taken used uses using work works go goes going gone
aber als am an auch auf aus bei das dem den der des die ein eine einer es für im ist mit nach nicht oder sich sind
so und von war was wie wird zu zum zur au aux avec ce ces dans de du elle en est et il la le les ne par pas pour
que qui se sur un une con del el en es la las lo los no para por que se su sus una uno y che di gli i non per sono
"""
_STOPWORDS = frozenset(_STOPWORD_TEXT.split())

Vector = Mapping[str, float]
"""Terms and their weights, of length 1."""


def terms(text: str) -> list[str]:
    """The words of a text that carry meaning, lower case and without common endings; pairs of signs for CJK."""
    words = [_stem(word) for word in _WORD.findall(_CJK.sub(" ", text.lower())) if word not in _STOPWORDS]
    return words + [run[i : i + 2] for run in _CJK.findall(text) for i in range(max(1, len(run) - 1))]


def rarity(counts: Sequence[Counter[str]]) -> dict[str, float]:
    """The inverse document frequency of each term, a sentence being a document (Spärck Jones 1972)."""
    occurrences = Counter(term for count in counts for term in count)
    return {term: math.log(1 + len(counts) / occurrence) for term, occurrence in occurrences.items()}


def vector(count: Counter[str], rare: Mapping[str, float]) -> Vector:
    """A sentence's terms, each weighted by how often it stands there and how rare it is elsewhere."""
    weights = {term: times * rare[term] for term, times in count.items()}
    length = math.sqrt(sum(weight * weight for weight in weights.values())) or 1.0
    return {term: weight / length for term, weight in weights.items()}


def likeness(one: Vector, other: Vector) -> float:
    """The cosine of two vectors: 0 for nothing in common, 1 for the same words."""
    if len(one) > len(other):
        one, other = other, one
    return sum(weight * other[term] for term, weight in one.items() if term in other)


def _stem(word: str) -> str:
    """A word without plural, `-ed` or `-ing`, so that `raise`, `raises` and `raised`, `drop` and `dropping` are one."""
    if len(word) > 3 and word.endswith("s") and word[-2] not in "siu":
        word = word[:-1]
    for ending in ("ing", "ed"):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            word = word[: -len(ending)]
            return word[:-1] if word[-1] == word[-2] and word[-1] not in "ls" else word
    return word[:-1] if word.endswith("e") and len(word) > 4 else word
