"""Pieces of a page to lines of text: white space as a browser shows it, list items, table rows, fenced code."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from rota.documents.reading.html_seen import Label, Mark, Piece

_GAPS = {Mark.BREAK: "\n", Mark.LINE: "\n", Mark.PARAGRAPH: "\n\n", Mark.ROW: "\n"}
_FENCES = re.compile(r"^\s*(`{3,})", re.MULTILINE)


def lines(pieces: Iterable[Piece]) -> str:
    """The text of the pieces, in time proportional to their length."""
    writer = _Writer()
    for piece in pieces:
        if isinstance(piece, str):
            writer.text(piece)
        elif isinstance(piece, Label):
            writer.label += piece.text
        else:
            writer.mark(piece)
    return "".join(writer.parts)


@dataclass(slots=True)
class _Writer:
    """Holds back what stands between texts until the next one comes: `gap`, and after it `label`.

    `preformatted` collects the text of a `<pre>`, and is None outside of one. `in_cell` is true from a cell's begin
    to its first text: paragraphs make no difference there.
    """

    parts: list[str] = field(default_factory=list)
    gap: str = ""
    label: str = ""
    preformatted: list[str] | None = None
    in_row: bool = False
    in_cell: bool = False

    def text(self, text: str) -> None:
        """Text as it flows, or as it is."""
        if self.preformatted is not None:
            self.preformatted.append(text)
            return
        words = text.split()
        if text[:1].isspace():
            self._space()
        if words:
            self._write(" ".join(words))
            if text[-1].isspace():
                self._space()

    def mark(self, mark: Mark) -> None:
        """What stands between texts."""
        if self.preformatted is not None:
            if mark is Mark.FLOWING:
                self._fenced()
        elif mark is Mark.PREFORMATTED:
            self.preformatted = []
        elif mark is Mark.CELL:
            self._cell()
        elif mark is Mark.CELL_END:
            self.gap, self.label, self.in_cell = "", "", False
        elif mark is Mark.END:
            self.label = ""
        elif mark in _GAPS:
            self._break(mark)

    def _break(self, mark: Mark) -> None:
        if mark is Mark.ROW:
            self.in_row, self.in_cell, self.label = False, False, ""
        if not self.parts or self.label or self.in_cell:
            return
        if self.gap in ("", " ") or mark is Mark.PARAGRAPH:
            self.gap = _GAPS[mark]
        elif mark is Mark.BREAK:
            self.gap = "\n\n"

    def _cell(self) -> None:
        if self.in_row:
            self.parts.append(self.gap + ("| " if "\n" in self.gap else " | "))
            self.gap = ""
        self.in_row = self.in_cell = True

    def _space(self) -> None:
        if self.parts and not self.gap and not self.label and not self.in_cell:
            self.gap = " "

    def _write(self, text: str) -> None:
        self.parts.append(f"{self.gap}{self.label}{text}")
        self.gap, self.label, self.in_cell = "", "", False

    def _fenced(self) -> None:
        """Code keeps its lines, and a fence keeps its comments from being taken for headings."""
        text = "".join(self.preformatted or ()).strip("\n").rstrip()
        self.preformatted = None
        if text:
            fence = max((found[1] for found in _FENCES.finditer(text)), key=len, default="``") + "`"
            self.gap, self.label = "\n\n" if self.parts else "", ""
            self._write(f"{fence}\n{text}\n{fence}")
            self.gap = "\n\n"
