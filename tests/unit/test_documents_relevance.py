"""Relevance: which document answers a question, and which of two sentences says more."""

from __future__ import annotations

import pytest

from rota.documents.extraction.relevance import Candidate, Relevance, relevance
from rota.documents.extraction.sentences import Sentence

QUESTION = "How does the ferry stay clear of rocks?"
FERRY = "The ferry slows down near the rocks off the northern shore."
GARDEN = "Roses bloom near the wall of the garden on the northern shore."


def judged(*documents: list[str], titles: list[str] | None = None) -> Relevance:
    """The relevance of documents, each of these paragraphs."""
    found = [
        Candidate(Sentence(text, leads=True), document, place, len(texts))
        for document, texts in enumerate(documents)
        for place, text in enumerate(texts)
    ]
    return relevance(found, titles or [""] * len(documents), QUESTION)


def test_many_matches_make_a_document_relevant() -> None:
    """More than one, however good."""
    many = [FERRY, "Rocks lie west of the ferry in deep water.", "The ferry knows all rocks by name."]
    assert judged([FERRY, GARDEN], many).documents[1] == 1.0
    assert judged([FERRY, GARDEN], many).documents[0] < 0.6


def test_a_title_makes_a_document_relevant() -> None:
    """With the same text, the one that is named after the question."""
    found = judged([FERRY], [FERRY], titles=["garden.md", "ferry/rocks.md"])
    assert found.documents[1] == 1.0
    assert found.documents[0] < 0.9


def test_a_heading_before_a_colon_speaks_for_the_other_notes_of_its_document() -> None:
    """Notes hold a telling heading so; the title itself is gone by then."""
    lamps, title = "two lamps stand on the western shore", "How the ferry stays clear of rocks"
    found = judged([f"{lamps}, {title}", GARDEN], [f"{title}: {lamps}", GARDEN])
    assert found.documents[1] == 1.0
    assert found.documents[0] < 0.9
    assert found.scores[3] > 1.5 * found.scores[1]


def test_the_same_sentence_counts_for_more_in_a_relevant_document() -> None:
    """So that an answer draws from few documents."""
    scores = judged([GARDEN, GARDEN], [FERRY, GARDEN]).scores
    assert scores[3] > 1.5 * scores[1]


@pytest.mark.parametrize(
    "worse",
    [
        "The ferry slows down near the rocks off the northern shore:",
        "It slows the ferry down near the rocks off the northern shore.",
        "Down near the rocks off the northern shore ferry_slow(shore=1) slows.",
    ],
    ids=["lead-in", "reference to nothing", "names of code"],
)
def test_what_reads_badly_counts_for_less(worse: str) -> None:
    """With the words of the question all the same."""
    scores = judged([FERRY, FERRY], [FERRY, worse]).scores
    assert scores[3] < 0.8 * scores[1]


def test_without_a_match_all_documents_are_alike() -> None:
    """There is nothing to prefer one for."""
    assert judged([GARDEN], ["Lunch is served at noon."]).documents == [1.0, 1.0]
