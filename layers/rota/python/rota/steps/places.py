"""The places of an answer's citations: each mark is looked up in its document and says where its statement rests.

… as booked [3].  ─►  … as booked [3:120-135].          lines; [3:p7] a page; [3] where no place is beyond doubt
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise

from rota.errors import NotFoundError
from rota.records import Answer, Document, DocumentInfo, Place, Source
from rota.steps.citations import Bracket, Mark, brackets, rewrite
from rota.steps.grounding import LONGEST_STATEMENT, Ground

MOST_CHARACTERS, MOST_OF_ONE = 8_000_000, 1_500_000
"""Characters read for one answer, and of one document; what is larger is cited without a place. Documents are read one
at a time, so that this bounds the memory: an index takes some ten times its text."""

MOST_S = 20.0
"""Once this is over nothing further is read or looked up. Forty citations of thirty documents of 100 KB take half a
second of CPU, or a second where each stands for five sentences."""

MOST_BRACKETS = 400
"""Brackets looked up, the first ones: no answer has as many, but a model caught in a loop has."""

MOST_BEFORE = 12
"""Sentences before the last one that are looked up for a bracket."""

_BLOCK = re.compile(r"\n\s*\n|\n(?=\s*(?:[-*+•]|\d{1,3}[.)]|#{1,6}|\|)\s)|(?m:^)#{1,6}[ \t][^\n]*\n")
_ITEM = re.compile(r"([ \t]*)(?:[-*+•]|\d{1,3}[.)])\s")
_HEADING = re.compile(r"#{1,6}\s|(?:\*\*|__)[^*_]+(?:\*\*|__):?\s*$")
_SENTENCE = re.compile(r"(?<=[.!?…])[\"'”’)]*\s+(?=[^a-z\s])|(?<=[。！？])")
_NOTHING = re.compile(r"[\W_]*")
_LEAST_WORDS = 3


@dataclass(frozen=True, slots=True)
class _Said:
    """What a bracket may stand for, the likeliest first.

    `before` are the other sentences since the last bracket, `under` is the heading or the item that it stands under.
    """

    meant: Sequence[str]
    before: Sequence[str]
    under: str = ""


def placed(
    answer: Answer,
    documents: Sequence[DocumentInfo],
    read: Callable[[int], Document],
    clock: Callable[[], float],
    most_s: float = MOST_S,
) -> Answer:
    """The answer with the places of its citations, in its marks and its sources.

    A place that the model claims gives way to what is found, or to none. `read` gives a document by its number (one
    that is gone, a NotFoundError, is cited without places), `clock` seconds from any beginning.
    """
    found = list(islice(brackets(answer["text"]), MOST_BRACKETS))
    statements = _statements(answer["text"], found)
    sizes = {one["number"]: one["characters"] for one in documents}
    places: dict[tuple[int, int], Place] = {}
    left, until = MOST_CHARACTERS, clock() + most_s
    for number in answer["cited"]:
        size = sizes.get(number, MOST_OF_ONE + 1)
        if size > min(left, MOST_OF_ONE) or clock() > until:
            continue
        left -= size
        asked = [index for index, one in enumerate(found) if number in one.numbers]
        for index, place in _in_document(number, read, [(index, statements[index]) for index in asked]):
            if place is not None:
                places[index, number] = place
            if clock() > until:
                break
    order = {bracket.start: index for index, bracket in enumerate(found)}

    def changed(bracket: Bracket) -> list[Mark]:
        at = order.get(bracket.start, -1)
        return [Mark(number, _said_of(places.get((at, number)))) for number in bracket.numbers]

    return {**answer, "text": rewrite(answer["text"], changed), "sources": _sources(answer["sources"], places)}


def shown(place: Place) -> str:
    """A place for a person: `lines 120–135: “def run_forever(self): …”`."""
    quote = f"“{place['quote']}”"
    if "page" in place:
        return f"page {place['page']}: {quote}"
    if "lines" not in place:
        return quote
    first, last = place["lines"]
    return f"line {first}: {quote}" if first == last else f"lines {first}–{last}: {quote}"


def _in_document(
    number: int, read: Callable[[int], Document], asked: Sequence[tuple[int, _Said]]
) -> Iterator[tuple[int, Place | None]]:
    try:
        ground = Ground(read(number))
    except NotFoundError:
        return
    for index, said in asked:
        yield index, next(filter(None, (ground.place(one, said.before, said.under) for one in said.meant)), None)


def _statements(text: str, found: Sequence[Bracket]) -> list[_Said]:
    """What each bracket may stand for; brackets that follow each other stand for the same."""
    said: list[_Said] = []
    for before, bracket in pairwise([Bracket(0, 0, "", []), *found]):
        if said and _NOTHING.fullmatch(text, before.end, bracket.start):
            said.append(said[-1])
        else:
            said.append(_statement(text, before.end, bracket))
    return said


def _statement(text: str, before: int, bracket: Bracket) -> _Said:
    """The clause since the last bracket, its whole sentence, and all sentences since that bracket.

    Where a sentence begins with its bracket, as in "According to [3] …", what follows is meant.
    """
    start = max(0, bracket.start - LONGEST_STATEMENT)
    for block in _BLOCK.finditer(text, start, bracket.start):
        start = block.end()
    since = text[max(start, before) : bracket.start]
    sentence = ([one for one in _SENTENCE.split(text[start : bracket.start]) if one.strip()] or [""])[-1]
    clause = min(since, sentence, key=len)
    meant = list(dict.fromkeys(_unmarked(one) for one in (clause, sentence, since)))
    if len(clause.split()) < _LEAST_WORDS:
        after = text[bracket.end : bracket.end + LONGEST_STATEMENT]
        line = _BLOCK.split(after)[0]
        meant.append(_unmarked(f"{sentence} {_SENTENCE.split(line)[0]}"))
        return _Said(meant, [], _under(text, start))
    others = [one.strip() for one in _SENTENCE.split(since) if not _NOTHING.fullmatch(one)][:-1]
    return _Said(meant, others[-MOST_BEFORE:], _under(text, start))


def _under(text: str, start: int) -> str:
    """The heading above what starts there, or what an item above it, less far to the right, says before a colon."""
    own = _ITEM.match(text, start)
    for line in reversed(text[max(0, start - LONGEST_STATEMENT) : start].split("\n")):
        if _HEADING.match(line):
            return _unmarked(line)
        above = _ITEM.match(line)
        if own and above and len(above[1]) < len(own[1]):
            return _unmarked(line[above.end() :].partition(":")[0])
    return ""


def _unmarked(text: str) -> str:
    return rewrite(text, lambda _: []).strip()


def _said_of(place: Place | None) -> str:
    """What a mark says of a place: what was found, whatever lines a model has claimed."""
    if place is None:
        return ""
    if "page" in place:
        return f"p{place['page']}"
    if "lines" not in place:
        return ""
    first, last = place["lines"]
    return str(first) if first == last else f"{first}-{last}"


def _sources(sources: Sequence[Source], places: Mapping[tuple[int, int], Place]) -> list[Source]:
    by_number: dict[int, dict[tuple[int, int, str], Place]] = {}
    for (_, number), place in places.items():
        by_number.setdefault(number, {}).setdefault(_order(place), place)
    return [
        {**one, "places": [place for _, place in sorted(by_number[one["number"]].items(), key=lambda item: item[0])]}
        if one["number"] in by_number
        else one
        for one in sources
    ]


def _order(place: Place) -> tuple[int, int, str]:
    """Where a place stands among the others of its document, and what makes it the same as another."""
    if "page" in place:
        return place["page"], 0, ""
    if "lines" in place:
        return place["lines"][0], place["lines"][1], ""
    return 0, 0, place["quote"]
