"""Citation marks: every form that models write, unknown numbers taken out, code and links left alone."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rota.steps.citations import cited_in, clean, mark, prose_without_marks, without_marks

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
    ("text", "taken_off"),
    [
        ("So [3:12].", "So [3]."),
        ("So [3:120-135].", "So [3]."),
        ("So [3:p7].", "So [3]."),
        ("So [3, lines 12-20].", "So [3]."),
        ("So [3, line 12].", "So [3]."),
        ("So [3 L12].", "So [3]."),
        ("So [3 L12–L20].", "So [3]."),
        ("So [3: lines 20 - 12].", "So [3]."),
        ("So [doc 3, p. 7].", "So [3]."),
        ("So [3; p. 7].", "So [3]."),
        ("So [Document 3, pages 7-9].", "So [3]."),
        ("So [3:12, 2:14].", "So [2][3]."),
        ("So [3:12][3:40].", "So [3][3]."),
        ("So [3:12, 3:12].", "So [3]."),
        ("So [3, 12].", "So [3][12]."),
        ("So [1-3:5].", "So [1][2][3]."),
        ("So [3:0].", "So [3]."),
        ("So [9:12].", "So."),
        ("Take `rows[1:2]` [1].", "Take `rows[1:2]` [1]."),
    ],
)
def test_places_are_read_in_every_form_and_taken_off(text: str, taken_off: str) -> None:
    """A model's lines are a guess."""
    assert clean(text, KNOWN)["text"] == taken_off


def test_a_place_is_no_document() -> None:
    """Lines and pages are not counted among the numbers cited."""
    assert cited_in("a [3:12] b [2:p1][1:2-12] c [3, lines 2-4]") == [1, 2, 3]


def test_reading_and_writing_marks() -> None:
    """Ascending, each once."""
    assert cited_in("b [3] a [1][3]") == [1, 3]
    assert mark([3, 1]) == "[1][3]"


OWN = {
    "As shown in [12] and [3], x[i] grows.": "As shown in (12) and (3), x[i] grows.",
    "at [12:30], [3:4-5] and [3:p7]": "at (12:30), (3:4-5) and (3:p7)",
    "in [1, 2], [1-2], [1; 2 and 3], [3–1]": "in (1, 2), (1-2), (1; 2 and 3), (3–1)",
    "in [1; p. 3], [doc 2], [1, lines 4-5], [3, part 1/2]": "in (1; p. 3), (doc 2), (1, lines 4-5), (3, part 1/2)",
    "in 【3】 and 【2†L1-L9】 and 【3†a[2]】": "in (3) and (2†L1-L9) and (3†a(2))",
    "in [[1]] and [see [1, 2], [3]] and [1, [2]]": "in [(1)] and [see (1, 2), (3)] and [1, (2)]",
    "in [1](https://a.b) and ![2](a.png)": "in (1)(https://a.b) and !(2)(a.png)",
    "[1]: https://a.b": "(1): https://a.b",
    "in [1,\n     p. 3] and [12,\n\t2]": "in (1,\n     p. 3) and (12,\n\t2)",
    "in [**1**], [_*2*_], [`3`, 1]": "in (**1**), (_*2*_), (`3`, 1)",
    "rows[0] and `a[1]`": "rows(0) and `a(1)`",
    "in [٣] and [1234567890]": "in (٣) and (1234567890)",
    "in [^1], [x], [1 x], [2024-05-01 x], [], [ ]": "in [^1], [x], [1 x], [2024-05-01 x], [], [ ]",
}


@pytest.mark.parametrize("text", OWN)
def test_a_documents_own_references_become_harmless(text: str) -> None:
    """They look the same to a reader, are as long as before, and cite nothing: not even once markup is taken off."""
    changed = without_marks(text)
    assert (changed, len(changed)) == (OWN[text], len(text))
    assert cited_in(changed) == cited_in(re.sub(r"[\s`*_]+", " ", changed)) == []


@given(st.text(st.sampled_from("[]【】†()12,;:-–^p. \n`*٣"), max_size=60))
def test_whatever_a_document_holds_cites_nothing(text: str) -> None:
    """Brackets in any order, in code or out of it, whole or cut off behind."""
    changed = without_marks(text)
    assert len(changed) == len(text)
    assert cited_in(changed.replace("`", "")) == []
    assert without_marks(changed) == changed


def test_code_that_is_shown_whole_keeps_its_indices() -> None:
    """The words around it are free of marks."""
    text = "As in [1, 2]:\n```\nrows[1] = a[2]\n```\nTake `rows[0]` [3]."
    assert prose_without_marks(text) == "As in (1, 2):\n```\nrows[1] = a[2]\n```\nTake `rows[0]` (3)."


@pytest.mark.parametrize(
    "text",
    [" " * 200_000, "[" * 200_000, "[1,1" * 50_000, "`" * 200_001, "[1-" * 60_000, "[" + "1:1-1-" * 30_000 + "!"],
)
def test_hostile_output_takes_no_time(text: str) -> None:
    """A model caught in a loop writes such things."""
    started = time.process_time()
    clean(text, KNOWN)
    without_marks(f"{text}]")
    assert time.process_time() - started < 2
