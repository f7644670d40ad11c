"""A concordance of one document: its lines in pieces, and in which of them each word stands."""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import islice

from rota.documents.extraction.terms import terms

PIECE = 400
"""A longer line is cut at its sentences and then between words, so that a document of one line has places too."""

WIDER = 2
"""Pieces that a sentence is followed to, each way."""

AT_ONCE = 40
"""Words that are looked for together: in a text of one word over and over, each further one is tried everywhere."""

MOST_TRIED = 400
"""Places of a sentence that are told apart: it stands under no more headings."""

MOST_SIGNS = 60
"""Signs, spaces and line ends between two words of a sentence."""

FEW = 300
"""A sentence is looked for around so many pieces that hold its rarest word; where there are more, everywhere."""

_WORD = re.compile(r"[^\W_]+")
_HEADING = re.compile(r"^(?:#{1,6}\s.*|[^\s#|>-].{0,200}\n(?:={3,}|-{3,})[ \t]*$)", re.MULTILINE)
_PROSE = re.compile(r"[^={};]*\w,?\s+[^\s={};]+\s+\w[^={};]*")
_SIGNS = rf"[\W_]{{1,{MOST_SIGNS}}}+"
_ENDS = ".!?:;|。！？"
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[^\sa-z])|(?<=[。！？])")
_WHOLE_LINE = 120


