"""Where a name is defined in a text of code, and the lines of its definition: by how lines look, in any language."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice

MOST_LINES = 20
"""A definition is shown to this length: its signature, its documentation and how it begins."""

MOST_ABOVE = 6
"""Lines of decorators and comments above a definition that belong to it."""

MOST_TIMES = 3
"""A line that defines a name has it early."""

LONGEST = 400
"""A longer line defines nothing that a person would look up."""

_KEYWORD = re.compile(
    r"\b(?:def|class|func|fn|function|interface|struct|enum|trait|type|impl|record|object|namespace|module)"
    r"\s+(?:\([^()]{0,80}\)\s*)?(?:\w+(?:\.|::))?\*?$"
)
_QUALIFIED = re.compile(r"^\s*(?:(?:export|const|let|var|val|static|final|public|private|protected|pub|readonly)\s+)*$")
_SET_TO = re.compile(r"\s*(?::[^=]{1,80})?=(?!=)")
_STATEMENT = "return|new|await|else|throw|yield|raise|import|from|assert|del|in|if"
_TYPED = re.compile(rf"^\s*(?!(?:{_STATEMENT})\b)(?:\w\S*\s+)*\S*$")
_PARAMETERS = re.compile(r"\s*\([^;={]*\{\s*$")
_ABOVE = re.compile(r"\s*(?:@\w|//|/\*|\*|#(?!include|define))")
_CLOSES = re.compile(r"\s*[)\]}]")
_DOCUMENTED = re.compile(r"\s*(\"\"\"|''')")


def defines(line: str, name: str) -> bool:
    """Whether a line defines a name."""
    if len(line) > LONGEST:
        return False
    for found in islice(re.finditer(rf"(?<!\w){re.escape(name)}(?!\w)", line), MOST_TIMES):
        before, after = line[: found.start()], line[found.end() :]
        if _KEYWORD.search(before) or (_QUALIFIED.match(before) and _SET_TO.match(after)):
            return True
        if _TYPED.match(before) and _PARAMETERS.match(after):
            return True
    return False


def block(lines: Sequence[str], at: int) -> tuple[int, int]:
    """The first and last line (indices) of the definition at a line, at most MOST_LINES from that line on."""
    first = at
    while first > max(0, at - MOST_ABOVE) and _ABOVE.match(lines[first - 1][:LONGEST]):
        first -= 1
    deep = _indent(lines[at])
    last = at
    for index in range(at + 1, min(len(lines), at + MOST_LINES)):
        line = lines[index]
        if line.strip() and _indent(line) <= deep and not _CLOSES.match(line):
            break
        last = index if line.strip() else last
    return first, _documented(lines, last) if last == at else last


def _documented(lines: Sequence[str], at: int) -> int:
    """A constant's own documentation, in triple quotes below it, belongs to it."""
    below = _DOCUMENTED.match(lines[at + 1]) if at + 1 < len(lines) else None
    if below is None:
        return at
    for index in range(at + 1, min(len(lines), at + MOST_LINES)):
        if lines[index].count(below[1]) > (index == at + 1):
            return index
    return at


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
