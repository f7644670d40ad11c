"""Packing: every document exactly once, no batch above its budget, the same batches at every run."""

from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rota.documents.group import MIN_BATCH_TOKENS, OPEN_BATCHES, pack, passage_tokens, shortened
from rota.documents.tokens import estimate_tokens
from rota.errors import InvalidInputError
from rota.records import Batch, Document
from rota.steps import delimit


def document(number: int, text: str, title: str = "") -> Document:
    """A document of a job."""
    title = title or f"file-{number}.md"
    return Document(
        number=number,
        title=title,
        origin="request",
        media_type="text/plain",
        bytes=len(text),
        characters=len(text),
        text=text,
    )


PILES = st.lists(
    st.tuples(
        st.lists(st.sampled_from(["word ", "<document> ", "Größe. ", "漢字。", "\n\n", "# H\n\n"]), max_size=600).map(
            "".join
        ),
        st.text(min_size=1, max_size=300),
    ),
    max_size=12,
).map(lambda pile: [document(number, text, title) for number, (text, title) in enumerate(pile, start=1)])


@settings(deadline=None)
@given(PILES, st.integers(MIN_BATCH_TOKENS, 1500))
def test_batches_hold_their_budget_as_they_stand_in_the_prompt(pile: list[Document], max_tokens: int) -> None:
    """Delimiters, titles and escapes included: what counts is the text that is sent."""
    for batch in pack(pile, max_tokens):
        assert sum(map(passage_tokens, batch["passages"])) <= max_tokens
        assert estimate_tokens(delimit.documents(batch["passages"])) <= max_tokens


@settings(deadline=None)
@given(PILES, st.integers(MIN_BATCH_TOKENS, 1500))
def test_every_document_is_covered_exactly_once(pile: list[Document], max_tokens: int) -> None:
    """The parts of a document, put together, are its text."""
    parts = defaultdict(dict)
    for batch in pack(pile, max_tokens):
        for passage in batch["passages"]:
            assert passage["part"] not in parts[passage["number"]]
            parts[passage["number"]][passage["part"]] = passage
    for one in pile:
        found = [parts[one["number"]][part] for part in sorted(parts[one["number"]])]
        assert "".join("".join(p["text"] for p in found).split()) == "".join(one["text"].split())
        assert [p["part"] for p in found] == list(range(1, len(found) + 1))
        assert all(p["parts"] == len(found) for p in found)
        assert all(one["text"][p["start"] : p["end"]] == p["text"] for p in found)


@settings(deadline=None)
@given(PILES)
def test_the_same_documents_give_the_same_batches(pile: list[Document]) -> None:
    """A repeated plan writes the same files, and ids count up from b0001."""
    batches = list(pack(pile, 600))
    assert batches == list(pack(pile, 600))
    assert [batch["batch_id"] for batch in batches] == [f"b{n:04d}" for n in range(1, len(batches) + 1)]


def numbers(batch: Batch) -> list[int]:
    """The documents of a batch, in order."""
    return [passage["number"] for passage in batch["passages"]]


def test_small_documents_go_together_in_their_order() -> None:
    """Neighbours share a batch."""
    batches = list(pack([document(n, "word " * 50) for n in range(1, 9)], 500))
    assert [numbers(batch) for batch in batches] == [[1, 2, 3, 4], [5, 6, 7, 8]]


def test_a_big_document_is_cut_and_a_small_one_fills_the_rest() -> None:
    """What a cut leaves over takes a small neighbour along."""
    batches = list(pack([document(1, "word " * 450), document(2, "tiny")], 500))
    assert numbers(batches[0]) == [1]
    assert 2 in numbers(batches[-1])
    assert {passage["parts"] for batch in batches for passage in batch["passages"] if passage["number"] == 1} == {2}


def test_large_documents_do_not_wait_for_ever() -> None:
    """Batches are handed out before all documents were taken: memory holds only a few."""
    taken = []

    def endless() -> object:
        for number in range(1, 1000):
            taken.append(number)
            yield document(number, "word " * 200)

    next(iter(pack(endless(), 500)))
    assert len(taken) <= OPEN_BATCHES + 1


def test_a_budget_without_room_is_refused() -> None:
    """The message says how much is needed."""
    with pytest.raises(InvalidInputError, match="at least 400"):
        pack([document(1, "x")], MIN_BATCH_TOKENS - 1)


def test_long_titles_keep_their_ends() -> None:
    """The file's name matters more than the middle of its path."""
    assert shortened("a" * 100 + "/name.py", 30) == "aaaaaaaaaa…aaaaaaaaaaa/name.py"
    assert shortened("short", 30) == "short"
