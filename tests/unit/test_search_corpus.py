"""A search of one's own documents: what is found, in which order, and that nothing a query holds can break it."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rota.documents.search import corpus
from rota.documents.search.corpus import Hit, best_documents
from rota.documents.search.fusion import RANK_CONSTANT, fuse
from rota.documents.search.words import telling_words

HARBOUR = [
    (10, "Berths", "The harbour master gives every ship a berth and an hour."),
    (11, "Dues", "Owners of ships pay harbour dues by the ton, at the gate."),
    (12, "Gulls", "Gulls nest on the roof of the old market hall."),
    (13, "Bread", "The baker sells bread at noon and rolls at dawn."),
]


def ids(*queries: str, documents: list[tuple[int, str, str]] = HARBOUR, most: int = 10) -> list[int]:
    """Ids of what is found, best first."""
    return [hit.id for hit in best_documents(documents, queries, most)]


def test_the_document_with_the_words_comes_first() -> None:
    """With a score and a rank; documents with none of the words are no hits."""
    hits = best_documents(HARBOUR, ["who pays harbour dues?"], 10)
    assert hits == [Hit(11, 1 / 61, 1), Hit(10, 1 / 62, 2)]
    assert best_documents(HARBOUR, ["who pays harbour dues?"], 1) == hits[:1]


def test_a_title_says_more_than_a_text() -> None:
    """The same word, once in a title and once in a text."""
    documents = [(1, "Notes of spring", "about tides"), (2, "Tides of spring", "about notes")]
    assert ids("tides", documents=documents) == [2, 1]
    assert ids("notes", documents=documents) == [1, 2]


def test_rare_words_weigh_more_than_frequent_ones() -> None:
    """BM25: what stands everywhere tells nothing."""
    common = [(n, "Page", f"harbour harbour page {n}") for n in range(20)]
    assert ids("harbour gulls", documents=[*common, *HARBOUR])[0] == 12


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("paying", "everybody pays at the gate"),
        ("CAFE", "a café by the sea"),
        ("café", "a cafe\u0301 by the sea"),
        ("Straße", "eine lange strasse"),
        ("istanbul", "a ferry to İstanbul"),
        ("порт", "Корабли входят в порт утром"),
        ("λιμάνι", "το λιμάνι είναι μικρό"),
        ("港の料金", "船主は港の料金を払う"),
        ("港口费用", "船东支付港口费用"),
        ("항구", "선주는 항구에서 지불한다"),
        ("ท่าเรือ", "เรือทุกลำจ่ายที่ท่าเรือ"),
    ],
)
def test_words_are_found_in_their_other_forms_and_in_other_languages(query: str, text: str) -> None:
    """Endings in English, accents and case in all; pairs of signs where words are not set apart."""
    assert ids(query, documents=[(1, "", "nothing of the kind"), (2, "", text)]) == [2]


def test_the_whole_word_leads_over_its_stem() -> None:
    """Both are found, the exact one first."""
    assert ids("ships", documents=[(1, "", "one ship here"), (2, "", "many ships here")]) == [2, 1]


def test_several_queries_are_fused_by_rank() -> None:
    """What two queries find outranks what one of them alone puts first."""
    documents = [(1, "", "alpha alpha alpha"), (2, "", "alpha beta filler filler"), (3, "", "beta beta beta")]
    assert set(ids("alpha", "beta", documents=documents)[:1]) == {2}
    hits = best_documents(documents, ["alpha", "beta"], 3)
    assert hits[0].score == pytest.approx(2 / (RANK_CONSTANT + 2))
    assert [hit.rank for hit in hits] == [1, 2, 3]


def test_fusion_counts_a_thing_once_a_ranking() -> None:
    """By its first place; of equals the one seen first leads."""
    assert fuse([["a", "b", "a"], ["b"]]) == [("b", 1 / 62 + 1 / 61), ("a", 1 / 61)]
    assert [each for each, _ in fuse([["x"], ["y"]])] == ["x", "y"]
    assert fuse([]) == []


@pytest.mark.parametrize(
    "query",
    ['title:"harbour', "+harbour -dues AND (", "harbour~2^9 OR [a TO z]", "harbour*", "/harbour/", "\\harbour"],
)
def test_no_sign_in_a_query_is_special(query: str) -> None:
    """Operators are words or nothing; `-dues` does not exclude."""
    assert 10 in ids(query)


@pytest.mark.parametrize("query", ["", " ", "?!", "\ud800", "\x00", "x" * 5000, "()", "\u0301" * 300])
def test_a_query_without_words_that_occur_finds_nothing(query: str) -> None:
    """And is no error."""
    assert ids(query) == []


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text(st.characters(), max_size=60), max_size=3), st.text(st.characters(), max_size=60))
def test_any_text_may_be_searched_for_and_in(queries: list[str], text: str) -> None:
    """Surrogates, marks and controls included."""
    assert {hit.id for hit in best_documents([(1, text, text)], queries, 5)} <= {1}


def test_documents_are_not_read_without_a_word_to_look_for() -> None:
    """Reading them is what takes time."""

    def unread() -> Iterator[tuple[int, str, str]]:
        raise AssertionError("was read")
        yield (1, "", "")

    assert best_documents(unread(), ["", "?"], 5) == []
    assert best_documents(unread(), [], 5) == []
    assert ids("harbour", documents=[]) == []


def test_common_words_count_only_by_themselves() -> None:
    """`to be or not to be` is still a query."""
    documents = [(1, "", "what is the time"), (2, "", "the tide"), (3, "", "to be or not to be")]
    assert ids("what is the tide", documents=documents) == [2]
    assert ids("to be or not to be", documents=documents)[0] == 3


def test_telling_words_come_by_frequency_and_once() -> None:
    """As written, a plural with its singular."""
    assert telling_words("How does the port charge ships, and which ship pays the port? Ships!", 3) == [
        "ships",
        "port",
        "charge",
    ]
    assert telling_words("To be or not to be", 9) == ["to", "be", "or", "not"]


def test_a_large_corpus_is_written_in_parts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The engine's queue is emptied by size, and scores hold across the parts."""
    monkeypatch.setattr(corpus, "COMMIT_CHARACTERS", 4000)
    documents = [(n, f"Page {n}", f"filler {'tide ' * (n % 7)}number{n}") for n in range(300)]
    hits = best_documents(documents, ["tide"], 100)
    assert len(hits) == 100
    assert [hit.id for hit in hits[:42]] == [n for n in range(300) if n % 7 == 6]
    assert ids("number77", documents=documents) == [77]
    assert corpus._index(documents, str(tmp_path)).searcher().num_segments > 1


