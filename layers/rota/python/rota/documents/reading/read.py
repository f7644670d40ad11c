"""Bytes of a file to plain text: text, Markdown, HTML, PDF, source code, JSON and CSV.

Everything that cannot become text is an UnreadableDocumentError whose message completes the sentence "<file> …".
Parsers of HTML and PDF are imported when the first such file comes: only the gathering function carries them.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from rota.errors import UnreadableDocumentError

LONG_LINE = 2000
"""A JSON file with a longer line is indented anew, so that it can be cut at its structure."""

_SUFFIXES = {
    ".csv": "text/csv",
    ".htm": "text/html",
    ".html": "text/html",
    ".json": "application/json",
    ".markdown": "text/markdown",
    ".md": "text/markdown",
    ".pdf": "application/pdf",
    ".xhtml": "text/html",
}
_MAGIC = (
    (b"\x89PNG", "is a PNG image"),
    (b"\xff\xd8\xff", "is a JPEG image"),
    (b"GIF8", "is a GIF image"),
    (b"PK\x03\x04", "is a ZIP archive or an office document (.docx, .xlsx, .pptx, …)"),
    (b"\x1f\x8b", "is a gzip archive"),
    (b"\xd0\xcf\x11\xe0", "is an old Microsoft Office document"),
    (b"{\\rtf", "is an RTF document"),
    (b"\x7fELF", "is a program"),
    (b"SQLite format 3\x00", "is a SQLite database"),
)
_BOMS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_DECLARED = re.compile(rb"""(?:charset|encoding|coding)[ \t]*[=:][ \t]*["']?([\w.:-]+)""", re.IGNORECASE)
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
_TRAILING = re.compile(r"(?<![ \t\u00a0])[ \t\u00a0]++$", re.MULTILINE)
_SURROGATES = re.compile(r"[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """What one document may hold: bytes of the file, pages of a PDF, characters of its text."""

    max_bytes: int = 20_000_000
    max_pages: int = 1500
    max_characters: int = 4_000_000


@dataclass(frozen=True, slots=True)
class ReadText:
    """The text of a document and the media type it was read as."""

    text: str
    media_type: str


def read_document(data: bytes, name: str, media_type: str = "", limits: ReadLimits | None = None) -> ReadText:
    """Turn a file into text. `media_type` is what the store says; the name and the first bytes count for more.

    Raises UnreadableDocumentError for files that are empty, too large, binary, encrypted, broken or without text.
    """
    limits = limits or ReadLimits()
    if len(data) > limits.max_bytes:
        raise UnreadableDocumentError(too_large(len(data), limits))
    if not data.strip(b"\x00\t\n\r "):
        raise UnreadableDocumentError("is empty")
    kind = _kind(data, name, media_type)
    text = tidy(_text(data, kind, media_type, limits))
    if not text:
        raise UnreadableDocumentError("holds no text")
    if len(text) > limits.max_characters:
        raise UnreadableDocumentError(f"has {len(text):,} characters; at most {limits.max_characters:,} are read")
    return ReadText(text, kind)


def too_large(size: int, limits: ReadLimits) -> str:
    """The reason given for a file of `size` bytes that exceeds the limit."""
    return f"has {size / 1e6:.1f} MB; at most {limits.max_bytes / 1e6:.0f} MB are read"


def tidy(text: str) -> str:
    """Text as it is stored: line feeds only, nothing that is invisible or not Unicode, no heaps of white space."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n\n")
    text = _SURROGATES.sub("\ufffd", _CONTROLS.sub("", text))
    text = _TRAILING.sub("", text)
    return re.sub(r"\n{4,}", "\n\n\n", text).strip("\n")


def _kind(data: bytes, name: str, media_type: str) -> str:
    declared = media_type.partition(";")[0].strip().lower()
    start = data[:1024].lstrip()
    if start.startswith(b"%PDF-"):
        return "application/pdf"
    for magic, reason in _MAGIC:
        if data.startswith(magic):
            raise UnreadableDocumentError(f"{reason}, which is not read")
    known = _SUFFIXES.get(PurePosixPath(name).suffix.lower())
    if known:
        return known
    if start[:15].lower().startswith((b"<!doctype html", b"<html")):
        return "text/html"
    return declared if declared in _SUFFIXES.values() and declared != "application/pdf" else "text/plain"


def _text(data: bytes, kind: str, media_type: str, limits: ReadLimits) -> str:
    if kind == "application/pdf":
        from rota.documents.reading.pdf import pdf_text

        return pdf_text(data, limits.max_pages)
    text = decode(data, media_type)
    if kind == "text/html":
        from rota.documents.reading.html import html_text

        return html_text(text)
    return _indented(text) if kind == "application/json" else text


def decode(data: bytes, media_type: str = "") -> str:
    """Bytes to text by byte-order mark, UTF-8, the declared character set, else Windows' Western European one.

    Raises UnreadableDocumentError for bytes that are no text.
    """
    encodings = [encoding for mark, encoding in _BOMS if data.startswith(mark)][:1]
    if not encodings and b"\x00" in data[:4096]:
        encodings = _utf16_without_mark(data[:4096])
    if not encodings:
        encodings = ["utf-8", *_declared(data, media_type), "cp1252", "latin-1"]
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except (UnicodeDecodeError, LookupError):
            continue
        if len(_CONTROLS.findall(text[:20_000])) * 50 > min(len(text), 20_000):
            break
        return text
    raise UnreadableDocumentError("is a binary file")


def _utf16_without_mark(start: bytes) -> list[str]:
    # Western text in UTF-16 has a zero in every second byte, and always on the same side; other binary has not.
    even, odd = start[0::2].count(0), start[1::2].count(0)
    if max(even, odd) < len(start) * 0.3 or min(even, odd) > len(start) * 0.02:
        return []
    return ["utf-16-be" if even > odd else "utf-16-le"]


def _declared(data: bytes, media_type: str) -> list[str]:
    found = _DECLARED.search(media_type.encode("utf-8", "ignore")) or _DECLARED.search(data[:2048])
    return [found[1].decode("ascii", "ignore")] if found else []


def _indented(text: str) -> str:
    if max(map(len, text.splitlines()), default=0) <= LONG_LINE:
        return text
    try:
        return json.dumps(json.loads(text), ensure_ascii=False, indent=1)
    except (ValueError, RecursionError):
        return text
