"""Files of every kind to text, and a reason that a person understands for those that are none."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rota.documents.reading.decoding import decode
from rota.documents.reading.read import ReadLimits, read_document
from rota.documents.reading.tidy import compact, sane_title, tidy
from rota.errors import UnreadableDocumentError
from tests.fixtures import pdfs
from tests.fixtures.docx import docx
from tests.fixtures.files import BINARY, LATIN_1, PNG, pdf


def test_pdf_pages_come_in_order() -> None:
    """Pages are apart by an empty line, and the name does not matter."""
    read = read_document(pdf("First page", "Second page"), "upload.bin")
    assert (read.text, read.media_type) == ("First page\n\nSecond page", "application/pdf")


def test_a_pdf_says_where_its_pages_begin() -> None:
    """A blank page begins where the next one does; one that is only an image says so, and the rest is read."""
    data = pdfs.document(pdfs.text("One", "two"), b"", pdfs.IMAGE, pdfs.text("last"), b"", title="Tides of 2026")
    read = read_document(data, "a.pdf")
    assert read.text == "One\ntwo\n\n[page 3 holds only an image]\n\nlast"
    assert read.title == "Tides of 2026"
    assert read.pages == (0, 9, 9, 39, 43)
    assert [read.text[page:][:4] for page in read.pages] == ["One\n", "[pag", "[pag", "last", ""]


def test_a_pdf_with_an_empty_password_opens() -> None:
    """Printing may be restricted; reading is not."""
    assert read_document(pdf("Open to all", password=""), "a.pdf").text == "Open to all"


@pytest.mark.parametrize(
    ("data", "name", "reason"),
    [
        (b"", "a.txt", "is empty"),
        (b" \r\n\t\n", "a.txt", "is empty"),
        (pdf("Secret", password="hunter2"), "a.pdf", "is protected by a password"),
        (pdfs.document(pdfs.IMAGE, pdfs.IMAGE), "scan.pdf", "holds no text on 2 pages (scanned images need OCR first)"),
        (pdfs.document(b""), "blank.pdf", "holds no text on 1 page (scanned images need OCR first)"),
        (pdfs.page_tree_loop(), "a.pdf", "is a broken PDF"),
        (b"%PDF-1.7\nrubbish", "a.pdf", "is a broken PDF"),
        (b"<html><script>1</script></html>", "a.html", "holds no text"),
        (BINARY, "a.txt", "is a binary file"),
        (PNG, "a.txt", "is a PNG image, which is not read"),
        (
            b"PK\x03\x04....",
            "a.docx",
            "is a ZIP archive or an office document (.docx, .xlsx, .pptx, …), which is not read",
        ),
        (b"PK\x03\x04....xl/workbook.xml", "a", "is an Excel workbook (.xlsx), which is not read"),
        (b"PK\x03\x04....word/document.xml", "a.docx", "is a broken Word document"),
        (docx("<w:p>" * 5000), "a.docx", "is a broken Word document"),
        (docx(" " * 41_000_000), "a.docx", "unpacks to more than 40 MB of text"),
        (b"{\\rtf1 text}", "a.rtf", "is an RTF document, which is not read"),
        (b"\xd0\xcf\x11\xe0....", "a.doc", "is an old Microsoft Office document (.doc, .xls, .ppt), which is not read"),
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
        (b"a \x93quoted\x94 word", "text/html; charset=ISO-8859-1", "a “quoted” word"),
        (b"# coding: punycode\n\xe4", "", "# coding: punycode\nä"),
        (b"# coding: unicode_escape\n\\x41\xe4", "", "# coding: unicode_escape\n\\x41ä"),
        (b"# coding: undefined\n\xe4", "", "# coding: undefined\nä"),
        (b"# coding: hex\n\xe4", "", "# coding: hex\nä"),
        ("Größe ".encode() * 20 + b"\xc3", "", "Größe " * 20 + "\ufffd"),
    ],
)
def test_encodings(data: bytes, media_type: str, text: str) -> None:
    """Byte-order mark, UTF-8, what is declared, then Western European."""
    assert decode(data, media_type) == text


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1251", "Река течёт через город и делит его на две части."),
        ("koi8-r", "Река течёт через город и делит его на две части."),
        ("cp1251", "Річка тече через місто і ділить його на дві частини."),
        ("cp866", "Река течёт через город и делит его на две части."),
        ("cp1253", "Το ποτάμι διασχίζει την πόλη και τη χωρίζει στα δύο."),
        ("shift_jis", "川は町を流れ、二つに分けています。カタカナも使います。"),
        ("gb18030", "河流穿过城市，将其分成两部分。这座桥建于一九一一年。"),
        ("big5", "河流穿過城市，將其分成兩部分。這座橋建於一九一一年。"),
        ("euc_kr", "강은 도시를 가로질러 흐르며 도시를 둘로 나눕니다."),
        ("cp1252", "La rivière traverse la ville – c’était cher payé, déjà en été."),
        ("cp1252", "¿Cuándo se construyó el puente? En 1911, hace muchos años."),
        ("cp1252", "Der Fluss fließt durch die Stadt und teilt sie in zwei Hälften."),
    ],
)
@pytest.mark.parametrize("around", ["{}", "def f(x):\n    # {}\n    return x + 1\n" * 9])
def test_character_sets_without_declaration(encoding: str, text: str, around: str) -> None:
    """Other scripts are told by their bytes, in prose and in comments; Latin ones are Western European."""
    expected = around.replace("{}", text)
    assert decode(expected.encode(encoding)) == expected


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1))
def test_utf_8_comes_back_unchanged(text: str) -> None:
    """Whatever is valid UTF-8 text is read as such."""
    assert decode(text.encode()) == text.removeprefix("\ufeff")


@settings(deadline=None)
@given(st.binary(max_size=300), st.sampled_from(["a.txt", "a.html", "a.json", "a.csv", "a.eml", "a.ipynb", "a"]))
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
        ("table.tsv", "", "text/tab-separated-values"),
        ("log.jsonl", "", "text/plain"),
        ("map.svg", "image/svg+xml", "text/plain"),
        ("main.py", "application/x-python", "text/plain"),
        ("page", "text/html; charset=utf-8", "text/html"),
        ("page", "application/xhtml+xml", "text/html"),
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
    short = ReadLimits(max_characters=len(long) + 9)
    assert read_document(long.encode(), "a.json", limits=short).text == long


@pytest.mark.parametrize("number", ["12345678901234567890.12", "1.10", "1E5", "-0.0", "1e999", "0.1"])
def test_json_keeps_its_numbers(number: str) -> None:
    """As they are written, however long they are, and strings that look like them stay strings."""
    text = json.dumps({"a": "1.10", "b": ["x" * 3000]})[:-1] + f', "n": {number}}}'
    read = read_document(text.encode(), "a.json").text
    assert f'\n "n": {number}\n' in read
    assert '\n "a": "1.10",\n' in read


@pytest.mark.parametrize("pair", ['"a": 1, "a": 2', '"a": "\\u00001.5"'])
def test_json_that_would_change_stays_as_it_is(pair: str) -> None:
    """A key that is there twice would lose a value, and a string with a zero would be a number."""
    text = f'{{{pair}, "b": "{"x" * 3000}"}}'
    assert read_document(text.encode(), "a.json").text == text


def test_white_space_is_tidied() -> None:
    """Line ends are one kind and nothing invisible stays; heaps of empty lines shrink only where lines are nobody's."""
    text = "\n\na  \r\n\tb\rc\x00\x1b\fd\n\n\n\n\n\n  e\ud800\n"
    assert tidy(text) == "\n\na\n\tb\nc d\n\n\n\n\n\n  e\ufffd"
    assert compact(text) == "a\n\tb\nc\n\nd\n\n\n  e\ufffd"