def test_ids_of_64_bits_come_back() -> None:
    """Negative ones, too."""
    documents = [(-(2**63), "", "tide"), (2**63 - 1, "", "tide")]
    assert ids("tide", documents=documents) == [-(2**63), 2**63 - 1]


def test_nothing_stays_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither files nor, after a moment, threads, also when the documents fail midway."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = threads()

    def failing() -> Iterator[tuple[int, str, str]]:
        yield HARBOUR[0]
        raise ValueError("the second cannot be read")

    with pytest.raises(ValueError, match="the second"):
        best_documents(failing(), ["harbour"], 5)
    assert ids("harbour") == [10, 11]
    assert list(tmp_path.iterdir()) == []
    deadline_s = time.monotonic() + 10
    while threads() > before and time.monotonic() < deadline_s:
        time.sleep(0.05)
    assert threads() <= before


def threads() -> int:
    """Of this process, the engine's own included where the system tells."""
    tasks = Path("/proc/self/task")
    return len(list(tasks.iterdir())) if tasks.exists() else threading.active_count()


def test_a_long_run_of_marks_takes_no_time() -> None:
    """Composing it would: a second for 40,000 of them, and quadratically more."""
    text = "a" + "\u0301\u0316" * 1_000_000 + " tide"
    assert ids("tide", documents=[(1, text, text)]) == [1]
