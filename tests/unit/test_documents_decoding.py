"""Bytes that are text though they do not look like it at first: logs, manuals, files with a few broken places."""

from __future__ import annotations

import pytest

from rota.documents.reading.decoding import decode
from rota.documents.reading.read import read_document
from rota.errors import UnreadableDocumentError

JAPANESE = "川は町を流れ、二つに分けています。"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"\x1b[32mok\x1b[0m\n\x1b[1;31mno\x1b[0m\x1b[?25l", "ok\nno"),
        (b"N\x08NA\x08AM\x08ME\x08E _\x08a", "NAME a"),
        (b"a line of a log\n" * 9 + b"\x00\x00after a crash", "a line of a log\n" * 9 + "after a crash"),
        (b"\xef\xbb\xbfa line\xff", "a line\ufffd"),
        ("eine Größe".encode("utf-16") + b"\n", "eine Größe\ufffd"),
        ("Größe und Maß".encode() + b"\xc3", "Größe und Maß\ufffd"),
    ],
)
def test_text_with_odd_bytes_is_text(data: bytes, text: str) -> None:
    """Colours of a terminal, letters typed over, stray zeros and few broken characters refuse no file."""
    assert read_document(data, "a.log").text == text


@pytest.mark.parametrize(
    ("data", "media_type", "text"),
    [
        (JAPANESE.encode("iso-2022-jp"), "text/plain; charset=ISO-2022-JP", JAPANESE),
        (b"# coding: iso-2022-jp\n" + JAPANESE.encode("iso-2022-jp"), "", f"# coding: iso-2022-jp\n{JAPANESE}"),
        (JAPANESE.encode("iso-2022-jp") + b"\xff", "text/plain; charset=ISO-2022-JP", JAPANESE + "\ufffd"),
        (b"a \x93quoted\x94 word", "text/html; charset=utf-16", "a “quoted” word"),
        (b"<meta charset=utf-32>\xe4", "", "<meta charset=utf-32>ä"),
        ("河流 a".encode("utf-16-le") * 30, "text/plain; charset=utf-16le", "河流 a" * 30),
    ],
)
def test_a_declaration_counts_where_it_can_be_true(data: bytes, media_type: str, text: str) -> None:
    """Before UTF-8 for a set whose bytes are all ASCII; not for UTF-16 and UTF-32 where no byte is zero."""
    assert decode(data, media_type) == text


@pytest.mark.parametrize(
    "data", [bytes(range(256)) * 20, b"\xff\xfe" + bytes(range(256)) * 20, b"ab\x00c" * 20, b"\x00\x01" * 200]
)
def test_binary_files_are_still_refused(data: bytes) -> None:
    """A mark or some zeros make no text of other bytes."""
    with pytest.raises(UnreadableDocumentError, match="is a binary file"):
        decode(data)
