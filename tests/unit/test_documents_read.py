"""Files of every kind to text, and a reason that a person understands for those that are none."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rota.documents.reading.read import ReadLimits, decode, read_document, tidy
from rota.errors import UnreadableDocumentError
from tests.fixtures.files import BINARY, HTML, LATIN_1, PNG, pdf


def test_html_keeps_what_is_seen() -> None:
    """Headings, lists, rows and preformatted lines stay; scripts, styles, navigation and hidden text go."""
    read = read_document(HTML, "page.html")
    assert read.media_type == "text/html"
    assert read.text == (
        "Quotas\n\n## How it works\n\nOne model has one quota per minute.\n\n- first\n- second\n\n"
        "model | tpm\nnova | 100\n\ndef f():\n    return 1"
    )


@pytest.mark.parametrize("name", ["page", "page.txt.", "README"])
def test_html_is_known_by_its_first_bytes(name: str) -> None:
    """A page without a telling name is still a page."""
    assert "alert" not in read_document(HTML, name).text


def test_xhtml_and_broken_html_are_read() -> None:
    """An XML declaration is no reason to warn, nor is a tag that is never closed."""
    assert read_document(b'<?xml version="1.0"?><html><body><p>One</p></body></html>', "a.xhtml").text == "One"
    assert read_document(b"<p>One<div><b>two", "a.html").text.split() == ["One", "two"]


def test_deeply_nested_html_is_read_or_refused() -> None:
    """A page made to break parsers breaks nothing else."""
    page = b"<div>" * 20_000 + b"deep"
    try:
        assert read_document(page, "a.html").text == "deep"
    except UnreadableDocumentError as error:
        assert "broken" in str(error)  # noqa: PT017 - either outcome is right


def test_pdf_pages_come_in_order() -> None:
    """Pages are apart by an empty line, and the name does not matter."""
    read = read_document(pdf("First page", "Second page"), "upload.bin")
    assert (read.text, read.media_type) == ("First page\n\nSecond page", "application/pdf")


def test_a_pdf_with_an_empty_password_opens() -> None:
    """Printing may be restricted; reading is not."""
    assert read_document(pdf("Open to all", password=""), "a.pdf").text == "Open to all"


@pytest.mark.parametrize(
    ("data", "name", "reason"),
    [
        (b"", "a.txt", "is empty"),
        (b" \r\n\t\n", "a.txt", "is empty"),
        (pdf("Secret", password="hunter2"), "a.pdf", "is protected by a password"),
        (pdf("", ""), "scan.pdf", "holds no text on 2 pages (scanned images need OCR first)"),
        (b"%PDF-1.7\nrubbish", "a.pdf", "is a broken PDF"),
        (b"<html><script>1</script></html>", "a.html", "holds no text"),
        (BINARY, "a.txt", "is a binary file"),
        (PNG, "a.txt", "is a PNG image, which is not read"),
        (b"PK\x03\x04....", "a.docx", "office document"),
        (b"\x1f\x8b\x08....", "a.gz", "gzip"),
        (b"\xff\xfe\x00", "a.txt", "is a binary file"),
    ],
)
def test_what_is_no_text_has_a_reason(data: bytes, name: str, reason: str) -> None:
    """The message completes the sentence "<file> …"."""
    with pytest.raises(UnreadableDocumentError) as caught:
        read_document(data, name)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (ReadLimits(max_bytes=100), "at most 0 MB are read"),
        (ReadLimits(max_pages=1), "has 2 pages; at most 1 are read"),
        (ReadLimits(max_characters=10), "characters; at most 10 are read"),
    ],
)
def test_limits(limits: ReadLimits, reason: str) -> None:
    """Bytes, pages and characters are bounded, and the reason says by what."""
    with pytest.raises(UnreadableDocumentError, match=reason):
        read_document(pdf("First page", "Second page"), "a.pdf", limits=limits)


@pytest.mark.parametrize(
    ("data", "media_type", "text"),
    [
        (LATIN_1, "", "Größe und Gewicht: 5 m² für den Café-Besuch"),
        ("\ufeffGröße".encode(), "", "Größe"),
        ("Größe".encode("utf-16"), "", "Größe"),
        ("Groesse und mehr".encode("utf-16-le"), "", "Groesse und mehr"),
        ("Groesse und mehr".encode("utf-16-be"), "", "Groesse und mehr"),
        ("Größe".encode("utf-32"), "", "Größe"),
        ("ďábel".encode("iso-8859-2"), "text/plain; charset=ISO-8859-2", "ďábel"),
        ("# coding: koi8-r\n# Привет".encode("koi8-r"), "", "# coding: koi8-r\n# Привет"),
        (b"a \x93quoted\x94 word \x81", "text/plain; charset=no-such", "a \u0093quoted\u0094 word \u0081"),
        (b"a \x93quoted\x94 word", "", "a “quoted” word"),
    ],
)
def test_encodings(data: bytes, media_type: str, text: str) -> None:
    """Byte-order mark, UTF-8, what is declared, then Western European."""
    assert decode(data, media_type) == text


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1))
def test_utf_8_comes_back_unchanged(text: str) -> None:
    """Whatever is valid UTF-8 text is read as such."""
    assert decode(text.encode()) == text.removeprefix("\ufeff")


@settings(deadline=None)
@given(st.binary(max_size=300), st.sampled_from(["a.txt", "a.html", "a.json", "a.csv", "a"]))
def test_any_bytes_are_text_or_refused(data: bytes, name: str) -> None:
    """No file raises anything else, and no text holds what JSON or a prompt could not carry."""
    try:
        text = read_document(data, name).text
    except UnreadableDocumentError:
        return
    assert text.strip()
    assert json.loads(json.dumps(text.encode().decode())) == text
    assert "\x00" not in text


@pytest.mark.parametrize(
    ("name", "media_type", "kind"),
    [
        ("notes.md", "", "text/markdown"),
        ("table.csv", "binary/octet-stream", "text/csv"),
        ("main.py", "application/x-python", "text/plain"),
        ("page", "text/html; charset=utf-8", "text/html"),
        ("data.json", "text/plain", "application/json"),
        ("README", "application/pdf", "text/plain"),
    ],
)
def test_the_name_says_more_than_the_store(name: str, media_type: str, kind: str) -> None:
    """Stores often know no better than octet-stream; a PDF is known by its first bytes only."""
    assert read_document(b"one, two", name, media_type).media_type == kind


def test_json_on_one_line_gets_lines() -> None:
    """So that it can be cut at its structure; small or broken JSON stays as it is."""
    long = json.dumps({"items": [{"name": "Größe", "at": n} for n in range(200)]})
    text = read_document(long.encode(), "a.json").text
    assert json.loads(text) == json.loads(long)
    assert text.count("\n") > 400
    assert read_document(b'{"a": 1}', "a.json").text == '{"a": 1}'
    assert read_document(b"[" * 3000, "a.json").text == "[" * 3000


def test_white_space_is_tidied() -> None:
    """Line ends are one kind, nothing invisible stays, heaps of empty lines shrink, indentation does not."""
    assert tidy("\n\na  \r\n\tb\rc\x00\x1b\fd\n\n\n\n\n\n  e\ud800\n") == "a\n\tb\nc\n\nd\n\n\n  e\ufffd"


def test_parsers_are_loaded_only_when_needed() -> None:
    """Functions that read no files do not pay for pypdf and BeautifulSoup."""
    code = (
        "import sys; from rota.documents.reading.read import read_document; read_document(b'# x', 'a.md');"
        "import rota.documents.gather, rota.documents.group, rota.steps.answer;"
        "print([name for name in ('pypdf', 'bs4', 'boto3') if name in sys.modules])"
    )
    path = ":".join(sys.path)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": path}
    )
    assert done.stdout.strip() == "[]"