def test_parsers_are_loaded_only_when_needed() -> None:
    """Functions that read no files do not pay for the readers of PDF, HTML and the rest."""
    code = (
        "import sys; from rota.documents.reading.read import read_document; read_document(b'# x', 'a.md');"
        "import rota.documents.gather, rota.documents.group, rota.steps.answer;"
        "readers = ('pypdfium2', 'selectolax', 'mammoth', 'charset_normalizer', 'boto3');"
        "print([name for name in readers if name in sys.modules])"
    )
    path = ":".join(sys.path)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": path}
    )
    assert done.stdout.strip() == "[]"


def test_a_word_document_keeps_its_structure() -> None:
    """Headings, lists and tables, whatever the file is called; pictures are left out."""
    body = (
        '<w:p><w:pPr><w:pStyle w:val="Heading1"/></w:pPr><w:r><w:t>Harbour</w:t></w:r></w:p>'
        "<w:p><w:r><w:t>One paragraph &amp; more.</w:t></w:r></w:p>"
        "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>Month</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>Wheat</w:t></w:r></w:p></w:tc>"
        "</w:tr><w:tr><w:tc><w:p><w:r><w:t>May</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>211</w:t></w:r></w:p></w:tc>"
        "</w:tr></w:tbl><w:p><w:r><w:t>The end</w:t></w:r></w:p>"
    )
    read = read_document(docx(body, title="Tides &amp; times"), "upload.bin")
    assert read.text == "# Harbour\n\nOne paragraph & more.\n\nMonth | Wheat\nMay | 211\n\nThe end"
    assert read.title == "Tides & times"
    assert read.media_type.endswith("wordprocessingml.document")


