"""Text to the sentences worth quoting: markup, tables and fenced code left out; of source code its comments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

LONGEST = 400
"""Characters of a sentence; what is longer is cut between words."""

LOOKED_AT = 500
"""Characters of a line that tell what it is; patterns on a line of megabytes would take minutes."""

_END = re.compile(
    r"(?:(?<![.!?…])[.!?…]++[\"'”’)]*(?:\s*\[\d+\])*\s+(?=[^a-z\s])(?!\[\d)|[。！？][”」]?(?:\s*\[\d+\])*\s*)"
)
_ABBREVIATION = re.compile(
    r"(?:\b(?:[A-Za-z]|[eE]\.g|[iI]\.e|z\.B|etc|vs|cf|Dr|Mrs?|Ms|Prof|St|No|Nr|[Ff]igs?|bzw|ca)\.)$"
)
_FENCE = re.compile(r"^\s*(```|~~~)")
_HEADING = re.compile(r"^\s{0,3}#{1,6}(\s|$)")
_UNDERLINE = re.compile(r"^\s*(={3,}|-{3,}|\*{3,}|_{3,})\s*$")
_TABLE = re.compile(r"^\s*\||\S\s+\|\s+\S.*\s\|(\s|$)|^[\s+|:-]*\|[\s+|:-]*$")
_ITEM = re.compile(r"^\s*(?:[-*+•]|\d{1,3}[.)])\s+")
_TAG_LINE = re.compile(r"^\s*<[^>]*>\s*$")
_LINK = re.compile(r"!?\[([^\]\[]*)\]\((?:[^()\s]|\([^()\s]*\))*(?:\s+\"[^\"]*\")?\)")
_HTML = "a|abbr|b|br|center|code|div|em|font|h[1-6]|hr|i|img|kbd|li|ol|p|pre|small|span|strong|su[bp]|table|t[dhr]|ul?"
_TAG = re.compile(rf"</?(?:{_HTML})(?:\s[^<>]{{0,300}})?/?>", re.IGNORECASE)
_EMPHASIS = re.compile(r"(\*{1,3}|(?<!\w)_{1,3})(\S(?:[^*_\n]*\S)?)\1(?!\w)")

_CODE_LINE = re.compile(
    r"[{};(\[]\s*$|^\s*(?:[)\]}]|//|/\*|\*\s|#(?!#*\s+[A-Z])|@\w)"
    r"|^\s*(?:def|class|import|from|return|elif|else|try|except|func|fn|function|const|let|var|public|private|static)\b"
    r"|^\s*[\w.\[\]\"']+\s*(?:[-+|:]?=|:)\s*\S(?:.*[^.])?$"
)
_QUOTE = re.compile(r"\"\"\"|'''|^[ \t]*/\*|\*/", re.MULTILINE)
_FENCED = re.compile(r"^[ \t]*```.*?^[ \t]*```", re.MULTILINE | re.DOTALL)
_STARS = re.compile(r"^[ \t]*\*+(?=\s|$)", re.MULTILINE)
_COMMENTS = re.compile(r"(?:^[ \t]*(?:#|//+|--)(?!!|[ \t]*(?:noqa|type:|eslint)).*(?:\n|\Z))+", re.MULTILINE)
_COMMENT_MARK = re.compile(r"^[ \t]*(?:#|//+|--)[ \t]?", re.MULTILINE)
_BLANKED = re.compile(r"[^\n]")
_INDENT = re.compile(r"^[ \t]+", re.MULTILINE)
_CODE_SHARE = 0.4
_LABEL_WORDS = 2
_COLUMNS = re.compile(r"[^\s.!?] {2,}\S")
_DRAWING = re.compile(r"[\u2500-\u25ff]")
_NOISE = re.compile(r"[^\w\s.,;:!?'\"’“”«»„()\[\]。，、；：！？「」（）-]|_")
_LETTER = re.compile(r"[^\W\d_]")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence without markup; `leads` when it opens its paragraph, `heading` is the one it stands under.

    `comment` when it is the documentation of source code.
    """

    text: str
    leads: bool
    heading: str = ""
    comment: bool = False


def sentences(text: str) -> list[Sentence]:
    """The sentences of a text in their order, each once.

    A paragraph without any full stop (a list of settings, a log, lines of CSV) counts as one sentence a line. Text
    that has nothing else gives its lines.
    """
    code = _is_code(text)
    paragraphs = _paragraphs(_comments(text) if code else text)
    found = _unique(replace(sentence, comment=code) for sentence in _of_paragraphs(paragraphs))
    return found or _unique(Sentence(line, True) for line in _lines(text) if _LETTER.search(line))


def _unique(found: Iterator[Sentence]) -> list[Sentence]:
    return list({sentence.text: sentence for sentence in reversed(list(found))}.values())[::-1]


