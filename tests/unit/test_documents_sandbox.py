"""The sandbox: what a file does to its reader ends there, a person learns why, and the next file is read."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rota.documents import sandbox as sandbox_module
from rota.documents.frames import MAX_BODY_BYTES
from rota.documents.reading.read import ReadLimits, read_document
from rota.documents.sandbox import Limits, Sandbox
from rota.errors import UnreadableDocumentError
from tests.fixtures import pdfs
from tests.fixtures.docx import docx
from tests.fixtures.files import BINARY, HTML, LATIN_1, PNG, pdf

SHORT = Limits(read_s=1, waiting_s=1, memory_bytes=250_000_000)

READ: dict[str, bytes] = {
    "a.md": b"# Title\n\nText",
    "latin.txt": LATIN_1,
    "a.html": HTML,
    "a.pdf": pdfs.document(pdfs.text("One"), pdfs.IMAGE, pdfs.text("Three"), title="Tides"),
    "a.docx": docx("<w:p><w:r><w:t>One</w:t></w:r></w:p>", title="Word"),
    "a.eml": b"Subject: Pump\n\nIt drips.",
    "a.json": b'{"a": [1]}',
}

REFUSED: dict[str, tuple[bytes, str]] = {
    "empty.txt": (b"", "is empty"),
    "a.bin": (BINARY, "is a binary file"),
    "a.png": (PNG, "is a PNG image, which is not read"),
    "secret.pdf": (pdf("Secret", password="hunter2"), "is protected by a password"),
    "scan.pdf": (pdfs.document(pdfs.IMAGE), "holds no text on 1 page (scanned images need OCR first)"),
    "large.txt": (b"a" * 20_000_001, "has 20.0 MB; at most 20 MB are read"),
}

MISBEHAVING: dict[str, tuple[str, str]] = {
    "sleeps": ("import time; time.sleep(60)", "took longer than 2 s to read"),
    "loops": ("while True: pass", "took longer than [12] s to read"),
    "collects": ("bytearray(10**10)", "needs too much memory to read"),
    "crashes": ("import os; os.abort()", "breaks its reader"),
    "raises": ("raise KeyError(1)", "breaks its reader"),
    "leaves": ("import os; os._exit(0)", "breaks its reader"),
    "babbles": ("import os; os.write(3, bytes([255] * 8))", "breaks its reader"),
    "lies": ("import os; os.write(3, bytes([0, 0, 0, 2, 0, 0, 0, 0]) + b'{}')", "breaks its reader"),
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """One process for all files, and its successors."""
    with Sandbox(SHORT) as sandbox:
        yield sandbox


def with_reader(monkeypatch: pytest.MonkeyPatch, statement: str) -> None:
    """Let the process read files named `bad` by a statement that may set `text`."""
    reader = (
        "import rota.documents.sandboxed as process\n"
        "from rota.documents.reading.read import ReadText, read_document\n"
        "def read(data, name, *rest):\n"
        "    if name != 'bad': return read_document(data, name, *rest)\n"
        "    text = 'nothing'\n"
        f"    {statement}\n"
        "    return ReadText(text, 'text/plain')\n"
        "process.read_document = read\n"
    )
    monkeypatch.setattr(
        sandbox_module, "_MAIN", sandbox_module._MAIN.replace("from rota", f"exec({reader!r}); from rota")
    )


@pytest.mark.parametrize("name", READ)
def test_the_process_reads_the_same(sandbox: Sandbox, name: str) -> None:
    """Text, title, pages and media type cross the pipe unharmed."""
    assert sandbox.read(READ[name], name) == read_document(READ[name], name)


@pytest.mark.parametrize("name", REFUSED)
def test_reasons_cross_the_pipe(sandbox: Sandbox, name: str) -> None:
    """The message completes the sentence "<file> …"."""
    data, reason = REFUSED[name]
    with pytest.raises(UnreadableDocumentError) as caught:
        sandbox.read(data, name)
    assert str(caught.value) == reason


def test_limits_and_media_types_cross_the_pipe(sandbox: Sandbox) -> None:
    """They are the caller's."""
    assert sandbox.read("ďábel".encode("iso-8859-2"), "a", "text/plain; charset=ISO-8859-2").text == "ďábel"
    with pytest.raises(UnreadableDocumentError, match="at most 3 are read"):
        sandbox.read(b"four", "a.txt", limits=ReadLimits(max_characters=3))


