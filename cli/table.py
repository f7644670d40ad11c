"""Rows as aligned columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def print_table(rows: Sequence[Sequence[str]], indent: str = "") -> None:
    """One line a row, each column as wide as its widest cell."""
    for line in table_lines(rows, indent):
        print(line)


def table_lines(rows: Sequence[Sequence[str]], indent: str = "") -> Iterator[str]:
    """The same as lines."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield f"{indent}{'  '.join(cells)}".rstrip()
