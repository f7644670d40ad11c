"""Citation marks: every form that models write, unknown numbers taken out, code and links left alone."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rota.steps.citations import cited_in, clean, mark, without_marks

KNOWN = [1, 2, 3, 12]


@pytest.mark.parametrize(
    ("text", "cleaned", "cited"),
    [
        ("It is so [3].", "It is so [3].", [3]),
        ("It is so [2][12].", "It is so [2][12].", [2, 12]),
        ("It is so [2, 12].", "It is so [2][12].", [2, 12]),
        ("It is so [1; 2 and 3].", "It is so [1][2][3].", [1, 2, 3]),
        ("It is so [1-3].", "It is so [1][2][3].", [1, 2, 3]),
        ("It is so [doc 3] and [Document 2].", "It is so [3] and [2].", [2, 3]),
        ("It is so [3, part 1/2].", "It is so [3].", [3]),
        ("It is so 【3】 and 【2†L1-L9】.", "It is so [3] and [2].", [2, 3]),
        ("It is so [9].", "It is so.", []),
        ("It is so [3, 9].", "It is so [3].", [3]),
        ("It is so [9] and [3].", "It is so and [3].", [3]),
        ("[9]", "", []),
        ("See [1](https://a.b) and [x].", "See [1](https://a.b) and [x].", []),
        ("[1]: https://a.b", "[1]: https://a.b", []),
        ("Take `rows[0]` first [1].", "Take `rows[0]` first [1].", [1]),
        ("```\nrows[7]\n```\nDone [2].", "```\nrows[7]\n```\nDone [2].", [2]),
        ("In [1-99999] they say [0].", "In [1] they say.", [1]),
    ],
)
def test_marks(text: str, cleaned: str, cited: list[int]) -> None:
    """One form afterwards, and only what exists."""
    assert clean(text, KNOWN) == {"text": cleaned, "cited": cited}


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(["[1]", "[9]", "[1, 9]", "[2-4]", "`[7]`", "word", " ", ". ", "\n", "[", "]", "```"])).map(
        "".join
    )
)
def test_what_is_cited_is_known_and_stands_in_the_text(text: str) -> None:
    """Cleaning is complete after one pass, and the list of numbers is the text's."""
    notes = clean(text, KNOWN)
    assert set(notes["cited"]) <= set(KNOWN)
    assert cited_in(notes["text"]) == notes["cited"]
    assert clean(notes["text"], KNOWN) == notes


@pytest.mark.parametrize(
    ("text", "kept", "taken_off"),
    [
        ("So [3:12].", "So [3:12].", "So [3]."),
        ("So [3:120-135].", "So [3:120-135].", "So [3]."),
        ("So [3:p7].", "So [3:p7].", "So [3]."),
        ("So [3, lines 12-20].", "So [3:12-20].", "So [3]."),
        ("So [3, line 12].", "So [3:12].", "So [3]."),
        ("So [3 L12].", "So [3:12].", "So [3]."),
        ("So [3 L12–L20].", "So [3:12-20].", "So [3]."),
        ("So [3: lines 20 - 12].", "So [3:12-20].", "So [3]."),
        ("So [doc 3, p. 7].", "So [3:p7].", "So [3]."),
        ("So [Document 3, pages 7-9].", "So [3:p7].", "So [3]."),
        ("So [3:12, 2:14].", "So [2:14][3:12].", "So [2][3]."),
        ("So [3:12][3:40].", "So [3:12][3:40].", "So [3][3]."),
        ("So [3:12, 3:12].", "So [3:12].", "So [3]."),
        ("So [3, 12].", "So [3][12].", "So [3][12]."),
        ("So [1-3:5].", "So [1][2][3:5].", "So [1][2][3]."),
        ("So [3:0].", "So [3].", "So [3]."),
        ("So [9:12].", "So.", "So."),
        ("Take `rows[1:2]` [1].", "Take `rows[1:2]` [1].", "Take `rows[1:2]` [1]."),
    ],
)
def test_places_are_read_in_every_form_and_kept_only_where_asked_for(text: str, kept: str, taken_off: str) -> None:
    """Only who checks them against the documents should ask."""
    assert clean(text, KNOWN, places=True)["text"] == kept
    assert clean(text, KNOWN)["text"] == taken_off
    assert clean(kept, KNOWN, places=True)["text"] == kept


def test_a_place_is_no_document() -> None:
    """Lines and pages are not counted among the numbers cited."""
    assert cited_in("a [3:12] b [2:p1][1:2-12] c [3, lines 2-4]") == [1, 2, 3]


def test_reading_and_writing_marks() -> None:
    """Ascending, each once."""
    assert cited_in("b [3] a [1][3]") == [1, 3]
    assert mark([3, 1]) == "[1][3]"


def test_a_documents_own_references_become_harmless() -> None:
    """They look the same to a reader and cite nothing."""
    text = without_marks("As shown in [12] and [3], x[i] grows.")
    assert text == "As shown in (12) and (3), x[i] grows."
    assert cited_in(text) == []
    assert without_marks("at [12:30], [3:4-5] and [3:p7]") == "at (12:30), (3:4-5) and (3:p7)"


@pytest.mark.parametrize(
    "text",
    [" " * 200_000, "[" * 200_000, "[1,1" * 50_000, "`" * 200_001, "[1-" * 60_000, "[" + "1:1-1-" * 30_000 + "!"],
)
def test_hostile_output_takes_no_time(text: str) -> None:
    """A model caught in a loop writes such things."""
    started = time.process_time()
    clean(text, KNOWN)
    assert time.process_time() - started < 2