@pytest.mark.parametrize("how", MISBEHAVING)
def test_a_reader_that_misbehaves_is_ended(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """The reason says what it did, and the file after it is read by a new process."""
    statement, reason = MISBEHAVING[how]
    with_reader(monkeypatch, statement)
    with Sandbox(SHORT) as sandbox:
        assert sandbox.read(b"before", "a.txt").text == "before"
        first = sandbox._process
        start = time.monotonic()
        with pytest.raises(UnreadableDocumentError, match=reason):
            sandbox.read(b"x" * 1_000_000, "bad")
        assert time.monotonic() - start < 15  # on a busy machine
        assert first is not None
        assert first.returncode is not None
        assert sandbox.read(b"after", "a.txt").text == "after"


def test_the_process_knows_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a file makes of its reader, there is nothing to find in its environment."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    with_reader(monkeypatch, "import os; text = repr(sorted(os.environ))")
    with Sandbox() as sandbox:
        assert "AWS" not in sandbox.read(b"x", "bad").text


def test_the_process_writes_no_byte(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A file cannot leave anything behind on the disk of a function that other jobs use after it."""
    kept = tmp_path / "kept.txt"
    with_reader(monkeypatch, f"open({str(kept)!r}, 'wb', 0).write(b'x')")
    with Sandbox() as sandbox, pytest.raises(UnreadableDocumentError, match="breaks its reader"):
        sandbox.read(b"x", "bad")
    assert kept.read_bytes() == b""


def test_what_a_library_prints_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers have a pipe of their own."""
    with_reader(monkeypatch, "import os; print('a warning', flush=True); os.write(1, b'another')")
    with Sandbox() as sandbox:
        assert sandbox.read(b"x", "bad").text == "nothing"


HOSTILE: dict[str, bytes] = {
    "divs.html": b"<div>" * 1_000_000,
    "lists.html": b"<ul><li>x" * 500_000,
    "cells.html": b"<table><tr>" + b"<td>1" * 1_500_000,
    "cut.html": b"<p " * 1_000_000,
    "lists.json": b"[" + b"[],\n" * 900_000 + b"[]]" + b" " * 3000,
    "lists.ipynb": b"[" + b"[]," * 4_000_000 + b"[]]",
    "parts.eml": b"Content-Type: multipart/mixed; boundary=x\n\n"
    + b"--x\nContent-Type: multipart/mixed; boundary=x\n\n" * 100_000,
    "brackets.eml": b"To: " + b"(" * 3_000_000 + b"\n\nHello",
    "loop.pdf": pdfs.page_tree_loop(),
    "table.pdf": pdfs.huge_table(),
    "arrays.pdf": pdfs.nested_arrays(),
    "bomb.pdf": pdfs.stream_bomb(500_000_000),
    "half.pdf": pdf("One", "Two")[:900],
    "paragraphs.docx": docx("<w:p/>" * 500_000),
    "nested.docx": docx("<w:ins>" * 50_000 + "</w:ins>" * 50_000),
    "half.docx": docx("<w:p/>")[:-200],
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_breaks_only_itself(sandbox: Sandbox, name: str) -> None:
    """It is read or refused, in time, and the file after it is read."""
    start = time.monotonic()
    try:
        sandbox.read(HOSTILE[name], name)
    except UnreadableDocumentError as error:
        assert str(error)  # noqa: PT017 - either outcome is right
    assert sandbox.read(b"after", "a.txt").text == "after"
    assert time.monotonic() - start < 30


def test_a_late_end_does_not_harm_the_next_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock may run out just after the answer: the process is gone, the answer counts, the next file is read."""
    monkeypatch.setattr(sandbox_module._Watch, "cancel", sandbox_module._Watch._over)
    with Sandbox() as sandbox:
        assert [sandbox.read(data, "a.txt").text for data in (b"late", b"after")] == ["late", "after"]


def test_without_a_process_nothing_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """That is a fault of the machine and not of the file: the step is repeated."""

    def refused(*args: object, **options: object) -> None:
        raise OSError("Cannot allocate memory")

    monkeypatch.setattr(subprocess, "Popen", refused)
    with Sandbox() as sandbox, pytest.raises(OSError, match="Cannot allocate"):
        sandbox.read(b"text", "a.txt")


def test_large_files_are_read() -> None:
    """Within the limits of time and memory, and answers of 4 million characters fit a message."""
    page = "<div><h2>Head</h2><p>Some <b>text</b> that says <a href='/1'>a thing</a>, and more.</p></div>" * 5_000
    with Sandbox() as unhurried:
        assert len(unhurried.read(b"The quick brown fox.\n" * 190_000, "a.txt").text) > 3_900_000
        assert len(unhurried.read("😀".encode() * 4_000_000, "a.txt").text) == 4_000_000
        assert unhurried.read(page.encode(), "a.html").text.count("## Head") == 5_000
    assert ReadLimits().max_characters * 4 < MAX_BODY_BYTES
