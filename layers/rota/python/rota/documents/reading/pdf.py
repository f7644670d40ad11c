"""PDF to text, page by page."""

from __future__ import annotations

import io

from pypdf import PdfReader
from pypdf.errors import DependencyError

from rota.errors import UnreadableDocumentError


def pdf_text(data: bytes, max_pages: int) -> str:
    """The text of every page, pages apart by an empty line.

    Raises UnreadableDocumentError for files that are broken, encrypted, too long, or only images of text.
    """
    try:
        pages = _pages(data, max_pages)
    except UnreadableDocumentError:
        raise
    except DependencyError as error:
        # Files of which only the editing is restricted open without a password, but AES needs a compiled library.
        raise UnreadableDocumentError("is encrypted with AES, which is not read") from error
    except Exception as error:  # pypdf lets KeyError, RecursionError and others out of files that are broken
        raise UnreadableDocumentError(f"is a broken PDF ({type(error).__name__})") from error
    text = "\n\n".join(pages)
    if not text.strip():
        raise UnreadableDocumentError(f"holds no text on {len(pages)} pages (scanned images need OCR first)")
    return text


def _pages(data: bytes, max_pages: int) -> list[str]:
    reader = PdfReader(io.BytesIO(data))
    if reader.is_encrypted and not reader.decrypt(""):
        raise UnreadableDocumentError("is protected by a password")
    if len(reader.pages) > max_pages:
        raise UnreadableDocumentError(f"has {len(reader.pages):,} pages; at most {max_pages:,} are read")
    return [page.extract_text().strip() for page in reader.pages]
