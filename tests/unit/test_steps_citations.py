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


def test_reading_and_writing_marks() -> None:
    """Ascending, each once."""
    assert cited_in("b [3] a [1][3]") == [1, 3]
    assert mark([3, 1]) == "[1][3]"


def test_a_documents_own_references_become_harmless() -> None:
    """They look the same to a reader and cite nothing."""
    text = without_marks("As shown in [12] and [3], x[i] grows.")
    assert text == "As shown in (12) and (3), x[i] grows."
    assert cited_in(text) == []


@pytest.mark.parametrize("text", [" " * 200_000, "[" * 200_000, "[1,1" * 50_000, "`" * 200_001, "[1-" * 60_000])
def test_hostile_output_takes_no_time(text: str) -> None:
    """A model caught in a loop writes such things."""
    started = time.process_time()
    clean(text, KNOWN)
    assert time.process_time() - started < 2
