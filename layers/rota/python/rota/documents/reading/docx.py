"""DOCX to text, by way of HTML, so that headings, lists and tables are kept as those of a page are."""

from __future__ import annotations

import io
import re
import zipfile
from html import unescape

import mammoth

from rota.documents.reading.html import HtmlText
from rota.documents.reading.html_lines import lines
from rota.documents.reading.html_seen import seen
from rota.documents.reading.tidy import sane_title
from rota.errors import UnreadableDocumentError

MAX_XML_BYTES = 40_000_000
"""Of all parts that are text, unpacked. 3.8 MB, which are 3.5 million characters, make a process of 61 MB."""

_TITLE = re.compile(r"<dc:title>([^<]{1,2000})</dc:title>")


def docx_text(data: bytes) -> HtmlText:
    """The text of a document, with footnotes and comments at its end, and its title.

    Raises UnreadableDocumentError for files that are broken, or larger than they seem.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as parts:
            infos = [info for info in parts.infolist() if info.filename.endswith((".xml", ".rels"))]
            if sum(info.file_size for info in infos) > MAX_XML_BYTES:
                raise UnreadableDocumentError(f"unpacks to more than {MAX_XML_BYTES / 1e6:.0f} MB of text")
            title = _title(parts)
        converted = mammoth.convert_to_html(
            io.BytesIO(data),
            convert_image=mammoth.images.img_element(lambda _: {}),
            include_embedded_style_map=False,
        )
    except (UnreadableDocumentError, MemoryError):
        raise
    except Exception as error:  # whatever zipfile, expat and mammoth make of files that are broken
        raise UnreadableDocumentError(f"is a broken Word document ({type(error).__name__})") from error
    text = lines(seen(converted.value).pieces)
    return HtmlText(title, text)


def _title(parts: zipfile.ZipFile) -> str:
    try:
        core = parts.read("docProps/core.xml").decode("utf-8", "replace")
    except KeyError:
        return ""
    found = _TITLE.search(core)
    return sane_title(unescape(found[1])) if found else ""
