"""Pieces of a page to lines of text: white space as a browser shows it, list items, table rows, fenced code."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from rota.documents.reading.html_marks import Label, Mark, Piece

_GAPS = {Mark.BREAK: "\n", Mark.LINE: "\n", Mark.PARAGRAPH: "\n\n", Mark.ROW: "\n"}
_FENCES = re.compile(r"^[ \t]*(`{3,})", re.MULTILINE)
_LINE_IN_CELL = re.compile(r"(?<=\S)\n\s*")
_BLOCK_IN_CELL = re.compile(r"^(?:\| )*(?:#{1,6} |```)", re.MULTILINE)

MAX_CELL = 500
"""Characters of a cell whose paragraphs, lines and items become one line. Longer ones, and those with headings or code,
are the columns of a page that is laid out as a table."""


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
    to its first text: paragraphs make no difference there. `cells` counts those that have begun in the row, and
    `cell_at` is the part at which the last of them did.
    """

    parts: list[str] = field(default_factory=list)
    gap: str = ""
    label: str = ""
    preformatted: list[str] | None = None
    cells: int = 0
    cell_at: int = 0
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
            self._cell_end()
        elif mark is Mark.END:
            self.label = ""
        elif mark in _GAPS:
            self._break(mark)

    def _break(self, mark: Mark) -> None:
        if mark is Mark.ROW:
            self.cells, self.in_cell, self.label = 0, False, ""
        if self.label or self.in_cell:
            return
        self.gap = self.gap.rstrip("| ")  # of a row without text
        if not self.parts:
            return
        if self.gap in ("", " ") or mark is Mark.PARAGRAPH:
            self.gap = _GAPS[mark]
        elif mark is Mark.BREAK:
            self.gap = "\n\n"

    def _cell(self) -> None:
        if self.cells:
            self._join()
            if "\n" in self.gap or not self.parts:
                self.gap += "| "  # after empty cells, which stay in their row
            else:
                self.parts.append(" | ")
                self.gap = ""
        self.cells, self.cell_at, self.in_cell = self.cells + 1, len(self.parts), True

    def _cell_end(self) -> None:
        if not self.in_cell:
            self.gap = ""
        self.label, self.in_cell = "", False
        if self.cells > 1:
            self._join()

    def _join(self) -> None:
        """Make the last cell one line, so that its row is one."""
        text = "".join(self.parts[self.cell_at :])
        if text and len(text) <= MAX_CELL and not _BLOCK_IN_CELL.search(text):
            self.parts[self.cell_at :] = [_LINE_IN_CELL.sub(" ", text)]

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
