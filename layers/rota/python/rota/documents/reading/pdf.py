"""PDF to text, page by page, and where each page begins."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from pypdfium2 import PdfDocument, PdfiumError, PdfPage, raw

from rota.documents.reading.tidy import compact, sane_title
from rota.errors import UnreadableDocumentError

_REASONS = {
    raw.FPDF_ERR_PASSWORD: "is protected by a password",
    raw.FPDF_ERR_SECURITY: "is encrypted in a way that is not read",
}

_HYPHEN = re.compile(r"(?<![^\s\x02])([^\s\x02]*+)\x02(?=(.?))")
"""PDFium's mark for a hyphen at the end of a line, with the word before it and the character after it."""

_UNREADABLE = " cannot be read]"


@dataclass(frozen=True, slots=True)
class PdfText:
    """The tidy text of a PDF, its title, and the character of the text at which each page begins."""

    title: str
    text: str
    pages: tuple[int, ...]


def pdf_text(data: bytes, max_pages: int) -> PdfText:
    """Pages apart by an empty line; one without text says so, unless it is blank.

    Raises UnreadableDocumentError for files that are broken, encrypted, too long, or without text on every page.
    """
    try:
        document = PdfDocument(data)
    except PdfiumError as error:
        raise UnreadableDocumentError(_REASONS.get(error.err_code, "is a broken PDF")) from error
    with document:
        count = len(document)
        if count > max_pages:
            raise UnreadableDocumentError(f"has {count:,} pages; at most {max_pages:,} are read")
        title = sane_title(document.get_metadata_value("Title"))
        with suppress(PdfiumError):  # a form that is broken is read as a page
            document.init_forms()
        texts = list(_texts(document))
    if all(instead.endswith(_UNREADABLE) for _, instead in texts):
        raise UnreadableDocumentError("is a broken PDF")
    if not any(text for text, _ in texts):
        pages = f"{count} page" if count == 1 else f"{count} pages"
        raise UnreadableDocumentError(f"holds no text on {pages} (scanned images need OCR first)")
    return _joined(title, [text or instead for text, instead in texts])


def _texts(document: PdfDocument) -> Iterator[tuple[str, str]]:
    """The text of each page, and what stands there when it has none."""
    for number in range(len(document)):
        try:
            page = _page(document, number)
            text = compact(_HYPHEN.sub(_hyphen, page.get_textpage().get_text_bounded()))
        except PdfiumError:
            yield "", f"[page {number + 1}{_UNREADABLE}"
            continue
        is_blank = text or next(page.get_objects(max_depth=1), None) is None
        yield text, "" if is_blank else f"[page {number + 1} holds only an image]"
        page.close()  # with its text: a page is not needed twice, and the memory of all of them is much


def _page(document: PdfDocument, number: int) -> PdfPage:
    """A page, on which the values of a form's fields are text."""
    page = document[number]
    if document.formenv is None or raw.FPDFPage_Flatten(page.raw, raw.FLAT_NORMALDISPLAY) != raw.FLATTEN_SUCCESS:
        return page
    page.close()
    return document[number]  # what was flattened is there when the page is loaded anew


def _hyphen(found: re.Match[str]) -> str:
    """A hyphen goes only where it may have cut a word in two: names, numbers, options and compounds keep theirs."""
    before, after = found.groups()
    end = before[-2:]
    is_cut = len(end) == 2 and end.isalpha() and end.islower() and after.islower() and "-" not in before
    return before if is_cut else f"{before}-"


def _joined(title: str, texts: list[str]) -> PdfText:
    pages, parts, length = [], [], 0
    for text in texts:
        pages.append(length)
        if text:
            parts.append(text)
            length += len(text) + 2
    end = max(length - 2, 0)
    return PdfText(title, "\n\n".join(parts), tuple(min(page, end) for page in pages))
