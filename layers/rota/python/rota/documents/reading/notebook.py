"""A Jupyter notebook to Markdown: its cells in order, code between fences, and what the code printed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from rota.documents.reading.html import html_text

MAX_OUTPUT = 4000
"""Characters of one output that are kept: results are read, logs are not."""

_SHOWN = ("text/plain", "text/markdown", "text/html")


def notebook_text(text: str) -> str:
    """The cells of a notebook; a file that is none comes back as it is."""
    try:
        notebook = json.loads(text)
        language = ((notebook.get("metadata") or {}).get("language_info") or {}).get("name", "python")
        return "\n\n".join(part for cell in _cells(notebook) for part in _parts(cell, str(language)) if part.strip())
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):  # JSON of another shape, or none
        return text


def _cells(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    """Those of version 4, or of the worksheets that there were before it."""
    found: list[dict[str, Any]] = notebook.get("cells") or [
        cell for sheet in notebook["worksheets"] for cell in sheet["cells"]
    ]
    return found


def _parts(cell: dict[str, Any], language: str) -> Iterator[str]:
    source = _joined(cell.get("source", cell.get("input", "")))
    if cell.get("cell_type") != "code":
        yield source
        return
    yield _fenced(source, language)
    for output in cell.get("outputs") or []:
        shown = _output(output)
        yield _fenced(shown if len(shown) <= MAX_OUTPUT else f"{shown[:MAX_OUTPUT]}…", "")


def _output(output: dict[str, Any]) -> str:
    """What was printed, went wrong, or is shown."""
    if "ename" in output:
        return f"{output['ename']}: {output.get('evalue', '')}"
    data = output.get("data") or {}
    kind = next((kind for kind in _SHOWN if data.get(kind)), "")
    shown = _joined(output.get("text") or data.get(kind, ""))
    return html_text(shown).text if kind == "text/html" else shown


def _joined(source: str | list[str]) -> str:
    return source if isinstance(source, str) else "".join(source)


def _fenced(text: str, language: str) -> str:
    return f"```{language}\n{text.rstrip()}\n```" if text.strip() else ""
