"""Puts documents, notes and the question between delimiters that nothing inside can close.

A `<` that would open or close one of the delimiters becomes `[`: the same length, so that budgets and offsets hold,
and still readable for a model that reads a document about this very markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from rota.records import Passage

_DELIMITER = re.compile(r"<(?=\s*/?\s*(?:document|question|notes?)\b)", re.IGNORECASE)
_ATTRIBUTE = str.maketrans({'"': "'", "<": "(", ">": ")", "\n": " "})


def escape(text: str) -> str:
    """Text that cannot open or close a delimiter; as long as before."""
    return _DELIMITER.sub("[", text)


def documents(passages: Iterable[Passage]) -> str:
    """Passages as `<document number="3" title="…" part="2/2" lines="40-80" within="…">…</document>`.

    `part` only where there are several, `lines` only for code, `within` only where there is something to say.
    """
    return "\n".join(_document(passage) for passage in passages)


def question(text: str) -> str:
    """`<question>…</question>`."""
    return f"<question>\n{escape(text.strip())}\n</question>"


def notes(texts: Iterable[str]) -> str:
    """Each text as `<note>…</note>`."""
    return "\n".join(f"<note>\n{escape(text.strip())}\n</note>" for text in texts)


def _document(passage: Passage) -> str:
    about = f' part="{passage["part"]}/{passage["parts"]}"' if passage["parts"] > 1 else ""
    if "lines" in passage:
        first, last = passage["lines"]
        about += f' lines="{first}-{last}"'
    if passage.get("within"):
        about += f' within="{passage["within"].translate(_ATTRIBUTE)}"'
    title = passage["title"].translate(_ATTRIBUTE)
    return f'<document number="{passage["number"]}" title="{title}"{about}>\n{escape(passage["text"])}\n</document>'
