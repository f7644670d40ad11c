"""The benchmark of extractive mode: its texts can be read, extracts are alike in length, and figures add up.

ROUGE itself and the other summarisers are only in the benchmark's own environment; an overlap of words stands for it.
"""

from __future__ import annotations

from collections import Counter

import pytest

from benchmarks.extractive import systems, table
from benchmarks.extractive.intervals import interval, paired
from benchmarks.extractive.measure import Row, Score, measure
from benchmarks.extractive.reading import dangling_share, repeated_share
from benchmarks.extractive.tasks import Task, load_tasks, parse_task

FERRY = """genre: news
language: en
half: held-out
question: When does the ferry leave in winter?

=== reference
In winter the ferry leaves at ten from the northern pier, and tickets are sold on board.

=== document: Timetable
# Timetable

Roses bloom along the wall of the garden. Tulips open in the north of the park every morning. Bread is sold at noon.

In winter the ferry leaves at ten from the northern pier. Tickets for the ferry are sold on board by the crew.
"""
GARDEN = """genre: policy
language: en
half: development

=== reference
The garden opens at nine, and visitors leave before the bell.

=== document: Garden
The garden opens at nine in the morning. Visitors leave the garden before the bell rings. However, gulls stay.

=== document: Pond
Bees live near the pond of the garden. Visitors may rest there.
"""


def tasks() -> list[Task]:
    """One task of each half."""
    return [parse_task("ferry", FERRY), parse_task("garden", GARDEN)]


def overlap(language: str, reference: str) -> Score:
    """F1 of single words under each metric's name."""

    def score(text: str) -> dict[str, float]:
        wanted, got = Counter(reference.lower().split()), Counter(text.lower().split())
        shared = (wanted & got).total()
        return dict.fromkeys(table.METRICS, 2 * shared / (wanted.total() + got.total()))

    return score


def rows() -> list[Row]:
    """Everything measured, with a stand-in for the libraries' orders: the last sentences first."""
    return list(measure(tasks(), {"TextRank": lambda _, found: range(len(found) - 1, -1, -1)}, overlap, "R-1"))


def test_every_text_of_the_repository_is_a_task() -> None:
    """In two halves with the same genres, and references of a length that can be compared."""
    found = load_tasks()
    halves = [[task for task in found if task.half == half] for half in ("development", "held-out")]
    assert [len(half) for half in halves] == [14, 14]
    assert {task.genre for task in halves[0]} == {task.genre for task in halves[1]}
    assert all(80 <= len(task.reference.split()) <= 125 for task in found)
    assert all(systems.candidates(task) for task in found)


def test_a_file_without_a_reference_is_refused() -> None:
    """Rather than scored against nothing."""
    with pytest.raises(ValueError, match="one reference"):
        parse_task("ferry", FERRY.replace("=== reference", "=== document: x"))


def test_all_have_as_many_words_as_rota() -> None:
    """Only the lead of three sentences is as long as it is; nothing is better than the oracle."""
    by_name = {(row.task.name, row.system): row for row in rows()}
    for name in ("ferry", "garden"):
        ours, oracle = by_name[name, "Rota"], by_name[name, "oracle"]
        for system in ("lead", "BM25", "TextRank", "random", "oracle"):
            assert by_name[name, system].words == pytest.approx(ours.words)
            assert by_name[name, system].scores["R-1"] <= oracle.scores["R-1"] + 1e-9


def test_the_question_is_answered() -> None:
    """Rota quotes what is asked for, chance and the first sentences do not."""
    scores = {row.system: row.scores["R-1"] for row in rows() if row.task.name == "ferry"}
    assert scores["Rota"] > scores["random"]
    assert scores["Rota"] > scores["lead"] + 0.2


def test_the_lead_of_several_documents_takes_turns() -> None:
    """The first sentence of each, then the second of each."""
    garden = tasks()[1]
    assert systems.lead(garden, systems.candidates(garden)) == [0, 3, 1, 4, 2]


def test_an_extract_is_cut_to_its_words() -> None:
    """In the order of the text, and the least wanted sentence is the one that is cut."""
    assert systems.in_words(["a b c", "d e", "f g h"], [2, 0, 1], 4) == ["a", "f g h"]


def test_how_an_extract_reads_is_counted() -> None:
    """Openings that lean on something, in each language, and pairs of words that come again."""
    assert dangling_share(["However, it rains.", "It rains.", "Items rain.", "Deshalb regnet es."]) == 0.75
    assert repeated_share("the ferry leaves, the ferry waits") == pytest.approx(0.2)
    assert repeated_share("") == 0.0


def test_intervals_hold_the_mean() -> None:
    """Narrow for what is always alike, and paired differences are of the same task."""
    assert interval([2.0] * 9).low == interval([2.0] * 9).high == 2.0
    wide = interval([0.0, 1.0] * 10)
    assert wide.mean == 0.5
    assert wide.low < 0.4
    assert wide.high > 0.6
    assert paired([1.0, 5.0], [0.0, 4.0]).low == 1.0
    with pytest.raises(ValueError, match="no values"):
        interval([])


def test_the_page_holds_every_system_and_kind() -> None:
    """Both halves apart, Rota first, and a difference that is sure is bold."""
    page = table.markdown(rows(), ["Two tasks."])
    assert page.index("## Held-out half") < page.index("## Development half")
    assert page.count("\n| **Rota** |") == 2
    assert "| with a question | 1 |" in page
    assert "| lead | **+" in page
    assert "LexRank" not in page
