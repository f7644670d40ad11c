"""The tree of notes: groups within their budget, marks kept, and it gets smaller."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rota.documents.tokens import estimate_tokens
from rota.errors import InvalidOutputError
from rota.steps import delimit, synthesize

NOTES = [
    "- Backups are kept for thirty days [3].\n- The office is nice [4].",
    "- Nobody may delete a backup alone [5].",
]
TEXTS = st.lists(st.text(st.sampled_from("wörd. <note> \n"), min_size=1, max_size=900), max_size=20)


@settings(deadline=None)
@given(TEXTS, st.integers(60, 600))
def test_groups_hold_their_budget_and_lose_nothing(texts: list[str], max_tokens: int) -> None:
    """As they stand in the prompt, in their order, with ids that count up."""
    groups = synthesize.plan_level(texts, max_tokens)
    assert list(groups) == [f"g{number:04d}" for number in range(1, len(groups) + 1)]
    for group in groups.values():
        assert synthesize.fits(group, max_tokens)
        assert estimate_tokens(delimit.notes(group)) <= max_tokens
    together = "".join(text for group in groups.values() for text in group)
    assert "".join(together.split()) == "".join("".join(texts).split())


def test_groups_are_of_one_size() -> None:
    """Twelve notes of which ten fit make two groups of six, not ten and two."""
    groups = synthesize.plan_level(["word " * 60] * 12, 1000)
    assert [len(group) for group in groups.values()] == [6, 6]


def test_a_note_that_is_too_large_is_cut() -> None:
    """A model may have written more than one group can hold."""
    groups = synthesize.plan_level(["Some words. " * 300], 300)
    assert len(groups) > 3
    assert "".join(text for group in groups.values() for text in group) == "Some words. " * 300


def test_no_notes_no_groups() -> None:
    """Nothing to merge."""
    assert synthesize.plan_level([], 1000) == {}
    assert synthesize.fits([], 0)


def test_the_prompt() -> None:
    """Question, points and notes, each delimited."""
    asked = synthesize.prompt("How long?", [], ["one [1]", "two </note> [2]"], 1500)
    assert "<note>\none [1]\n</note>\n<note>\ntwo [/note> [2]\n</note>" in asked.prompt
    assert "- whatever helps to answer the question" in asked.prompt
    assert "at most 900 words" in asked.system


def test_marks_are_checked_against_the_group() -> None:
    """A merged note cites what its notes cite."""
    assert synthesize.check("- Thirty days [3][5], ten years [77].", NOTES) == {
        "text": "- Thirty days [3][5], ten years.",
        "cited": [3, 5],
    }


def test_marks_stay_plain_on_their_way() -> None:
    """Places are found at the end, in the documents: what a model says of lines that it has not seen is taken off."""
    assert synthesize.check("- Thirty days [3:12][5, p. 2].", NOTES)["text"] == "- Thirty days [3][5]."


def test_both_sides_are_asked_for_where_notes_contradict_each_other() -> None:
    """In one statement, so that the answer can show it."""
    assert "contradict each other" in synthesize.prompt("?", [], NOTES, 100).system


@pytest.mark.parametrize("text", ["", "[77]", "Thirty days, they say."])
def test_a_merger_that_lost_all_citations_is_refused(text: str) -> None:
    """The answer could not cite any more."""
    with pytest.raises(InvalidOutputError):
        synthesize.check(text, NOTES)


def test_notes_without_marks_need_none() -> None:
    """There was nothing to lose."""
    assert synthesize.check("Thirty days.", ["Thirty days."]) == {"text": "Thirty days.", "cited": []}


def test_without_a_model() -> None:
    """The statements on the question, with their marks."""
    assert synthesize.extractive("Who may delete a backup?", NOTES, 40) == {
        "text": "- Nobody may delete a backup alone [5].",
        "cited": [5],
    }


def test_sentences_of_one_line_share_its_marks() -> None:
    """A mark at the end of a line covers the sentences before it."""
    notes = ["- It runs every night. Backups take an hour [3]."]
    assert synthesize.extractive("When?", notes, 500)["text"] == "- It runs every night. Backups take an hour [3]."


def test_what_several_notes_say_is_said_once() -> None:
    """With the marks of all, and inner marks where they stood."""
    notes = ["- Backups run at two [3].", "- Backups run at two [5].\n- Some backups [3], not all [5] are checked."]
    assert synthesize.extractive("When do backups run, and are some checked?", notes, 500)["text"].splitlines() == [
        "- Backups run at two [3][5].",
        "- Some backups [3], not all [5] are checked [3][5].",
    ]


def test_statements_of_different_documents_are_not_joined() -> None:
    """Sentences of one line go on from each other only as long as they rest on the same documents."""
    notes = ["- Backups run at two [3]. Backups of logs run at four [5]. Backups of mail run at six [3]."]
    assert synthesize.extractive("When do backups of logs and mail run?", notes, 500)["text"].splitlines() == [
        "- Backups run at two [3].",
        "- Backups of mail run at six [3].",
        "- Backups of logs run at four [5].",
    ]


def test_a_statement_that_is_too_long_is_cut() -> None:
    """Better than none."""
    notes = [f"- Backups {'and more backups ' * 20}[3]."]
    text = synthesize.extractive("backups", notes, 30)["text"]
    assert text.startswith("- Backups and more")
    assert estimate_tokens(text) <= 30


@settings(deadline=None, max_examples=30)
@given(st.integers(40, 400))
def test_extraction_holds_its_budget(max_tokens: int) -> None:
    """Whatever is asked for."""
    notes = [f"- Statement {n} says that thing {n * 7 % 31} is {'very ' * (n % 9)}good [{n}]." for n in range(1, 80)]
    assert estimate_tokens(synthesize.extractive("thing 7", notes, max_tokens)["text"]) <= max_tokens


def test_combining_keeps_order_and_marks() -> None:
    """What the answer is written from."""
    assert synthesize.combine(NOTES) == {"text": "\n\n".join(NOTES), "cited": [3, 4, 5]}
