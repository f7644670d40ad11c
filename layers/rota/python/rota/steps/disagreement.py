"""Plain contradictions between statements of different documents, without a model: few are found, hardly a wrong one.

Two statements contradict each other when they say the same of the same thing, in the same words and without an "if",
"some" or "about", except for one amount or date, or except for a `not`. Two invoices differ in the same way: what has
no name is the same thing only if the two documents are of no series, such as daily reports, if they differ in nothing
else of the kind, and no third one says another amount. The rest is left to the models, whose prompts ask for it.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from types import MappingProxyType

from rota.documents.extraction.sentences import sentences
from rota.documents.extraction.terms import terms
from rota.steps.citations import cited_in, mark, rewrite
from rota.steps.subjects import is_named, is_numbered, is_specific, series, stands_alone

MOST_ALIKE = 50
"""Of statements in the same words so many are compared with each other."""

MOST_SHOWN = 3
"""An answer that lists more is about nothing else."""

LEAST_TERMS, LEAST_DENIED = 2, 3
"""Telling words that an amount must be about, beside its unit, and that must be the same where one statement denies the
other."""

FORM = 3
"""So many documents with an amount each in the same words are forms, filled in for different things."""

_FIGURE = re.compile(r"(?<![\w.,-])\d(?:[\d.,:]*\d)?")
_DENIAL = re.compile(r"\b(?:not|never|cannot|no|none|nicht|nie|niemals|kein\w{0,2})\b|n['’]t\b", re.IGNORECASE)
_CONDITION = re.compile(
    r"\b(?:if|unless|except|without|when|where|while|only|until|before|after|than|or|some|most|often|sometimes|may|might"
    r"|could|should|yet|longer|wenn|falls|außer|nur|oft|manche|noch|mehr)\b",
    re.IGNORECASE,
)
_APPROXIMATE = re.compile(
    r"(?:\b(?:about|around|roughly|approx(?:imately|\.)?|circa|ca\.?|nearly|almost|over|under|above|below|up to"
    r"|etwa|rund|ungefähr|zirka|knapp|fast|gut|bis zu|über|unter)|[~≈±<>≤≥])\s?(?:[€$£]|EUR|USD|GBP|CHF)?\s?(?=\d)"
    r"|\d\s?\+(?!\w)",
    re.IGNORECASE,
)
_UNIT = re.compile(
    r"\s?(?:%|€|\$|£|(?:per ?cent|prozent|euros?|dollars?|[kmg]?b|k?m|kg|m?s|(?:milli)?seconds?|minutes?|hours?|days?"
    r"|weeks?|months?|years?|stunden?|tage?n?|wochen?|monate?n?|jahre?n?|million|billion|tokens?|people|employees|persons?"
    r"|documents?|pages?|times)\b)",
    re.IGNORECASE,
)
_GROUPED = re.compile(r"\d{1,3}(?:[.,]\d{3})+")
_DECIMAL = re.compile(r"\d+(?:[.,]\d+)?")
_SIGNED = re.compile(r"[^\W\d_][+#*]+")
_MARKS_AROUND = ".,;:!?()[]{}\"'“”„’‘`"
# Of these `terms` says nothing, but "Backups are kept 30 days" says more than "The deposit is 500 euros".
_VERB = re.compile(
    r"\b(?:keeps?|kept|makes?|made|takes?|took|taken|uses?|used|works?|goe?s?|gone|has|have|had)\b", re.IGNORECASE
)
_APART = re.compile(
    r"from|to|into|in|out|on|off|up|down|over|under|above|below|left|right|our|your|my|his|her|their|first|second|third"
    r"|last|von|nach|aus|auf|ab|über|unter|unsere?|ihre?|seine?|meine?|erste|zweite|dritte|letzte"
)
_CURRENCY = re.compile(r"(?:[€$£]|\b(?:EUR|USD|GBP|CHF))\s?$")
_YEAR = re.compile(r"(?:19|20)\d\d")
_ONCE = re.compile(
    r"\b(?:ends?|ended|expires?|expired|due|founded|born|died|signed|launched|opened|closed|begins?|began|starts?|started"
    r"|endet|beginnt)\b[^.;,]{0,20}$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Two statements in the documents' own words, and the numbers of the documents that make each."""

    one: str
    numbers: tuple[int, ...]
    other: str
    other_numbers: tuple[int, ...]

    def __str__(self) -> str:
        return f"“{self.one}” {mark(self.numbers)}, but “{self.other}” {mark(self.other_numbers)}"


@dataclass(frozen=True, slots=True)
class _Statement:
    """`frame` is what must be the same: its telling words, with `#` in the place of each figure.

    `subject` are the words beside those that tell things apart, such as `from`, `your` or `C++`; `named` when the
    statement says by a name or a number which thing it is about.
    """

    text: str
    numbers: tuple[int, ...]
    frame: tuple[str, ...]
    subject: tuple[str, ...]
    figures: tuple[str, ...]
    denies: bool
    named: bool