class Concordance:
    """Pieces are numbered from 0 in their order, and so are lines; empty lines have no piece."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines = text.split("\n")
        self._line: list[int] = []
        self._start: list[int] = []
        self._end: list[int] = []
        self._terms_of: dict[str, list[str]] = {}
        self._standing: dict[str, list[int]] = {}
        self._count()
        self._commonest = math.log(1 + max(1, len(self._line)))

    def __len__(self) -> int:
        return len(self._line)

    def line(self, piece: int) -> int:
        """The line that a piece stands in."""
        return self._line[piece]

    def span(self, first: int, last: int) -> tuple[int, int]:
        """The characters from the beginning of one piece to the end of another."""
        return self._start[first], self._end[last]

    def reaches(self, piece: int, other: int) -> bool:
        """Whether another piece stands before a piece's end, right after it or in the next line."""
        return other <= piece + 1 or self._line[other] == self._line[piece] + 1

    def pieces_of(self, first_line: int, last_line: int) -> range:
        """The pieces of these lines (both inclusive)."""
        left = bisect_right(self._line, first_line - 1)
        return range(left, bisect_right(self._line, last_line))

    def sentence(self, first: int, last: int) -> tuple[int, int]:
        """Pieces of prose, with those around them in which their sentence begins and ends; at most WIDER each way."""
        for _ in range(WIDER):
            if first and self._goes_on(first - 1):
                first -= 1
            if last + 1 < len(self._line) and self._goes_on(last):
                last += 1
        return first, last

    def word_for_word(self, words: Sequence[str], begin: int = 0, end: int | None = None) -> Iterator[tuple[int, int]]:
        """Each place, as its pieces, where these words follow each other, whatever signs and line ends stand between.

        They are looked for from the character `begin` to `end`. Of the places where the first AT_ONCE words follow
        each other, MOST_TRIED are tried.
        """
        if not words or any(word.lower() not in self._terms_of for word in words):
            return
        parts = [_SIGNS.join(map(re.escape, words[at : at + AT_ONCE])) for at in range(0, len(words), AT_ONCE)]
        after = [re.compile(rf"{_SIGNS}{part}(?![^\W_])") for part in parts[1:]]
        first = re.compile(rf"(?<![^\W_]){parts[0]}(?![^\W_])")
        stretches = self._near(words[:AT_ONCE], begin, len(self.text) if end is None else end)
        starts = (start for stretch in stretches for start in first.finditer(self.text, *stretch))
        for start in islice(starts, MOST_TRIED):
            found: re.Match[str] | None = start
            for part in after:
                found = found and part.match(self.text, found.end())
            if found:
                yield bisect_right(self._start, start.start()) - 1, bisect_right(self._start, found.end() - 1) - 1

    def around(self, first: int, last: int, lines: int) -> tuple[int, int]:
        """The characters around some pieces, so many lines each way but not beyond the headings above and below."""
        near = self.pieces_of(self._line[first] - lines, self._line[last] + lines)
        (begin, end), (start, after) = self.span(near[0], near[-1]), self.span(first, last)
        below = _HEADING.search(self.text, after, end)
        begin = max((one.start() for one in _HEADING.finditer(self.text, begin, start)), default=begin)
        return begin, below.start() if below else end

    def below(self, heading: str, places: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
        """Of several places (ascending) the first ones below a line that is the heading.

        Without such a line, those below a heading that has its words, with no other heading between.
        """
        meant = _WORD.findall(heading)
        standing = [self.standing(term) for term in terms(heading)]
        pieces = sorted(set(standing[0]).intersection(*standing)) if standing else []
        exact: list[tuple[int, int]] = []
        alike: list[tuple[int, int]] = []
        before, begins = -1, 0
        for first, last in places:
            start, end = self.span(first, last)
            section = max((one.start() for one in _HEADING.finditer(self.text, begins, start)), default=-1)
            since = pieces[bisect_right(pieces, before) : bisect_right(pieces, first)]
            above = [one for one in since if self._start[one] >= section]
            if any(_WORD.findall(self.lines[self._line[one]]) == meant for one in above):
                exact.append((first, last))
            elif above and self._start[above[0]] == section:
                alike.append((first, last))
            before, begins = last, end
        return exact or alike

    def standing(self, term: str) -> list[int]:
        """The pieces that hold a term (see `extraction.terms`), ascending."""
        return self._standing.get(term, [])

    def standing_as(self, name: str, most: int) -> list[int]:
        """The first pieces, at most `most`, that hold a name or a figure as it is written."""
        found: dict[int, None] = {}
        at = self.text.find(name)
        while at >= 0 and len(found) < most:
            after = at + len(name)
            if not (self._inside_word(at - 1) or self._inside_word(after)):
                piece = bisect_right(self._start, at) - 1
                found[piece] = None
                after = max(after, self._end[piece])
            at = self.text.find(name, after)
        return list(found)

    def rarity(self, pieces: int) -> float:
        """What standing in so many pieces counts for: 1 for a single one, towards 0 for all of them."""
        return (math.log(1 + len(self._line) / pieces) / self._commonest) ** 2

    def _goes_on(self, piece: int) -> bool:
        """Whether a sentence goes on from a piece to the next one, as in prose that is wrapped into lines."""
        if self._line[piece + 1] > self._line[piece] + 1:
            return False
        here, there = (self.text[self._start[one] : self._end[one]].strip() for one in (piece, piece + 1))
        return bool(_PROSE.fullmatch(here)) and here[-1] not in _ENDS and there[:1].islower()

    def _near(self, words: Sequence[str], begin: int, end: int) -> Iterator[tuple[int, int]]:
        """The characters, in stretches that do not meet, among which these words may follow each other."""
        rarest = min(
            (self.standing(term) for word in words for term in self._terms_of[word.lower()]), key=len, default=()
        )
        if not 0 < len(rarest) <= FEW:
            yield begin, end
            return
        size = sum(len(word) + MOST_SIGNS for word in words)
        left, right = begin, begin
        for piece in rarest:
            start, after = max(begin, self._start[piece] - size), min(end, self._end[piece] + size)
            if start > right:
                yield left, right
                left = start
            right = max(right, after)
        yield left, right

    def _inside_word(self, at: int) -> bool:
        return 0 <= at < len(self.text) and (self.text[at].isalnum() or self.text[at] == "_")

    def _count(self) -> None:
        known = self._terms_of
        begins = 0
        for number, line in enumerate(self.lines):
            for start, end in _pieces(line):
                piece = len(self._line)
                self._line.append(number)
                self._start.append(begins + start)
                self._end.append(begins + end)
                held: set[str] = set()
                for word in set(_WORD.findall(line[start:end].lower())):
                    if word not in known:
                        known[word] = terms(word)
                    held.update(known[word])
                for term in held:
                    self._standing.setdefault(term, []).append(piece)
            begins += len(line) + 1


def _pieces(line: str) -> Iterator[tuple[int, int]]:
    """Start and end of the pieces of a line; none for an empty one."""
    if not line.strip():
        return
    if len(line) <= _WHOLE_LINE:
        yield 0, len(line)
        return
    start = 0
    for end in [*(match.start() for match in _SENTENCE.finditer(line)), len(line)]:
        while end - start > PIECE:
            space = line.rfind(" ", start + PIECE // 2, start + PIECE)
            cut = space if space > 0 else start + PIECE
            yield start, cut
            start = cut
        if line[start:end].strip():
            yield start, end
            start = end
