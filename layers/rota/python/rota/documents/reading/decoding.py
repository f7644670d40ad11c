"""Bytes to text: by byte-order mark, as UTF-8, as declared, by what the bytes look like, else Western European."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

from rota.documents.reading.tidy import CONTROLS
from rota.errors import UnreadableDocumentError

_BOMS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_DECLARED = re.compile(rb"""(?:charset|encoding|coding)[ \t]*[=:][ \t]*["']?([\w.:-]{1,40})""", re.IGNORECASE)

# What is declared, and what programs mean by it (the Encoding Standard of the web has the same pairs). Servers declare
# Latin-1 for whatever they serve, so that it says nothing.
_MEANT = {
    "ascii": "",
    "euc_kr": "cp949",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "iso8859-1": "",
    "iso8859-9": "cp1254",
    "shift_jis": "cp932",
}
# Not character sets, and slow or worse on bytes made for them.
_NOT_MEANT = frozenset(("idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7"))

_NOT_LATIN = [
    *("cp932", "euc_jp", "gb18030", "big5", "cp949"),
    *("cp1251", "koi8_r", "cp866", "cp1253", "cp1255", "cp1256", "cp874"),
]
_HIGH = re.compile(rb"[\x80-\xff]+")
_HIGH_RUN = re.compile(rb"[\x80-\xff]{2,}")
MIN_IN_RUNS = 0.7
"""Of the bytes above 127, so many have one beside them where words are not of Latin letters: 0.78 (Big5) and more in
samples in nine such languages, at most 0.5 (a Polish tongue-twister) in those of Latin ones."""

LOOKED_AT = 1_000_000
"""Bytes in which such runs are counted."""

MAX_BROKEN = 0.05
"""Of the characters above 127; a file in UTF-8 that was cut, or pasted together, has fewer broken ones."""


def decode(data: bytes, media_type: str = "") -> str:
    """The text of a file. Raises UnreadableDocumentError for bytes that are no text.

    Without a mark or declaration, languages of the Latin script are read as Windows' Western European set.
    """
    for encoding, errors in _encodings(data, media_type):
        try:
            text = data.decode(encoding, errors)
        except (UnicodeError, LookupError):
            continue
        if len(CONTROLS.findall(text[:20_000])) * 50 > min(len(text), 20_000):
            break
        return text
    raise UnreadableDocumentError("is a binary file")


def _encodings(data: bytes, media_type: str) -> Iterator[tuple[str, str]]:
    """Each is asked for when those before it did not fit."""
    marked = [encoding for mark, encoding in _BOMS if data.startswith(mark)]
    if marked or b"\x00" in data[:4096]:
        yield from ((encoding, "strict") for encoding in marked[:1] or _utf16_without_mark(data[:4096]))
        return
    yield "utf-8", "strict"
    if _is_nearly_utf_8(data):
        yield "utf-8", "replace"
    for encoding in (_declared(data, media_type), _guessed(data), "cp1252", "latin-1"):
        if encoding:
            yield encoding, "strict"


def _utf16_without_mark(start: bytes) -> list[str]:
    # Western text in UTF-16 has a zero in every second byte, and always on the same side; other binary has not.
    even, odd = start[0::2].count(0), start[1::2].count(0)
    if max(even, odd) < len(start) * 0.3 or min(even, odd) > len(start) * 0.02:
        return []
    return ["utf-16-be" if even > odd else "utf-16-le"]


def _is_nearly_utf_8(data: bytes) -> bool:
    text = data.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    return broken < MAX_BROKEN * (len(text) - len(text.encode("ascii", "ignore")))


def _declared(data: bytes, media_type: str) -> str:
    """As in `text/html; charset=…`, `<meta charset=…>`, `<?xml … encoding=…?>` and `# -*- coding: … -*-`."""
    found = _DECLARED.search(media_type.encode("utf-8", "ignore")) or _DECLARED.search(data[:2048])
    try:
        name = codecs.lookup(found[1].decode("ascii", "ignore")).name if found else ""
    except LookupError:
        return ""
    return "" if name in _NOT_MEANT else _MEANT.get(name, name)


def _guessed(data: bytes) -> str:
    """The set of a text in another script than the Latin one, when its bytes look like that."""
    start = data[:LOOKED_AT]
    high = len(start) - len(_HIGH.sub(b"", start))
    if not high or sum(map(len, _HIGH_RUN.findall(start))) < MIN_IN_RUNS * high:
        return ""
    from charset_normalizer import from_bytes

    best = from_bytes(data, cp_isolation=_NOT_LATIN).best()
    return best.encoding if best else ""
