"""Where in a document a statement rests, found by the words they share; None rather than a place that may be wrong.

statement ─► word for word? ─► where it is meant, of several ─► lines, quote
         └─► else by its telling words (see `likeness`) ──────┘
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence

from rota.records import Document, Place
from rota.steps.citations import without_marks
from rota.steps.concordance import Concordance
from rota.steps.definitions import MOST_LINES, block, defines
from rota.steps.likeness import MOST_USES, Candidate, LookedFor, certain

QUOTED = 160
"""Characters of a quote."""

QUOTED_WORDS, QUOTED_LETTERS = 3, 12
"""What is so long and stands in the document word for word, is quoted from there; less could stand there by chance."""

NARROWER = 0.7
"""Of a definition that is too long to be shown whole, the lines that hold this share of its words are shown instead."""

LONGEST_STATEMENT = 1200
"""Characters of a statement that are read."""

_WORD = re.compile(r"[^\W_]+")
_DOTTED = re.compile(r"\W*(?:\w+(?:\.|::|#))*(\w+)\W*")
_LESS = re.compile(r"\s*[^\s)\]}]")
_OWN_LINES = re.compile(r"text/(?!html)|application/json")


def place(statement: str, document: Document) -> Place | None:
    """Where one statement rests in a document; `Ground` is for several."""
    return Ground(document).place(statement)


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
        looked_for = LookedFor(statement, self._words)
        found = sorted(looked_for.candidates(), key=lambda one: (-one.value, one.first))
        best = certain(found)
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

    def _narrowed(self, best: Candidate, found: Sequence[Candidate]) -> tuple[int, int]:
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