MAIL = """From: Ada <ada@example.com>
To: grace@example.com
Subject: =?utf-8?q?Gr=C3=B6=C3=9Fe?= of the pump
Date: Mon, 3 May 2027 10:00:00 +0000
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="b"

--b
Content-Type: {kind}; charset=koi8-r
Content-Transfer-Encoding: base64

{body}
--b
Content-Type: application/pdf
Content-Disposition: attachment; filename="plan.pdf"

%PDF-1.7
--b--
"""


@pytest.mark.parametrize(("kind", "body"), [("text/plain", "Привет"), ("text/html", "<script>x</script><p>Привет")])
def test_a_mail_is_its_headers_and_its_message(kind: str, body: str) -> None:
    """Of the parts, text comes before HTML; attachments are named, and given."""
    mail = MAIL.format(kind=kind, body=base64.b64encode(body.encode("koi8-r")).decode())
    read = read_document(mail.encode(), "a.eml")
    assert read.title == "Größe of the pump"
    assert read.text == (
        "From: Ada <ada@example.com>\nTo: grace@example.com\nDate: Mon, 03 May 2027 10:00:00 +0000\n"
        "Subject: Größe of the pump\n\nПривет\n\n[attachment: plan.pdf]"
    )
    assert [(name, data[:5]) for name, data in read.attachments] == [("plan.pdf", b"%PDF-")]


def test_long_headers_of_a_mail_are_cut() -> None:
    """The parser of headers would take minutes for this one."""
    read = read_document(b"To: " + b"a@b.c, " * 500_000 + b"\n\nHello", "a.eml")
    assert read.text.endswith("Hello")
    assert len(read.text) < 3000


def test_a_notebook_becomes_markdown() -> None:
    """Cells in order, code between fences, results cut."""
    code = {
        "cell_type": "code",
        "source": ["a = 1\n", "a"],
        "outputs": [{"data": {"text/plain": ["1"]}}, {"text": "x" * 5000}],
    }
    cells = [{"cell_type": "markdown", "source": "# Title"}, code, {"cell_type": "code", "source": "", "outputs": []}]
    read = read_document(json.dumps({"cells": cells, "metadata": {}}).encode(), "a.ipynb")
    assert read.text == f"# Title\n\n```python\na = 1\na\n```\n\n```\n1\n```\n\n```\n{'x' * 4000}…\n```"


@pytest.mark.parametrize(
    ("output", "shown"),
    [
        ({"output_type": "error", "ename": "KeyError", "evalue": "'a'", "traceback": []}, "KeyError: 'a'"),
        ({"data": {"text/markdown": ["**5** t"]}}, "**5** t"),
        ({"data": {"text/html": "<table><tr><td>a</td><td>5</td></tr></table>"}}, "a | 5"),
        ({"data": {"text/plain": "a 5", "text/html": "<b>a 5</b>"}}, "a 5"),
        ({"data": None, "text": ["done"]}, "done"),
    ],
)
def test_results_of_every_kind_are_in_a_notebook(output: dict[str, object], shown: str) -> None:
    """Plain text comes before other forms; what is null is not there."""
    notebook = {"cells": [{"cell_type": "code", "source": "f()", "outputs": [output, {"data": None}]}]}
    data = json.dumps(notebook | {"metadata": {"language_info": None}}).encode()
    assert read_document(data, "a.ipynb").text == f"```python\nf()\n```\n\n```\n{shown}\n```"


@pytest.mark.parametrize("text", ["not JSON", "[1]", '{"cells": 1}', '{"cells": [1]}', '{"a": 2}', '{"metadata": 3}'])
def test_what_is_no_notebook_is_text(text: str) -> None:
    """A wrong name is no reason to lose a file."""
    assert read_document(text.encode(), "a.ipynb").text == text


@pytest.mark.parametrize(
    ("title", "sane"),
    [
        (" Tides \n of\x00 2026 ", "Tides of 2026"),
        ("Microsoft Word - plan.doc", ""),
        ("final_v3.docx", ""),
        ("C:\\plans\\new.txt", ""),
        ("Untitled 1", ""),
        ("Titles of books", "Titles of books"),
        ("x" * 301, ""),
    ],
)
def test_titles_that_say_nothing_are_none(title: str, sane: str) -> None:
    """Programs put the names of files there, and their own."""
    assert sane_title(title) == sane


@pytest.mark.parametrize(
    "data", [b" " * 5_000_000 + b"x", b"x" + b"\n" * 5_000_000 + b"x", b"x \n" * 1_200_000, b"a" * 5_000_000]
)
def test_tidying_takes_time_in_proportion(data: bytes) -> None:
    """A pattern that tries again at every character would need days."""
    start = time.process_time()
    tidy(data.decode())
    assert time.process_time() - start < 10
