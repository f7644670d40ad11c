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

_UNKNOWN = re.compile(rb"<(/?)w:(?:fldSimple|dir|bdo)(?=[\s/>])")
"""Elements around text that mammoth leaves out with the text: fields, and text of another direction."""

_MATH = re.compile(rb"<(/?)m:(\w+)(>?)")
_MATH_RUNS = {b"r": b"w:r", b"t": b"w:t"}
_BRACKETS = {
    b"num": (b"(", b")/"),
    b"den": (b"(", b")"),
    b"sup": (b"^(", b")"),
    b"sub": (b"_(", b")"),
    b"d": (b"(", b")"),
}
"""Around the parts of an equation that are not in its row, so that 1/2 is not 12."""

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
            known = _known(parts, infos)
        converted = mammoth.convert_to_html(
            known,
            style_map="comment-reference => sup",  # without it comments are left out
            convert_image=mammoth.images.img_element(lambda _: {}),
            include_embedded_style_map=False,
        )
    except (UnreadableDocumentError, MemoryError):
        raise
    except Exception as error:  # whatever zipfile, expat and mammoth make of files that are broken
        raise UnreadableDocumentError(f"is a broken Word document ({type(error).__name__})") from error
    text = lines(seen(converted.value).pieces)
    return HtmlText(title, text)


def _known(parts: zipfile.ZipFile, infos: list[zipfile.ZipInfo]) -> io.BytesIO:
    """The same document without pictures, and with elements that mammoth knows where it would leave text out."""
    known = io.BytesIO()
    with zipfile.ZipFile(known, "w") as copy:
        for info in infos:
            xml = parts.read(info)
            if b"xmlns:w=" in xml:
                xml = _MATH.sub(_math, _UNKNOWN.sub(rb"<\1w:smartTag", xml))
            copy.writestr(info.filename, xml)
    return known


def _math(tag: re.Match[bytes]) -> bytes:
    """The tag of an equation as one of text, with a bracket."""
    closing, name, end = tag.groups()
    renamed = b"<" + closing + _MATH_RUNS.get(name, b"w:smartTag") + end
    if name not in _BRACKETS or not end:  # an empty element has no brackets
        return renamed
    run = b"<w:r><w:t>" + _BRACKETS[name][bool(closing)] + b"</w:t></w:r>"
    return run + renamed if closing else renamed + run


def _title(parts: zipfile.ZipFile) -> str:
    try:
        core = parts.read("docProps/core.xml").decode("utf-8", "replace")
    except KeyError:
        return ""
    found = _TITLE.search(core)
    return sane_title(unescape(found[1])) if found else ""
