"""Where in a document a statement rests, found by the words they share; None rather than a place that may be wrong.

    statement ─► its telling words ─► windows of lines that hold most of them ─► one clearly the best? ─► lines, quote

Rare words of the document count more than frequent ones (Spärck Jones 1972), names and figures most, and the line that
defines a name more than those that use it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from rota.documents.extraction.terms import terms
from rota.records import Document, Place
from rota.steps.citations import without_marks
from rota.steps.concordance import Concordance
from rota.steps.definitions import MOST_LINES, block, defines

QUOTED = 160
"""Characters of a quote."""

DEFINED = 0.6
"""What the line that defines a name counts for beside the name itself."""

ABSENT = 0.5
"""What a word of the statement that the document never has counts for, where the rarest one counts for 1."""

SPREAD, GAP = 0.04, 0.1
"""What each further piece of a place costs, and each break between paragraphs: the shorter of two places is better."""

SHARE, AHEAD, WORDS = 0.5, 1.25, 3
"""A place is given when it holds SHARE of all that the statement's words count for, at least so many WORDS of it or a
name's definition, and AHEAD times as much as the next best place elsewhere. Chosen on the statements in
`tests/fixtures/statements_by_place.toml`: 57 of 58 are placed, none of them wrongly."""

QUOTED_WORDS, QUOTED_LETTERS = 3, 12
"""What is so long and stands in the document word for word, is quoted from there; less could stand there by chance."""

NARROWER = 0.7
"""Of a definition that is too long to be shown whole, the lines that hold this share of its words are shown instead."""

MOST_STARTS, MOST_PIECES, MOST_NAMES, MOST_USES = 300, 30, 12, 200
"""What bounds the time: pieces tried as a place's first, those with the rarest words; pieces of a place; names looked
up; uses of a name tried as its definition."""

LONGEST_STATEMENT = 1200
"""Characters of a statement that are read."""

COMMON = 3000
"""A word in more pieces than this, of however many, tells nothing."""

_WORD = re.compile(r"[^\W_]+")
_FIGURE = r"(?<![\w.,])\d[\d.,]*\d(?!\w)"
_NAME = re.compile(
    rf"{_FIGURE}|[A-Za-z]\w*_\w+|_\w+|[a-z]+\d*[A-Z]\w*|[A-Z][a-z0-9]+[A-Z]\w*|[A-Za-z]\w*(?=\()"
    r"|(?<=`)[A-Za-z]\w*(?=[`.])|(?<=[\w)]\.)[a-z]\w+"
)
_DOTTED = re.compile(r"\W*(?:\w+(?:\.|::|#))*(\w+)\W*")
_LESS = re.compile(r"\s*[^\s)\]}]")
_OWN_LINES = re.compile(r"text/(?!html)|application/json")


def place(statement: str, document: Document) -> Place | None:
    """Where one statement rests in a document; `Ground` is for several."""
    return Ground(document).place(statement)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """The pieces `first` to `last` (inclusive): what the words in there count for, their share, and how many."""

    first: int
    last: int
    value: float
    share: float
    words: int
    defines: bool = False

    def meets(self, other: _Candidate) -> bool:
        return self.first <= other.last + 1 and other.first <= self.last + 1


class Ground:
    """A document whose words are counted once, for all the statements that cite it."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._words = Concordance(document["text"])
        self._known: dict[str, Sequence[tuple[int, int]]] = {}

    def place(self, statement: str, before: Sequence[str] = (), under: str = "") -> Place | None:
        """Lines from 1 (a page for a PDF, neither where the text is not the file's own) and a quote; None when unsure.

        `before` are sentences that rest on the same mark: those that stand beside the statement are in its place. A
        sentence that stands several times is meant next below one of those, else below the heading `under`.
        Some ten milliseconds at most for each, whatever stands in document and statement.
        """
        if len(statement) > LONGEST_STATEMENT:
            statement = statement[:LONGEST_STATEMENT].rpartition(" ")[0]
        if not self._places(statement):
            return None
        others: list[tuple[int, int]] = []
        for said in before:
            others += filter(None, [self._found(said, others, under)])
        found = self._found(statement, others, under)
        return self._shown(*self._joined(found, others)) if found else None

    def _found(self, statement: str, others: Sequence[tuple[int, int]], under: str) -> tuple[int, int] | None:
        """The one place of a statement, told from its other ones by those of the sentences before it."""
        places = self._places(statement)
        if len(places) < 2:
            return places[0] if places else None
        for other in reversed(others):
            if next_to := self._next_to(other, statement):
                return next_to
        below = self._words.below(under, places)
        return below[0] if len(below) == 1 else None

    def _next_to(self, other: tuple[int, int], statement: str) -> tuple[int, int] | None:
        """Where a sentence follows another place, unless it stands nearer before it: that may be the one meant."""
        line = self._words.line
        near = list(self._quoted(statement, *self._words.around(*other, MOST_LINES)))
        above = min((line(other[0]) - line(last) for first, last in near if first < other[0]), default=MOST_LINES)
        following = next((one for one in near if one[0] >= other[0]), None)
        return following if following and line(following[0]) - line(other[1]) <= above else None

    def _places(self, statement: str) -> Sequence[tuple[int, int]]:
        """All places of a sentence that is the document's own; of another statement the best, if that is certain."""
        if statement not in self._known:
            exact = self._word_for_word(statement)
            self._known[statement] = list(filter(None, [self._likely(statement)])) if exact is None else exact
        return self._known[statement]

    def _likely(self, statement: str) -> tuple[int, int] | None:
        looked_for = _LookedFor(statement, self._words)
        found = sorted(looked_for.candidates(), key=lambda one: (-one.value, one.first))
        best = _certain(found)
        if best is None:
            return None
        if best.defines:
            return self._narrowed(best, found)
        return self._words.sentence(best.first, best.last)

    def _joined(self, found: tuple[int, int], others: Sequence[tuple[int, int]]) -> tuple[int, int]:
        """With those others that it meets, or that meet it by way of others: MOST_LINES in all, and on one page."""
        first, last = found
        for one in sorted(others, key=lambda one: max(one[0] - found[1], found[0] - one[1])):
            wide = min(first, one[0]), max(last, one[1])
            meets = self._words.reaches(last, one[0]) and self._words.reaches(one[1], first)
            short = self._words.line(wide[1]) - self._words.line(wide[0]) < MOST_LINES
            if meets and short and self._page(wide[0]) == self._page(found[0]):
                first, last = wide
        return first, last

    def _word_for_word(self, statement: str) -> list[tuple[int, int]] | None:
        """Where a document's own sentence stands, which may have been given the heading above it, or a name.

        None when it stands nowhere; of several places those below that heading or in the name's definition.
        """
        if found := list(dict.fromkeys(self._quoted(statement))):
            return found
        heading, _, sentence = statement.partition(": ")
        places = list(dict.fromkeys(self._quoted(sentence)))
        if len(places) < 2:
            return places or None
        defined = self._defined(heading, places)
        return defined if len(defined) == 1 else self._words.below(heading, places)

    def _defined(self, heading: str, places: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
        """Those places that stand in the definition of a name such as `Queue.get`, in nothing that is inside it."""
        found: list[tuple[int, int]] = []
        named = _DOTTED.fullmatch(heading)
        for piece in self._words.standing_as(named[1], MOST_USES) if named else []:
            at = self._words.line(piece)
            if named and defines(self._words.lines[at], named[1]):
                first, last = block(self._words.lines, at)
                inside = range(first, last + 1)
                found += [one for one in places if self._words.line(one[0]) in inside and self._own(at, one)]
        return found

    def _own(self, at: int, place: tuple[int, int]) -> bool:
        """Whether no line between a definition and a place in it is less indented, as another definition would be."""
        lines = self._words.lines
        line = self._words.line(place[0])
        deep = len(lines[line]) - len(lines[line].lstrip())
        return not any(_LESS.match(one) and len(one) - len(one.lstrip()) < deep for one in lines[at + 1 : line])

    def _quoted(self, said: str, begin: int = 0, end: int | None = None) -> Iterator[tuple[int, int]]:
        words = _WORD.findall(said)
        if len(words) >= QUOTED_WORDS and sum(map(len, words)) >= QUOTED_LETTERS:
            yield from self._words.word_for_word(words, begin, end)

    def _narrowed(self, best: _Candidate, found: Sequence[_Candidate]) -> tuple[int, int]:
        if self._words.line(best.last) - self._words.line(best.first) + 1 < MOST_LINES:
            return best.first, best.last
        inside = [one for one in found if not one.defines and best.first <= one.first and one.last <= best.last]
        if inside and inside[0].share >= NARROWER * best.share:
            return self._words.sentence(inside[0].first, inside[0].last)
        return best.first, best.last

    def _page(self, piece: int) -> int:
        return bisect_right(self._document.get("pages", ()), self._words.span(piece, piece)[0])

    def _shown(self, first: int, last: int) -> Place:
        start, end = self._words.span(first, last)
        quote = " ".join(without_marks(self._document["text"][start:end]).split())
        if len(quote) > QUOTED:
            quote = quote[: QUOTED - 1].rstrip() + "…"
        if self._document.get("pages"):
            return Place(page=max(1, self._page(first)), quote=quote)
        if _OWN_LINES.match(self._document["media_type"]):
            return Place(lines=[self._words.line(first) + 1, self._words.line(last) + 1], quote=quote)
        return Place(quote=quote)


def _certain(found: Sequence[_Candidate]) -> _Candidate | None:
    """The candidate (the best is first) that leaves no doubt, or None. A definition wins over a use that is like it."""
    if not found:
        return None
    best = found[0]
    rivals = [one for one in found if not one.meets(best)]
    if rivals and rivals[0].defines and not best.defines and best.value < AHEAD * rivals[0].value:
        best = rivals[0]
        rivals = [one for one in rivals if one.defines and not one.meets(best)]
    alone = not rivals or best.value >= AHEAD * rivals[0].value
    enough = best.share >= SHARE and (best.defines or best.words >= WORDS)
    return best if alone and enough else None


class _LookedFor:
    """A statement's words and names, each with the pieces that hold it and what it counts for.

    A name, or a figure of several digits, as it is written is a word of its own, with `=` before it.
    """

    def __init__(self, statement: str, words: Concordance) -> None:
        self._words = words
        self._size = len(statement)
        self._names = list(dict.fromkeys(_NAME.findall(statement)))[:MOST_NAMES]
        # The words of `0.3` would be `0` and `3`, which stand everywhere.
        said = dict.fromkeys(terms(re.sub(_FIGURE, " ", statement)))
        standing = {term: words.standing(term) for term in said}
        standing |= {f"={name}": words.standing_as(name, COMMON + 1) for name in self._names}
        self._standing = {term: pieces for term, pieces in standing.items() if 0 < len(pieces) <= COMMON}
        self._weights = {term: words.rarity(len(pieces)) for term, pieces in self._standing.items()}
        absent = sum(1 for pieces in standing.values() if not pieces)
        self._whole = sum(self._weights.values()) + ABSENT * absent

    def candidates(self) -> Iterator[_Candidate]:
        """Every definition of a name in the statement, and the best window from each piece with a telling word."""
        for name in self._names:
            for piece in self._standing.get(f"={name}", [])[:MOST_USES]:
                line = self._words.line(piece)
                if defines(self._words.lines[line], name):
                    yield self._definition(line)
        for first in self._starts():
            yield self._window(first)

    @cached_property
    def _by_piece(self) -> Mapping[int, list[str]]:
        found: dict[int, list[str]] = {}
        for term, pieces in self._standing.items():
            for piece in pieces:
                found.setdefault(piece, []).append(term)
        return found

    def _starts(self) -> list[int]:
        found: dict[int, None] = {}
        for term in sorted(self._standing, key=lambda term: len(self._standing[term])):
            for piece in self._standing[term]:
                if len(found) >= MOST_STARTS:
                    return list(found)
                found[piece] = None
        return list(found)

    def _window(self, first: int) -> _Candidate:
        """From a piece on as far as words of the statement are gained, at about the statement's length."""
        seen = dict.fromkeys(self._by_piece[first])
        best = self._candidate(first, first, seen, 0.0)
        value, cost = best.value, 0.0
        start, _ = self._words.span(first, first)
        for last in range(first + 1, min(len(self._words), first + MOST_PIECES)):
            if self._words.span(last, last)[1] - start > 200 + 1.3 * self._size:
                break
            cost += SPREAD + GAP * (self._words.line(last) > self._words.line(last - 1) + 1)
            new = [term for term in self._by_piece.get(last, ()) if term not in seen]
            value += sum(self._weights[term] for term in new)
            seen |= dict.fromkeys(new)
            if new and value - cost > best.value:
                best = self._candidate(first, last, seen, -cost)
        return best

    def _definition(self, line: int) -> _Candidate:
        first, last = block(self._words.lines, line)
        pieces = self._words.pieces_of(first, last)
        seen = dict.fromkeys(term for piece in pieces for term in self._by_piece.get(piece, ()))
        return self._candidate(pieces[0], pieces[-1], seen, DEFINED, defines=True)

    def _candidate(
        self, first: int, last: int, seen: Mapping[str, None], more: float, defines: bool = False
    ) -> _Candidate:
        weight = sum(self._weights[term] for term in seen)
        # A name's own words are counted already; a figure's are not.
        words = sum(1 for term in seen if term[0] != "=" or term[1].isdigit())
        return _Candidate(first, last, weight + more, weight / self._whole, words, defines)
