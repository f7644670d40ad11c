"""How closely documents are read: what each depth changes, and that what is read in part is relevant and in place."""

from __future__ import annotations

from itertools import pairwise

import pytest

from rota.catalog import Step
from rota.catalog_file import load_catalog
from rota.depth import BRIEF_CHARACTERS, characters_read, is_read_in_part, sized, sized_catalog, stretches
from rota.records import Document
from tests.fixtures.job_stack import REPOSITORY

CATALOG = load_catalog(REPOSITORY / "rota.yaml")


def document(text: str) -> Document:
    """A plain document."""
    size = len(text.encode())
    return Document(
        number=1,
        title="a.md",
        origin="request",
        media_type="text/markdown",
        bytes=size,
        characters=len(text),
        text=text,
    )


def test_the_normal_depth_is_what_the_pool_file_says() -> None:
    """Nothing is copied, nothing changed."""
    assert sized_catalog(CATALOG, "normal") is CATALOG
    assert sized(CATALOG.steps.summarize, "summarize", "normal") == CATALOG.steps.summarize


def test_brief_writes_less_and_deep_reads_smaller_batches() -> None:
    """Notes and answer are shorter; smaller batches mean more notes for each document, and the answer has more room."""
    brief, deep = sized_catalog(CATALOG, "brief").steps, sized_catalog(CATALOG, "deep").steps
    assert brief.summarize.max_output_tokens == 300
    assert brief.answer.max_output_tokens < CATALOG.steps.answer.max_output_tokens
    assert deep.summarize.max_input_tokens == CATALOG.steps.summarize.max_input_tokens // 2
    assert deep.answer.max_output_tokens > CATALOG.steps.answer.max_output_tokens
    assert deep.plan == CATALOG.steps.plan


def test_a_small_step_is_not_cut_to_nothing() -> None:
    """A pool of small quotas has small batches already."""
    small = Step(pool="all", max_input_tokens=900, max_output_tokens=60)
    assert sized(small, "summarize", "deep").max_input_tokens == 900
    assert sized(small, "summarize", "brief").max_output_tokens == 50


@pytest.mark.parametrize("depth", ["normal", "deep"])
def test_only_brief_leaves_anything_out(depth: str) -> None:
    """However long the document is."""
    long = document("word " * 4000)
    assert not is_read_in_part(long, depth)
    assert stretches(long, "anything", depth) == [(0, len(long["text"]))]


def test_a_short_document_is_read_whole_at_any_depth() -> None:
    """Nothing is gained by cutting it."""
    short = document("The lease ends in 2027.")
    assert not is_read_in_part(short, "brief")
    assert stretches(short, "lease", "brief") == [(0, len(short["text"]))]


def test_in_part_means_the_beginning_and_what_the_question_is_about() -> None:
    """The one paragraph on the question is found in the middle of much else, at its own place in the text."""
    filler = "The garden has roses and a pond, and the gate is green in summer.\n\n" * 120
    asked = "The lease ends in 2027, and the rent is 900 euros until then.\n\n"
    text = f"# House\n\n{filler}{asked}{filler}"
    found = stretches(document(text), "When does the lease end, and what is the rent?", "brief")
    read = [text[start:end] for start, end in found]
    assert read[0].startswith("# House")
    assert any("The lease ends in 2027" in piece for piece in read)
    assert sum(map(len, read)) <= BRIEF_CHARACTERS == characters_read(document(text), "brief")
    assert all(before[1] < after[0] for before, after in pairwise(found))


def test_a_question_without_words_reads_the_beginning() -> None:
    """There is nothing else to go by."""
    text = "First part of a long text.\n\n" + "Another line of it follows here.\n\n" * 400
    assert stretches(document(text), "?", "brief")[0][0] == 0
    assert len(stretches(document(text), "?", "brief")) == 1