def disagreements(texts: Iterable[str], titles: Mapping[int, str] = MappingProxyType({})) -> list[Disagreement]:
    """The contradictions in notes with marks, given the documents' titles; of two documents the first one only."""
    kinds = {number: series(title) for number, title in titles.items()}
    alike: dict[tuple[str, ...], dict[str, _Statement]] = defaultdict(dict)
    for text in texts:
        for line in text.splitlines():
            for statement in _statements(line):
                alike[statement.frame].setdefault(statement.text, statement)
    pairs = [
        (one, other)
        for group in alike.values()
        for one, other in _contradictions(list(group.values())[:MOST_ALIKE])
        if one.named or not _of_one_series(one, other, kinds)
    ]
    unnamed = Counter((one.numbers, other.numbers) for one, other in pairs if not one.named)
    found: dict[tuple[tuple[int, ...], tuple[int, ...]], Disagreement] = {}
    for one, other in pairs:
        between = one.numbers, other.numbers
        if one.named or unnamed[between] == 1:
            found.setdefault(between, Disagreement(one.text, one.numbers, other.text, other.numbers))
    return list(found.values())


def with_disagreements(text: str, found: Sequence[Disagreement]) -> str:
    """An answer, and below it those contradictions that no line of it speaks of by citing both sides."""
    lines = [set(cited_in(line)) for line in text.splitlines()]
    unsaid = [
        one for one in found if not any(cited & set(one.numbers) and cited & set(one.other_numbers) for cited in lines)
    ]
    if not unsaid:
        return text
    return f"{text}\n\nThe documents disagree:\n\n" + "\n".join(f"- {one}." for one in unsaid[:MOST_SHOWN])


def _contradictions(group: Sequence[_Statement]) -> Iterator[tuple[_Statement, _Statement]]:
    """Those among statements with the same frame."""
    filled: dict[tuple[str, ...], set[float | str]] = defaultdict(set)
    for one in group:
        for at, figure in enumerate(one.figures):
            filled[_around(one, at)].add(max(_readings(figure)))
    for one, other in combinations(group, 2):
        if set(one.numbers) & set(other.numbers) or one.subject != other.subject:
            continue
        figures = enumerate(zip(one.figures, other.figures, strict=True))
        differing = [at for at, (a, b) in figures if not _readings(a) & _readings(b)]
        if one.denies != other.denies:
            contradict = not differing and len(one.frame) - len(one.figures) >= LEAST_DENIED
        else:
            contradict = len(differing) == 1 and all(_is_amount(each.text, differing[0]) for each in (one, other))
            contradict = contradict and len(filled[_around(one, differing[0])]) < FORM
        if contradict:
            yield one, other


def _of_one_series(one: _Statement, other: _Statement, kinds: Mapping[int, tuple[str, ...]]) -> bool:
    return all(a in kinds and kinds[a] == kinds.get(b) for a, b in product(one.numbers, other.numbers))


def _around(statement: _Statement, at: int) -> tuple[str, ...]:
    """A statement's other figures, in their places."""
    return (*statement.figures[:at], "", *statement.figures[at + 1 :])


def _readings(figure: str) -> set[float | str]:
    """What a figure may mean as a number: `1.200` is 1200 in some countries. One that is no number is itself."""
    found: set[float | str] = set()
    if _GROUPED.fullmatch(figure):
        found.add(float(figure.replace(".", "").replace(",", "")))
    if _DECIMAL.fullmatch(figure):
        found.add(float(figure.replace(",", ".")))
    return found or {figure}


def _is_amount(text: str, at: int) -> bool:
    """Whether a figure tells how much or until when, and is not part of a name such as `tier 2` or `Python 3`."""
    figure = list(_FIGURE.finditer(text))[at]
    before, after = text[: figure.start()], text[figure.end() :]
    if _UNIT.match(after) or _CURRENCY.search(before):
        return True
    return bool(_YEAR.fullmatch(figure[0]) and _ONCE.search(before))


def _statements(line: str) -> Iterator[_Statement]:
    whole = cited_in(line)
    for sentence in sentences(line):
        numbers = tuple(cited_in(sentence.text) or whole)
        text = rewrite(sentence.text, lambda _: []).rstrip(".!… ")
        if numbers and stands_alone(text) and not _CONDITION.search(text) and not _APPROXIMATE.search(text):
            yield from _comparable(text, numbers)


def _comparable(text: str, numbers: tuple[int, ...]) -> Iterator[_Statement]:
    """The statement that a sentence makes, if it says enough to be compared."""
    plain = _DENIAL.sub(" ", text)
    frame = [word for piece in _FIGURE.split(plain) for word in ("#", *terms(piece))][1:]
    bare = " ".join(_without_unit(piece) for piece in _FIGURE.split(plain))
    telling = terms(bare)
    named = is_named(bare) or any(_names(plain, figure) for figure in _FIGURE.finditer(plain))
    if len(telling) + bool(_VERB.search(bare)) >= LEAST_TERMS and (named or is_specific(telling)):
        figures = tuple(_FIGURE.findall(plain))
        yield _Statement(text, numbers, tuple(frame), _subject(plain), figures, plain != text, named)


def _without_unit(piece: str) -> str:
    """What stands between two figures, without the unit of the first and the currency of the second."""
    unit = _UNIT.match(piece)
    return _CURRENCY.sub("", piece[unit.end() :] if unit else piece)


def _names(text: str, figure: re.Match[str]) -> bool:
    """Whether a figure is a thing's number, neither an amount nor a year."""
    counted = _UNIT.match(text, figure.end()) or _YEAR.fullmatch(figure[0])
    return not counted and is_numbered(text[: figure.start()])


def _subject(text: str) -> tuple[str, ...]:
    words = (word.strip(_MARKS_AROUND).lower() for word in text.split())
    return tuple(word for word in words if _APART.fullmatch(word) or _SIGNED.search(word))
