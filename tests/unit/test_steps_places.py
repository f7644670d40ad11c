"""The marks of an answer get the places where its statements rest, within a budget, whatever a model claims."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import pytest

from rota.errors import NotFoundError
from rota.records import Answer, Document, DocumentInfo, Source
from rota.steps import places
from rota.steps.places import placed, shown

LEASE = (
    "Lease\n\nThe rent is 900 euros a month.\nIt is due on the third by bank transfer.\n\n"
    "Pets are allowed, except for crocodiles."
)
RULES = "House rules\n\nPets are forbidden in the garden.\nThe rent may rise by three per cent each year."
PDF = "Survey of the roof.\n\nThe gutter leaks beside the chimney."


def info(number: int, text: str, media_type: str = "text/plain") -> DocumentInfo:
    """A document without its text."""
    size = len(text)
    return DocumentInfo(
        number=number, title=f"{number}.md", origin="request", media_type=media_type, bytes=size, characters=size
    )


DOCUMENTS = [info(1, LEASE), info(2, RULES), {**info(3, PDF, "application/pdf"), "pages": [0, 21]}]
TEXTS = {1: LEASE, 2: RULES, 3: PDF}


def read(number: int) -> Document:
    """A document with its text."""
    return {**DOCUMENTS[number - 1], "text": TEXTS[number]}


def answer(text: str, *cited: int) -> Answer:
    """An answer as it is before."""
    sources = [Source(number=number, title=f"{number}.md", origin="request") for number in cited]
    return Answer(text=text, cited=list(cited), sources=sources)


def marked(text: str, *cited: int, clock: Callable[[], float] = time.monotonic) -> str:
    """The text afterwards."""
    return placed(answer(text, *cited), DOCUMENTS, read, clock)["text"]


@pytest.mark.parametrize(
    ("said", "marked_so"),
    [
        ("The rent is 900 euros a month [1].", "The rent is 900 euros a month [1:3]."),
        ("The rent is 900 euros a month. [1]", "The rent is 900 euros a month. [1:3]"),
        ("The gutter beside the chimney leaks [3].", "The gutter beside the chimney leaks [3:p2]."),
        ("Unicorns live upstairs [1].", "Unicorns live upstairs [1]."),
        (
            "Pets are allowed except crocodiles [1], but forbidden in the garden [2].",
            "Pets are allowed except crocodiles [1:6], but forbidden in the garden [2:3].",
        ),
        (
            "The rent is 900 euros a month [1]. Crocodiles are the exception among allowed pets [1].",
            "The rent is 900 euros a month [1:3]. Crocodiles are the exception among allowed pets [1:6].",
        ),
        (
            "The rent is 900 euros a month [1], and it is due on the third by bank transfer [1].",
            "The rent is 900 euros a month [1:3], and it is due on the third by bank transfer [1:4].",
        ),
        (
            "It is clear. Pets are forbidden in the garden [2] [1].",
            "It is clear. Pets are forbidden in the garden [2:3] [1].",
        ),
        ("As [2] says, pets are forbidden in the garden.", "As [2:3] says, pets are forbidden in the garden."),
        (
            "- The rent is 900 euros a month.\n- Pets are forbidden in the garden [2].",
            "- The rent is 900 euros a month.\n- Pets are forbidden in the garden [2:3].",
        ),
        (
            "Take `rents[1]`: the rent is 900 euros a month [1].",
            "Take `rents[1]`: the rent is 900 euros a month [1:3].",
        ),
    ],
)
def test_each_mark_gets_the_place_of_its_own_statement(said: str, marked_so: str) -> None:
    """Its clause, its sentence, or what follows it; none where it is in doubt."""
    assert marked(said, 1, 2, 3) == marked_so


LOG = "\n".join(
    f"Day {n}: the press made {n * 7} parts, and {who} oiled the belt."
    for n, who in enumerate(["Clara", "Ben", "Ivo"] * 20, 1)
)


@pytest.mark.parametrize(
    ("said", "marked_so"),
    [
        (
            "The rent is 900 euros a month. It is due on the third by bank transfer [1].",
            "The rent is 900 euros a month. It is due on the third by bank transfer [1:3-4].",
        ),
        (
            "It is due on the third by bank transfer. The monthly rent amounts to 900 euros. [1]",
            "It is due on the third by bank transfer. The monthly rent amounts to 900 euros. [1:3-4]",
        ),
        (
            "Crocodiles are the exception among allowed pets. The rent is 900 euros a month. "
            "It is due on the third by bank transfer [1].",
            "Crocodiles are the exception among allowed pets. The rent is 900 euros a month. "
            "It is due on the third by bank transfer [1:3-6].",
        ),
        (
            "The rent is 900 euros a month. Unicorns live upstairs. It is due on the third by bank transfer [1].",
            "The rent is 900 euros a month. Unicorns live upstairs. It is due on the third by bank transfer [1:3-4].",
        ),
        (
            "The rent is 900 euros a month. Crocodiles are the exception among allowed pets [1].",
            "The rent is 900 euros a month. Crocodiles are the exception among allowed pets [1:6].",
        ),
        (
            "The rent is 900 euros a month [2]. It is due on the third by bank transfer [1].",
            "The rent is 900 euros a month [2]. It is due on the third by bank transfer [1:4].",
        ),
        (
            "- The rent is 900 euros a month.\n- It is due on the third by bank transfer [1].",
            "- The rent is 900 euros a month.\n- It is due on the third by bank transfer [1:4].",
        ),
        (
            "The rent is 900 euros a month.\n\nIt is due on the third by bank transfer [1].",
            "The rent is 900 euros a month.\n\nIt is due on the third by bank transfer [1:4].",
        ),
        (
            "Survey of the roof. The gutter leaks beside the chimney [3].",
            "Survey of the roof. The gutter leaks beside the chimney [3:p2].",
        ),
    ],
)
def test_sentences_that_share_a_mark_share_its_place_where_they_stand_together(said: str, marked_so: str) -> None:
    """Those since the last mark, in the same paragraph; one that stands elsewhere or nowhere changes nothing."""
    assert marked(said, 1, 2, 3) == marked_so


@pytest.mark.parametrize(
    ("days", "lines"),
    [
        (range(31, 36), "31-35"),
        ([33, 31, 35, 34, 32], "31-35"),
        ([31, 32, 34, 35], "34-35"),
        (range(19, 32), "19-31"),
        (range(3, 32), "19-31"),
    ],
)
def test_lines_that_follow_each_other_are_one_place(
    days: Sequence[int], lines: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In whatever order they are said; so many before the last one as are looked up."""
    monkeypatch.setitem(DOCUMENTS[0], "characters", len(LOG))
    monkeypatch.setitem(TEXTS, 1, LOG)
    said = " ".join(f"On day {n} the press made {n * 7} parts." for n in days)
    assert marked(f"{said[:-1]} [1].", 1).endswith(f"[1:{lines}].")


