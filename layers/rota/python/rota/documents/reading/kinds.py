"""What kind of file some bytes are: by their first bytes, else the name, else what the store says."""

from __future__ import annotations

from pathlib import PurePosixPath

from rota.errors import UnreadableDocumentError

PDF = "application/pdf"
HTML = "text/html"
JSON = "application/json"
PLAIN = "text/plain"
MAIL = "message/rfc822"
NOTEBOOK = "application/x-ipynb+json"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
AS_WRITTEN = frozenset((JSON, PLAIN, "text/csv", "text/markdown", "text/tab-separated-values"))
"""Kinds whose text is the file's own, line by line, so that its lines can be cited."""

_SUFFIXES = {
    ".csv": "text/csv",
    ".eml": MAIL,
    ".htm": HTML,
    ".html": HTML,
    ".ipynb": NOTEBOOK,
    ".json": JSON,
    ".markdown": "text/markdown",
    ".md": "text/markdown",
    ".pdf": PDF,
    ".tsv": "text/tab-separated-values",
    ".xhtml": HTML,
}
_TEMPLATES = frozenset((".cshtml", ".ejs", ".erb", ".hbs", ".jsp", ".php", ".svelte", ".twig", ".vue"))
"""Source code that may begin as a page does; read as one it would lose its code."""

_DECLARED = {one: one for one in _SUFFIXES.values() if one != PDF} | {"application/xhtml+xml": HTML}
_MAGIC = (
    (b"\x89PNG", "is a PNG image"),
    (b"\xff\xd8\xff", "is a JPEG image"),
    (b"GIF8", "is a GIF image"),
    (b"\x1f\x8b", "is a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "is a 7-Zip archive"),
    (b"Rar!\x1a\x07", "is a RAR archive"),
    (b"\xd0\xcf\x11\xe0", "is an old Microsoft Office document (.doc, .xls, .ppt)"),
    (b"{\\rtf", "is an RTF document"),
    (b"\x7fELF", "is a program"),
    (b"SQLite format 3\x00", "is a SQLite database"),
)
_ZIP = b"PK\x03\x04"
_INSIDE_ZIP = (  # names of members are never packed
    (b"xl/workbook.", "is an Excel workbook (.xlsx)"),
    (b"ppt/presentation.", "is a PowerPoint presentation (.pptx)"),
    (b"mimetypeapplication/vnd.oasis.", "is an OpenDocument file (.odt, .ods, .odp)"),
    (b"mimetypeapplication/epub", "is an e-book (.epub)"),
)


def kind(data: bytes, name: str, media_type: str) -> str:
    """The media type to read a file as. Raises UnreadableDocumentError for kinds that are known and not read."""
    start = data[:1024].removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"%PDF-"):
        return PDF
    if data.startswith(_ZIP):
        return _zip_kind(data)
    for magic, reason in _MAGIC:
        if data.startswith(magic):
            raise UnreadableDocumentError(f"{reason}, which is not read")
    suffix = PurePosixPath(name).suffix.lower()
    declared = _DECLARED.get(media_type.partition(";")[0].strip().lower(), PLAIN)
    if suffix in _TEMPLATES:
        return HTML if declared == HTML else PLAIN  # what a server has run is a page
    if start[:15].lower().startswith((b"<!doctype html", b"<html")):
        return HTML  # were it called README.md: sites show such files as pages
    return _SUFFIXES.get(suffix, declared)


def _zip_kind(data: bytes) -> str:
    if b"word/document" in data:
        return DOCX
    for inside, reason in _INSIDE_ZIP:
        if inside in data:
            raise UnreadableDocumentError(f"{reason}, which is not read")
    raise UnreadableDocumentError("is a ZIP archive or an office document (.docx, .xlsx, .pptx, …), which is not read")
