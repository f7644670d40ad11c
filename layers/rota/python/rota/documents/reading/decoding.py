"""Bytes to text: by byte-order mark, as UTF-8, as declared, by what the bytes look like, else Western European."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

from rota.documents.reading.tidy import CONTROLS, TERMINAL
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
_WIDE = ("utf-16", "utf-32")
_HIGH = re.compile(rb"[\x80-\xff]+")
_HIGH_RUN = re.compile(rb"[\x80-\xff]{2,}")
MIN_IN_RUNS = 0.7
"""Of the bytes above 127, so many have one beside them where words are not of Latin letters: 0.78 (Big5) and more in
samples in nine such languages, at most 0.5 (a Polish tongue-twister) in those of Latin ones."""

LOOKED_AT = 1_000_000
"""Bytes in which such runs are counted."""

MAX_BROKEN = 0.4
"""Of the characters above 127; a file in UTF-8 that was cut, or pasted together, has fewer broken ones, and texts in
other sets, read as UTF-8, have 0.72 and more."""

MAX_BROKEN_MARKED = 0.01
"""Of all characters after a byte-order mark; one is always allowed. Other files that begin like one in UTF-16 have
0.03."""

MAX_CONTROLS = 0.02
"""Of the bytes or characters of a text, those that a text should not hold."""

_START = 4096
"""Bytes in which zeros are looked for."""


def decode(data: bytes, media_type: str = "") -> str:
    """The text of a file. Raises UnreadableDocumentError for bytes that are no text.

    Without a mark or declaration, languages of the Latin script are read as Windows' Western European set.
    """
    if _has_stray_zeros(data, media_type):
        data = data.replace(b"\x00", b"")
    for encoding, errors in _encodings(data, media_type):
        try:
            text = data.decode(encoding, errors)
        except (UnicodeError, LookupError):
            continue
        start = TERMINAL.sub("", text[:20_000])
        if len(CONTROLS.findall(start)) > MAX_CONTROLS * len(start):
            break
        return text
    raise UnreadableDocumentError("is a binary file")


def _encodings(data: bytes, media_type: str) -> Iterator[tuple[str, str]]:
    """Each is asked for when those before it did not fit."""
    if marked := _marked(data):
        yield marked, "strict"
        if _is_nearly(data, marked):
            yield marked, "replace"
        return
    declared = _declared(data, media_type)
    if b"\x00" in data[:_START]:
        yield from ((encoding, "strict") for encoding in _wide(data[:_START], declared))
        return
    if declared.startswith("iso2022") and b"\x1b$" in data:  # every byte of it is ASCII, and so UTF-8
        yield declared, "strict"
        yield declared, "replace"
    yield "utf-8", "strict"
    if _is_nearly_utf_8(data):
        yield "utf-8", "replace"
    for encoding in ("" if declared.startswith(_WIDE) else declared, _guessed(data), "cp1252", "latin-1"):
        if encoding:
            yield encoding, "strict"


def _marked(data: bytes) -> str:
    return next((encoding for mark, encoding in _BOMS if data.startswith(mark)), "")


def _has_stray_zeros(data: bytes, media_type: str) -> bool:
    """A few, as a crash leaves in a log, and not those of UTF-16."""
    start = data[:_START]
    is_sparse = 0 < start.count(0) <= MAX_CONTROLS * len(start)
    return is_sparse and not _marked(data) and not _wide(start, _declared(data, media_type))


def _wide(start: bytes, declared: str) -> list[str]:
    """The set in which characters have two bytes or four, when one is declared or looks like it."""
    if declared.startswith(_WIDE):
        return [declared]
    # Western text in UTF-16 has a zero in every second byte, and always on the same side; other binary has not.
    even, odd = start[0::2].count(0), start[1::2].count(0)
    if max(even, odd) < len(start) * 0.3 or min(even, odd) > len(start) * 0.02:
        return []
    return ["utf-16-be" if even > odd else "utf-16-le"]


def _is_nearly(data: bytes, encoding: str) -> bool:
    text = data.decode(encoding, "replace")
    return text.count("\ufffd") <= max(1, MAX_BROKEN_MARKED * len(text)) < len(text)


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
