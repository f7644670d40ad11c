"""How a page is marked: between the pieces of its text stand the marks that its elements make as they begin and end."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum

from selectolax.lexbor import LexborNode


class Mark(Enum):
    """Between pieces of text. Two breaks make a paragraph, two lines do not; without a text before `END`, the label of
    a list item or heading is void."""

    BREAK = "break"
    LINE = "line"
    PARAGRAPH = "paragraph"
    END = "end"
    ROW = "row"
    CELL = "cell"
    CELL_END = "cell_end"
    PREFORMATTED = "preformatted"
    FLOWING = "flowing"


@dataclass(frozen=True, slots=True)
class Label:
    """Stands before the text that follows, whatever paragraphs begin between: `- `, `3. `, `## `."""

    text: str


Piece = str | Mark | Label

HEADINGS = {f"h{level}": Label("#" * level + " ") for level in range(1, 7)}
"""The labels of headings by their tags."""

REGIONS = frozenset(
    (
        *("article", "aside", "body", "center", "details", "dialog", "div", "dl", "fieldset", "footer", "form"),
        *("header", "main", "nav", "ol", "p", "section", "table", "ul"),
    )
)
"""Blocks that may be a part of a page by themselves."""

_BLOCKS = REGIONS | frozenset(
    ("address", "blockquote", "caption", "dd", "dt", "figcaption", "figure", "hr", "legend", "pre", "summary")
)
_LINES_OF_CODE = (_BLOCKS - {"pre"}) | {"li", "tr"}
_ITEM_NUMBER = re.compile(r"\s*(-?[0-9]{1,9})")
_ENDS_OF_WORDS = re.compile(r"\s*[^\W\d_]{2,}\s*")  # 2nd, 1er


@dataclass(slots=True)
class Marks:
    """Writes `pieces`: the text of a page as it comes, and the marks of each element around it.

    `open_block`, `begin`, `end` and `close_block` follow each other for each element that is seen, with its tag.
    """

    pieces: list[Piece] = field(default_factory=list)
    lists: list[int | None] = field(default_factory=list)
    in_pre: int = 0
    in_sup: int = 0

    def open_block(self, tag: str) -> None:
        """Before an element: blocks are paragraphs, and lines in lists and preformatted text."""
        if self._is_line_of_code(tag):
            self._end_line()
        elif tag in _BLOCKS:
            self._part(tag)

    def begin(self, node: LexborNode, tag: str, in_link: bool) -> None:
        """At the begin of an element, which may lie in a link."""
        pieces = self.pieces
        if tag == "sup":
            self._raise(node, in_link)
        elif tag == "br":
            pieces.append("\n" if self.in_pre else Mark.BREAK)
        elif tag in HEADINGS:
            pieces.extend((Mark.PARAGRAPH, HEADINGS[tag]))
        elif tag in ("ul", "ol"):
            self.lists.append(_number(node, "start", 1) if tag == "ol" else None)
        elif tag == "li":
            pieces.extend((Mark.LINE, self._item(node)))
        elif tag == "tr":
            pieces.append(Mark.ROW)
        elif tag in ("td", "th"):
            pieces.append(Mark.CELL)
        elif tag == "pre":
            pieces.append(Mark.PREFORMATTED)
            self.in_pre += 1

    def end(self, tag: str) -> None:
        """At the end of an element."""
        pieces = self.pieces
        if self._is_line_of_code(tag):
            self._end_line()
        if tag == "sup":
            self.in_sup -= 1
        elif tag in HEADINGS:
            pieces.extend((Mark.END, Mark.PARAGRAPH))
        elif tag in ("ul", "ol"):
            self.lists.pop()
        elif tag == "li":
            pieces.append(Mark.END)
        elif tag in ("td", "th"):
            pieces.append(Mark.CELL_END)
        elif tag == "pre":
            pieces.append(Mark.FLOWING)
            self.in_pre -= 1

    def close_block(self, tag: str) -> None:
        """After an element, as before it."""
        if tag in _BLOCKS and not self._is_line_of_code(tag):
            self._part(tag)

    def _part(self, tag: str) -> None:
        nested = tag in ("ul", "ol") and self.lists
        self.pieces.append(Mark.LINE if nested else Mark.PARAGRAPH)

    def _is_line_of_code(self, tag: str) -> bool:
        return self.in_pre > 0 and tag in _LINES_OF_CODE

    def _end_line(self) -> None:
        """A block in preformatted text is a line of it."""
        last = self.pieces[-1]
        if isinstance(last, str) and not last.endswith("\n"):
            self.pieces.append("\n")

    def _raise(self, node: LexborNode, in_link: bool) -> None:
        """Powers keep apart from their base; the marks of footnotes are links, and endings of words need nothing."""
        self.in_sup += 1
        last = self.pieces[-1] if self.pieces else ""
        if self.in_sup > 1 or in_link or not (isinstance(last, str) and last[-1:].isalnum()):
            return
        text = node.text()
        if text.strip() and not _ENDS_OF_WORDS.fullmatch(text) and node.css_first("a") is None:
            self.pieces.append("^")

    def _item(self, node: LexborNode) -> Label:
        indent = "  " * (min(len(self.lists), 9) - 1)
        if not self.lists or self.lists[-1] is None:
            return Label(f"{indent}- ")
        number = _number(node, "value", self.lists[-1])
        self.lists[-1] = number + 1
        return Label(f"{indent}{number}. ")


def _number(node: LexborNode, name: str, otherwise: int) -> int:
    found = _ITEM_NUMBER.match(node.attributes.get(name) or "")
    return int(found[1]) if found else otherwise
