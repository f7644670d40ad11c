"""Batches are told how complex their code is."""

from __future__ import annotations

import pytest

from rota.documents.code.complexity import IMPORTS_CAP
from rota.documents.code.weigh import JobCode, weighed
from rota.records import Batch, DocumentInfo, Passage

KIB = 1024


def document(number: int, title: str, imports: list[str] | str | None = "no code") -> DocumentInfo:
    """A gathered document of 1,000 bytes."""
    info = DocumentInfo(
        number=number, title=title, origin="request", media_type="text/plain", bytes=1000, characters=1000
    )
    if not isinstance(imports, str):
        info["imports"] = imports
    return info


def batch(*numbers: int, text: str = "x" * 1000) -> Batch:
    """A batch with one passage of each document, its title shortened."""
    passages = [
        Passage(number=number, title="…", part=1, parts=2, start=0, end=len(text), text=text) for number in numbers
    ]
    return Batch(batch_id=f"b{numbers[0]:04d}", passages=passages)


def test_a_batch_is_weighed_by_the_code_it_holds() -> None:
    """Prose beside the code adds nothing, a document in two passages is one file, letters of two bytes are two."""
    documents = [document(1, "a.py", ["b", "os"]), document(2, "b.py", []), document(3, "c.md")]
    (found,) = weighed([batch(1, 2, 2, 3, text="ä" * 512)], JobCode.of(documents))
    dependency = 0.5 * 1.0 + 0.5 * (2 / IMPORTS_CAP / 2)
    expected = 0.3 * (3 * KIB) / (20 * KIB) + 0.5 * dependency + 0.2 * 2 / 10
    assert found["complexity"]["score"] == pytest.approx(expected, abs=1e-4)
    assert found["complexity"]["dependency"] == pytest.approx(dependency, abs=1e-4)
    assert found["complexity"]["analysed"] is True


def test_a_page_is_not_weighed_for_its_title() -> None:
    """Though it ends as a program's does."""
    assert not JobCode.of([{**document(1, "Introduction to Node.js"), "media_type": "text/html"}]).files


def test_a_batch_without_code_has_no_complexity() -> None:
    """Prose has another measure."""
    assert list(weighed([batch(1), batch(2)], JobCode.of([document(1, "a.md"), document(2, "b.json")]))) == [
        batch(1),
        batch(2),
    ]


def test_code_that_was_gathered_before_is_not_analysed() -> None:
    """A job that older code has gathered, and a language without a parser, say so."""
    code = JobCode.of([document(1, "a.py"), document(2, "b.rb", None)])
    found = list(weighed([batch(1), batch(2)], code))
    assert [one["complexity"]["analysed"] for one in found] == [False, False]
    assert [one["complexity"]["dependency"] for one in found] == [0.0, 0.0]