COUNTERS = "# Counters\n\nThere are three.\n\n" + "\n".join(
    f"## {town}\n\nIt has {staff} employees.\n\nThe counter opens at nine.\n"
    for town, staff in [("Basel", "seven"), ("Olten", "eleven"), ("Thun", "thirty")]
)


@pytest.mark.parametrize(
    ("said", "place"),
    [
        ("The counter opens at nine [1].", "[1]"),
        ("Bern: The counter opens at nine [1].", "[1]"),
        ("In Olten it has eleven employees. The counter opens at nine [1].", "[1:11-15]"),
        ("## Olten\n\nThe counter opens at nine [1].", "[1:15]"),
        ("# Counters\n## Olten\nThe counter opens at nine [1].", "[1:15]"),
        ("## Thun\n\nSome words.\n\n- The counter opens at nine [1].", "[1:21]"),
        ("**Thun**\n\nThe counter opens at nine [1].", "[1:21]"),
        ("## Bern\n\nThe counter opens at nine [1].", "[1]"),
        ("- Basel\n- Olten:\n  - The counter opens at nine [1].", "[1:15]"),
        ("- Olten: a town\n  - Much to do.\n  - The counter opens at nine [1].", "[1:15]"),
        ("- Olten\n- The counter opens at nine [1].", "[1]"),
    ],
)
def test_a_sentence_of_several_sections_is_found_in_the_one_that_the_answer_speaks_of(
    said: str, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the sentences before it, or by the heading or the item that it stands under; else nowhere."""
    monkeypatch.setitem(DOCUMENTS[0], "characters", len(COUNTERS))
    monkeypatch.setitem(TEXTS, 1, COUNTERS)
    assert marked(said, 1) == said.replace("[1]", place)


@pytest.mark.parametrize("claimed", ["[1:3]", "[1:2-4]", "[1:0-3]", "[1:4-5]", "[1:90-95]", "[1:p7]", "[1:1-900]"])
def test_a_models_own_lines_give_way_to_those_that_were_found(claimed: str) -> None:
    """Near ones, too: they may lie beyond the document's end."""
    assert marked(f"The rent is 900 euros a month {claimed}.", 1) == "The rent is 900 euros a month [1:3]."


def test_a_claim_that_nothing_supports_is_taken_off() -> None:
    """The document is still cited: the notes have it."""
    assert marked("Unicorns live upstairs [1:3] and [3:p1].", 1, 3) == "Unicorns live upstairs [1] and [3]."


def test_sources_list_their_places_in_order_each_once() -> None:
    """With lines or a page, and what stands there."""
    text = (
        "Pets are allowed, except for crocodiles [1]. The rent is 900 euros a month [1]. "
        "The rent is 900 euros a month [1]. The gutter leaks beside the chimney [3]. Unicorns are upstairs [2]."
    )
    sources = placed(answer(text, 1, 2, 3), DOCUMENTS, read, time.monotonic)["sources"]
    assert [source.get("places") for source in sources] == [
        [
            {"lines": [3, 3], "quote": "The rent is 900 euros a month."},
            {"lines": [6, 6], "quote": "Pets are allowed, except for crocodiles."},
        ],
        None,
        [{"page": 2, "quote": "The gutter leaks beside the chimney."}],
    ]


def test_only_cited_documents_are_read_and_each_once() -> None:
    """One at a time."""
    numbers: list[int] = []

    def noted(number: int) -> Document:
        numbers.append(number)
        return read(number)

    text = "The rent is 900 euros a month [1]. Pets are allowed, except for crocodiles [1]. The gutter leaks [3]."
    placed(answer(text, 1, 3), DOCUMENTS, noted, time.monotonic)
    assert numbers == [1, 3]


def test_documents_beyond_the_budget_are_cited_without_places(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that are too large alone, and those for which nothing is left."""
    text = "The rent is 900 euros a month [1]. Pets are forbidden in the garden [2]."
    monkeypatch.setattr(places, "MOST_OF_ONE", len(LEASE) - 1)
    assert marked(text, 1, 2) == "The rent is 900 euros a month [1]. Pets are forbidden in the garden [2:3]."
    monkeypatch.setattr(places, "MOST_OF_ONE", 1000)
    monkeypatch.setattr(places, "MOST_CHARACTERS", len(LEASE) + 5)
    assert marked(text, 1, 2) == "The rent is 900 euros a month [1:3]. Pets are forbidden in the garden [2]."


def test_no_document_is_read_when_the_time_is_over() -> None:
    """The others keep their places."""
    ticks = iter([0.0, 1.0, 2.0, places.MOST_S + 1])
    text = "The rent is 900 euros a month [1]. Pets are forbidden in the garden [2]."
    assert marked(text, 1, 2, clock=lambda: next(ticks)) == (
        "The rent is 900 euros a month [1:3]. Pets are forbidden in the garden [2]."
    )


def test_no_mark_is_looked_up_when_the_time_is_over() -> None:
    """Hundreds in one document may take longer than there is time for."""
    ticks = iter([0.0, 1.0, *[places.MOST_S + 1] * 2])
    text = "The rent is 900 euros a month [1]. It is due on the third by bank transfer [1]."
    assert marked(text, 1, clock=lambda: next(ticks)) == text.replace("[1]", "[1:3]", 1)


def test_a_document_that_is_gone_is_cited_without_a_place() -> None:
    """An answer is not lost over it."""

    def gone(number: int) -> Document:
        raise NotFoundError(f"no document {number}")

    text = "The rent is 900 euros a month [1]."
    assert placed(answer(text, 1), DOCUMENTS, gone, time.monotonic) == answer(text, 1)


def test_places_for_a_person() -> None:
    """One line, several, a page, or a quote alone."""
    assert shown({"lines": [12, 12], "quote": "a"}) == "line 12: “a”"
    assert shown({"lines": [12, 14], "quote": "a"}) == "lines 12–14: “a”"
    assert shown({"page": 7, "quote": "a"}) == "page 7: “a”"
    assert shown({"quote": "a"}) == "“a”"


def test_an_answer_of_nothing_but_marks_takes_no_time() -> None:
    """A model caught in a loop writes such things."""
    started = time.process_time()
    marked("[1]" * 20_000 + "The rent [1] " * 4000, 1)
    assert time.process_time() - started < 4
