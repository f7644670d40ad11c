"""Places in a document that share a statement's telling words, each with what these count for.

    statement ─► its telling words ─► windows of lines that hold most of them ─► one clearly the best?

Rare words of the document count more than frequent ones (Spärck Jones 1972), names and figures most, and the line that
defines a name more than those that use it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from rota.documents.extraction.terms import terms
from rota.steps.concordance import Concordance
from rota.steps.definitions import block, defines

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

MOST_STARTS, MOST_PIECES, MOST_NAMES, MOST_USES = 300, 30, 12, 200
"""What bounds the time: pieces tried as a place's first, those with the rarest words; pieces of a place; names looked
up; uses of a name tried as its definition."""

COMMON = 3000
"""A word in more pieces than this, of however many, tells nothing."""

_FIGURE = r"(?<![\w.,])\d[\d.,]*\d(?!\w)"
_NAME = re.compile(
    rf"{_FIGURE}|[A-Za-z]\w*_\w+|_\w+|[a-z]+\d*[A-Z]\w*|[A-Z][a-z0-9]+[A-Z]\w*|[A-Za-z]\w*(?=\()"
    r"|(?<=`)[A-Za-z]\w*(?=[`.])|(?<=[\w)]\.)[a-z]\w+"
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """The pieces `first` to `last` (inclusive): what the words in there count for, their share, and how many."""

    first: int
    last: int
    value: float
    share: float
    words: int
    defines: bool = False

    def meets(self, other: Candidate) -> bool:
        """Whether the two overlap or stand side by side."""
        return self.first <= other.last + 1 and other.first <= self.last + 1


def certain(found: Sequence[Candidate]) -> Candidate | None:
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


class LookedFor:
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

    def candidates(self) -> Iterator[Candidate]:
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

    def _window(self, first: int) -> Candidate:
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

    def _definition(self, line: int) -> Candidate:
        first, last = block(self._words.lines, line)
        pieces = self._words.pieces_of(first, last)
        seen = dict.fromkeys(term for piece in pieces for term in self._by_piece.get(piece, ()))
        return self._candidate(pieces[0], pieces[-1], seen, DEFINED, defines=True)

    def _candidate(
        self, first: int, last: int, seen: Mapping[str, None], more: float, defines: bool = False
    ) -> Candidate:
        weight = sum(self._weights[term] for term in seen)
        # A name's own words are counted already; a figure's are not.
        words = sum(1 for term in seen if term[0] != "=" or term[1].isdigit())
        return Candidate(first, last, weight + more, weight / self._whole, words, defines)