def _is_code(text: str) -> bool:
    lines = [line for line in _FENCED.sub("", _blanked(text)).splitlines() if line.strip(" \t\"'*/")]
    if not lines:
        return True
    return sum(1 for line in lines if _CODE_LINE.search(line[:LOOKED_AT])) > _CODE_SHARE * len(lines)


def _comments(text: str) -> str:
    """The comments and documentation of source code, blocks apart by an empty line, in their order."""
    spans = list(_documentation(text))
    found = [
        (start, _STARS.sub("", text[start:end]) if text[end : end + 2] == "*/" else text[start:end])
        for start, end in spans
    ]
    comments = _COMMENTS.finditer(_blanked(text))
    found += [(comment.start(), _COMMENT_MARK.sub("", comment[0])) for comment in comments]
    return _INDENT.sub("", "\n\n".join(words for _, words in sorted(found)))


def _blanked(text: str) -> str:
    """Documentation blanked out at the same length: positions stay, and a mark inside a docstring is no comment."""
    rest = list(text)
    for start, end in _documentation(text):
        rest[start:end] = _BLANKED.sub(" ", text[start:end])
    return "".join(rest)


def _documentation(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of what stands in triple quotes, or between `/*` at the start of a line and `*/`."""
    opened: re.Match[str] | None = None
    for quote in _QUOTE.finditer(text):
        sign = quote[0].lstrip()
        if opened is None:
            opened = quote if sign != "*/" else None
        elif {"/*": "*/"}.get(opened[0].lstrip(), opened[0]) == sign:
            yield opened.end(), quote.start()
            opened = None


def _paragraphs(text: str) -> Iterator[tuple[str, list[str]]]:
    """Each paragraph's lines with the heading above it; neither fenced code nor tables."""
    heading = ""
    held: list[str] = []
    fenced = False
    for line in text.split("\n"):
        if _FENCE.match(line):
            fenced = not fenced
            yield heading, held
            held = []
        elif fenced:
            continue
        elif _UNDERLINE.match(line):
            # Below a single line it makes that line a heading.
            if len(held) == 1:
                heading = _clean(held[0])
            else:
                yield heading, held
            held = []
        elif _HEADING.match(line):
            yield heading, held
            heading, held = _clean(line.strip("# ")), []
        elif not line.strip() or _TABLE.search(line[:LOOKED_AT]) or _TAG_LINE.match(line):
            yield heading, held
            held = []
        elif _ITEM.match(line):
            yield heading, held
            held = [_ITEM.sub("", line)]
        else:
            held.append(line)
    yield heading, held


def _of_paragraphs(paragraphs: Iterator[tuple[str, list[str]]]) -> Iterator[Sentence]:
    for heading, lines in paragraphs:
        if sum(1 for line in lines if _COLUMNS.search(line[:LOOKED_AT])) * 2 > len(lines):
            continue
        cleaned = [line for line in map(_clean, lines) if line]
        joined = " ".join(cleaned)
        parts = list(_labelled(_split(joined))) if _END.search(f"{joined} X") else cleaned
        leads = True
        for part in parts:
            for piece in _lines(part):
                if not _is_noise(piece):
                    yield Sentence(piece, leads, heading)
                    leads = False


def _clean(line: str) -> str:
    line = _LINK.sub(r"\1", line.strip().lstrip("> "))
    line = _EMPHASIS.sub(r"\2", _TAG.sub("", line))
    return re.sub(r"\s+", " ", line.replace("`", "")).strip()


def _split(paragraph: str) -> Iterator[str]:
    start = 0
    for match in _END.finditer(paragraph):
        if _ABBREVIATION.search(paragraph, max(start, match.start() - 8), match.start() + 1):
            continue
        yield paragraph[start : match.end()].strip()
        start = match.end()
    if paragraph[start:].strip():
        yield paragraph[start:].strip()


def _labelled(parts: Iterator[str]) -> Iterator[str]:
    """A label of one or two words, such as "Wait.", stays with the sentence it opens the paragraph for."""
    first = next(parts, "")
    if first and first.count(" ") < _LABEL_WORDS:
        second = next(parts, "")
        first = f"{first} {second}".rstrip()
    yield from filter(None, [first])
    yield from parts


def _lines(text: str) -> Iterator[str]:
    """The lines of a text, each at most LONGEST characters, cut between words where there are any."""
    for line in text.splitlines():
        start = 0
        while len(line) - start > LONGEST:
            space = line.rfind(" ", start + LONGEST // 2, start + LONGEST)
            end = space if space > 0 else start + LONGEST
            yield line[start:end].strip()
            start = end
        if line[start:].strip():
            yield line[start:].strip()


def _is_noise(sentence: str) -> bool:
    size = len(sentence)
    if _DRAWING.search(sentence):
        return True
    return len(_NOISE.findall(sentence)) > size * 0.12 or len(_LETTER.findall(sentence)) < size * 0.4
