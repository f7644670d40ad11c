"""Bytes of a file to plain text: text, Markdown, HTML, PDF, DOCX, mail, notebooks, source code, JSON and CSV.

Everything that cannot become text is an UnreadableDocumentError whose message completes the sentence "<file> …".
Parsers are imported when the first file of their kind comes: only the functions that read documents carry them. They
meet files that nobody vouches for: `rota.documents.sandbox` runs all this in a process of its own.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from rota.documents.reading import kinds
from rota.documents.reading.decoding import decode
from rota.documents.reading.tidy import compact, tidy
from rota.errors import UnreadableDocumentError

LONG_LINE = 2000
"""A JSON file with a longer line is indented anew, so that it can be cut at its structure."""

_MARK = "\\u0000"
_MARKED = re.compile(r'"\\u0000([^"]*)"')
"""A number that is carried through the parser as a string; a file with the mark in strings of its own is left alone."""


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """What one document may hold: bytes of the file, pages of a PDF, characters of its text."""

    max_bytes: int = 20_000_000
    max_pages: int = 1500
    max_characters: int = 6_000_000


@dataclass(frozen=True, slots=True)
class ReadText:
    """The text of a document and the media type it was read as.

    `title` is what the file calls itself, if it does; `pages` holds, for a PDF, the character of the text at which each
    page begins; `attachments`, for a mail, name and bytes of the files that came with it.
    """

    text: str
    media_type: str
    title: str = ""
    pages: tuple[int, ...] = ()
    attachments: tuple[tuple[str, bytes], ...] = ()


def read_document(data: bytes, name: str, media_type: str = "", limits: ReadLimits | None = None) -> ReadText:
    """Turn a file into text. `media_type` is what the store says; the name and the first bytes count for more.

    Raises UnreadableDocumentError for files that are empty, too large, binary, encrypted, broken or without text.
    """
    limits = limits or ReadLimits()
    if len(data) > limits.max_bytes:
        raise UnreadableDocumentError(too_large(len(data), limits))
    if not data.strip(b"\x00\t\n\r "):
        raise UnreadableDocumentError("is empty")
    read = _read(data, kinds.kind(data, name, media_type), media_type, limits)
    if not read.text.strip():
        raise UnreadableDocumentError("holds no text")
    if len(read.text) > limits.max_characters:
        raise UnreadableDocumentError(f"has {len(read.text):,} characters; at most {limits.max_characters:,} are read")
    return read


def too_large(size: int, limits: ReadLimits) -> str:
    """The reason given for a file of `size` bytes that exceeds the limit."""
    return f"has {size / 1e6:.1f} MB; at most {limits.max_bytes / 1e6:.0f} MB are read"


def _read(data: bytes, kind: str, media_type: str, limits: ReadLimits) -> ReadText:
    if kind == kinds.PDF:
        from rota.documents.reading.pdf import pdf_text

        pdf = pdf_text(data, limits.max_pages)
        return ReadText(pdf.text, kind, pdf.title, pdf.pages)
    if kind == kinds.MAIL:
        from rota.documents.reading.mail import mail_text

        mail = mail_text(data)
        return ReadText(compact(mail.text), kind, mail.title, attachments=mail.attachments)
    title, text = _titled(data, kind, media_type, limits)
    return ReadText(tidy(text) if kind in kinds.AS_WRITTEN else compact(text), kind, title)


def _titled(data: bytes, kind: str, media_type: str, limits: ReadLimits) -> tuple[str, str]:
    """The title and the text of a file without pages or attachments."""
    if kind == kinds.DOCX:
        from rota.documents.reading.docx import docx_text

        document = docx_text(data)
        return document.title, document.text
    text = decode(data, media_type)
    if kind == kinds.HTML:
        from rota.documents.reading.html import html_text

        page = html_text(text)
        return page.title, page.text
    if kind == kinds.NOTEBOOK:
        from rota.documents.reading.notebook import notebook_text

        return "", notebook_text(text)
    return "", _indented(text, limits.max_characters) if kind == kinds.JSON else text


def _indented(text: str, max_characters: int) -> str:
    """JSON with lines and the same content, when that is short enough.

    What is too long anyway is not parsed, for objects are large.
    """
    longest = max(map(len, text.splitlines()), default=0)
    if len(text) > max_characters or longest <= LONG_LINE or _MARK in text:
        return text
    try:
        parsed = json.loads(text, parse_float=_number, object_pairs_hook=_object)
        indented = _MARKED.sub(r"\1", json.dumps(parsed, ensure_ascii=False, indent=1))
    except (ValueError, RecursionError):
        return text
    return indented if len(indented) <= max_characters else text


def _number(literal: str) -> float | str:
    """A number that would be written in another way stays as it is: a string with a mark."""
    number = float(literal)
    return number if repr(number) == literal else f"\0{literal}"


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Raises ValueError for keys that are there twice: one of their values would be lost."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("has a key twice")
    return found
