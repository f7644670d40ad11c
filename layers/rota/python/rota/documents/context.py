"""What a part of a document stands within, in a few words: headings, a table's header, a class and its method.

Found by lines alone, without a parser: what is indented less and looks like a definition encloses what follows. A
line that misleads costs a hint and nothing else, and any text takes time in proportion to its length.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from rota.documents.chunk import beginning
from rota.documents.code.files import is_source, suffix
from rota.documents.reading.kinds import DOCX, HTML, NOTEBOOK, PLAIN
from rota.documents.tokens import estimate_tokens

WITHIN_TOKENS = 60
"""The most that is said of where a part stands."""

SEEN_CHARACTERS = 300
"""Of a line."""

BETWEEN = " / "
"""Stands between what encloses and what is enclosed."""

_MARKDOWN = frozenset((".md", ".markdown", ".htm", ".html", ".xhtml"))
_WITH_HEADINGS = frozenset(("text/markdown", HTML, DOCX, NOTEBOOK))
_TABLES = frozenset((".csv", ".tsv"))

_MODIFIER = (
    r"(?:export|public|private|protected|internal|static|async|pub(?:\(\w+\))?|abstract|final|default|override|sealed"
    r"|virtual|inline|unsafe|partial|open|data)"
)
_KEYWORD = (
    r"(?:class|def|func|fn|function|interface|struct|impl|trait|enum|module|namespace|record|object|protocol|extension)"
)
_DEFINITION = re.compile(
    rf"(?:{_MODIFIER}\s+)*(?:{_KEYWORD}\b|type\s+\w+\s+(?:struct|interface)\b|(?:const|let|var)\s+\w+\s*=[^;]*=>)"
)
_HEAD = re.compile(
    r"(?!(?:if|for|while|switch|catch|else|do|try|return|foreach|match|using|lock|with)\b)[\w~][^;={}]*\("
)
"""A method or function by its shape, where no keyword begins it: `int main(void) {`."""
_NO_END = re.compile(r"[)\]#/*]|(?:public|private|protected|default)\s*:|case\b")
"""Begins lines that may be indented less than what they belong to: ends of argument lists, comments, labels."""

_FENCE = re.compile(r" {0,3}(?:```|~~~)")
_HEADING = re.compile(r"(#{1,6})[ \t]+(.*)")
_TEXT = re.compile(r"\S")


class _Lines(Protocol):
    """Lines of one kind of text, read in order."""

    def read(self, line: str) -> None:
        """Take the next line."""
        ...

    def above(self, line: str) -> list[str]:
        """What encloses the line that comes next, the outermost first."""
        ...


class Context:
    """What encloses places of one text, to be asked from its beginning to its end.

    `title` tells the kind of the text, or else `media_type` does; code is only what `is_source`. `inherited` is what
    its own beginning stands within, as `at` gives it.
    """

    def __init__(self, title: str, text: str, media_type: str = PLAIN, inherited: str = "") -> None:
        self._text, self._position = text, 0
        self._said = -1  # where the next word stands: heaps of empty lines are passed once
        self._lines = _lines(title, text, media_type, inherited.split(BETWEEN) if inherited else [])

    def at(self, offset: int) -> str:
        """What the text from `offset` on stands within, of at most WITHIN_TOKENS; empty where nothing is known."""
        if self._lines is None:
            return ""
        if self._said < offset:
            found = _TEXT.search(self._text, offset)
            self._said = found.start() if found else len(self._text)
        start = self._text.rfind("\n", 0, self._said if self._said < len(self._text) else offset) + 1
        while self._position < start:
            end = self._text.index("\n", self._position)
            self._lines.read(self._text[self._position : min(end, self._position + SEEN_CHARACTERS)])
            self._position = end + 1
        end = self._text.find("\n", start)
        line = self._text[start : start + SEEN_CHARACTERS if end < 0 else min(end, start + SEEN_CHARACTERS)]
        return _told(self._lines.above(line))


def _lines(title: str, text: str, media_type: str, inherited: Sequence[str]) -> _Lines | None:
    if is_source(title, media_type):
        # How deep each of them was is not told: evenly, up to the first line.
        step = max(1, _depth(text[:SEEN_CHARACTERS].lstrip("\n")) // max(1, len(inherited)))
        return _Code([(step * at, name) for at, name in enumerate(inherited)])
    if suffix(title) in _MARKDOWN or media_type in _WITH_HEADINGS:
        return _Headings(list(enumerate(inherited, start=1)))
    is_table = suffix(title) in _TABLES or media_type == "text/csv"
    return _Table(BETWEEN.join(inherited)) if is_table else None


def _told(names: Sequence[str]) -> str:
    """The names joined; of too many the innermost."""
    told = ""
    for name in reversed(names):
        joined = f"{name}{BETWEEN}{told}" if told else name
        if estimate_tokens(joined) > WITHIN_TOKENS:
            break
        told = joined
    return told or (beginning(names[-1], WITHIN_TOKENS) if names else "")


def _depth(line: str) -> int:
    line = line.expandtabs(4)
    return len(line) - len(line.lstrip(" "))


@dataclass(slots=True)
class _Code:
    """Definitions that are still open, with the depth of their lines."""

    open: list[tuple[int, str]]
    _last: str = ""

    def read(self, line: str) -> None:
        """See `_Lines`."""
        said = line.strip()
        if not said or _NO_END.match(said):
            return
        depth = _depth(line)
        opens = said.endswith("{")
        if said == "{":  # belongs to the line before
            said = self._last.strip()
            if _depth(self._last) != depth or not _HEAD.match(said):
                return
        while self.open and self.open[-1][0] >= depth:
            self.open.pop()
        self._last = line
        if _DEFINITION.match(said) or (opens and _HEAD.match(said)):
            self.open.append((depth, " ".join(said.rstrip("{: ").split())))

    def above(self, line: str) -> list[str]:
        """See `_Lines`."""
        return [name for depth, name in self.open if depth < _depth(line)]


@dataclass(slots=True)
class _Headings:
    """The headings above, with their levels."""

    above_here: list[tuple[int, str]]
    _is_fenced: bool = False

    def read(self, line: str) -> None:
        """See `_Lines`."""
        if _FENCE.match(line):
            self._is_fenced = not self._is_fenced
        elif not self._is_fenced and (heading := _HEADING.match(line)):
            level = len(heading[1])
            name = heading[2].rstrip("# \t")
            self.above_here = [*((at, each) for at, each in self.above_here if at < level), (level, name)]

    def above(self, line: str) -> list[str]:
        """See `_Lines`."""
        heading = None if self._is_fenced else _HEADING.match(line)
        level = len(heading[1]) if heading else 7
        return [name for at, name in self.above_here if at < level and name]


@dataclass(slots=True)
class _Table:
    """The first row."""

    header: str

    def read(self, line: str) -> None:
        """See `_Lines`."""
        self.header = self.header or " ".join(line.split())

    def above(self, line: str) -> list[str]:  # noqa: ARG002
        """See `_Lines`."""
        return [self.header] if self.header else []
