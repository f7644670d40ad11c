"""How demanding a text is: named signals, a score, a level, and how sure that is. Free, and the same every time.

text ──► what is asked, not what is pasted ──► its words ──► signals, each 0 to 1 ──► weighted sum ──► level
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from rota.policy import Level, Thresholds
from rota.routing.complexity_words import WORDS

WEIGHTS = {
    "length": 0.53,
    "reasoning": 0.25,
    "code": 0.25,
    "steps": 0.10,
    "expertise": 0.52,
    "demands": 0.42,
    "routine": -0.56,
}
"""What a signal adds to the score when it is 1, for thresholds of 0.3 and 0.7.

Fitted to the 200 labelled requests of benchmarks/economics/development.jsonl, `steps` at its least; to do it again:
`python -m benchmarks.economics.fit`. The caller's `task` was tried as one more signal and made it no better.
"""
FULL = {"reasoning": 6, "code": 4, "steps": 4, "expertise": 3, "demands": 8, "routine": 4}
"""Points from which on a signal is 1."""
SHORT_CHARACTERS, LONG_CHARACTERS = 50, 600
"""Lengths of what is asked at which the signal is 0 and 1; between them it grows with the logarithm."""
ASKED_CHARACTERS = 600
"""Of a first paragraph, from both its ends, and half as many of a last one: more than that is material."""
SEEN_CHARACTERS = 2_000
"""Of each end of a text, which bounds the time for any."""

_CODE = ("```", "function", "def ", "#include", "=>", "SELECT ", "();", ") {", "){", ");\n", "};", "==", "</")
_ITEM = re.compile(r"^[ \t]{0,12}(?:\d{1,3}[.)]|[-*•])[ \t]", re.M)
_SEPARATOR = re.compile(r"[^\w\s]+")
_ASCII_SEPARATORS = {code: " " for code in range(128) if _SEPARATOR.match(chr(code))}
_FIRST = 4  # letters; no beginning of a word in the vocabulary is shorter


@dataclass(frozen=True, slots=True)
class Complexity:
    """`score` 0 to 1, the level it means, `confidence` in that level (0.5 at a boundary), each signal 0 to 1."""

    score: float
    level: Level
    confidence: float
    signals: Mapping[str, float]


def measure(text: str, thresholds: Thresholds) -> Complexity:
    """The complexity of a request's text."""
    found = signals(text)
    return graded(score(found), thresholds, found)


def graded(score: float, thresholds: Thresholds, signals: Mapping[str, float]) -> Complexity:
    """The level of a score. Confidence grows with the distance from the nearer boundary, 0.5 on it."""
    low, high = thresholds.simple_below, thresholds.complex_from
    level: Level = "simple" if score < low else "medium" if score < high else "complex"
    distance = min(abs(score - low), abs(score - high))
    return Complexity(round(score, 4), level, round(min(1.0, 0.5 + distance / (high - low)), 4), signals)


def score(signals: Mapping[str, float], weights: Mapping[str, float] = WEIGHTS) -> float:
    """The weighted sum of signals, within 0 and 1."""
    return min(1.0, max(0.0, sum(weights[name] * value for name, value in signals.items())))


def signals(text: str) -> dict[str, float]:
    """What speaks for a demanding request, and `routine` against it, each 0 to 1.

    `length` of what is asked; `reasoning`, `code` and `steps` in it (code anywhere); `expertise`: fields where errors
    harm or are hard to see; `demands`: conditions to be met; `routine`: a short answer or a matter of form.
    """
    seen = text if len(text) <= 2 * SEEN_CHARACTERS else f"{text[:SEEN_CHARACTERS]} {text[-SEEN_CHARACTERS:]}"
    asked = _asked(seen)
    points = _VOCABULARY.points(asked)
    points["code"] += any(token in seen for token in _CODE)
    points["steps"] += len(_ITEM.findall(asked)) + max(0, asked.count("?") - 1)
    length = math.log(max(1.0, len(asked) / SHORT_CHARACTERS)) / math.log(LONG_CHARACTERS / SHORT_CHARACTERS)
    found = {"length": length} | {name: points[name] / full for name, full in FULL.items()}
    return {name: round(min(1.0, value), 4) for name, value in found.items()}


def _asked(text: str) -> str:
    """The first paragraph, and the last if it is a short one with a question: what is between them is material."""
    paragraphs = [part.strip() for part in text.replace("\r\n", "\n").split("\n\n") if part.strip()]
    if not paragraphs:
        return ""
    first, last = paragraphs[0], paragraphs[-1]
    half = ASKED_CHARACTERS // 2
    if len(first) > ASKED_CHARACTERS:
        first = f"{first[:half]} {first[-half:]}"
    return f"{first}\n{last}" if len(paragraphs) > 1 and len(last) <= half and "?" in last else first


def _words(text: str) -> list[str]:
    text = text.lower()
    if text.isascii():  # several times as fast
        return text.translate(_ASCII_SEPARATORS).split()
    return _SEPARATOR.sub(" ", text).split()


@dataclass(frozen=True, slots=True)
class _Entry:
    """A word, the beginning of one, or a phrase between blanks."""

    stem: str
    is_open: bool
    signal: str
    points: int


class _Vocabulary:
    """All words at once: each word of a text is looked up by its first letters, and counts once per signal."""

    def __init__(self, words: Mapping[str, tuple[tuple[int, str], ...]]) -> None:
        self._signals = tuple(words)
        self._words: dict[str, list[_Entry]] = {}
        self._phrases: dict[str, list[_Entry]] = {}
        for signal, groups in words.items():
            for points, entries in groups:
                for entry in sorted(entries.split(), key=len):
                    self._add(_Entry(entry.rstrip("*"), entry.endswith("*"), signal, points))
        self._stems = {first: tuple({entry.stem for entry in entries}) for first, entries in self._words.items()}

    def points(self, text: str) -> dict[str, int]:
        """The points of the text's words for each signal."""
        found = dict.fromkeys(self._signals, 0)
        words = _words(text)
        joined = f" {' '.join(words)} "
        unique = set(words)
        near = [word for word in unique if word[:_FIRST] in self._stems]
        hits = [entry for word in near if word.startswith(self._stems[word[:_FIRST]]) for entry in self._of(word)]
        for first in unique & self._phrases.keys():
            hits += [entry for entry in self._phrases[first] if entry.stem in joined]
        for entry in hits:
            found[entry.signal] += entry.points
        return found

    def _add(self, entry: _Entry) -> None:
        if "-" in entry.stem:
            first, *others = entry.stem.split("-")
            phrase = f" {' '.join((first, *others))}{'' if entry.is_open else ' '}"
            self._phrases.setdefault(first, []).append(replace(entry, stem=phrase))
        elif all(known.signal != entry.signal for known in self._of(entry.stem)):
            self._words.setdefault(entry.stem[:_FIRST], []).append(entry)

    def _of(self, word: str) -> list[_Entry]:
        near = self._words.get(word[:_FIRST], ())
        return [entry for entry in near if word == entry.stem or (entry.is_open and word.startswith(entry.stem))]


_VOCABULARY = _Vocabulary(WORDS)
