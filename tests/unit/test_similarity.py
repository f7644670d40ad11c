"""Dice's coefficient on words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rota.quality.similarity import similarity


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("The lease ends in 2027.", "the LEASE ends, in 2027!", 1),
        ("ends in 2027 the lease", "The lease ends in 2027.", 1),
        ("one two", "three four", 0),
        ("one two three", "one two", 4 / 5),
        ("again again again", "again", 2 / 4),
        ("", "", 1),
        ("…", "?!", 1),
        ("", "something", 0),
        ("Straße", "STRASSE", 1),
        ("snake_case words", "snake case words", 1),
        ("租约结束", "租约到期", 2 * 2 / 8),
        ("GPT模型", "模型 gpt", 1),
    ],
)
def test_shared_words_by_all_words(one: str, other: str, expected: float) -> None:
    """Order, case and signs between words do not count; how often a word stands does."""
    assert similarity(one, other) == pytest.approx(expected)


@given(st.text(), st.text())
def test_a_share(one: str, other: str) -> None:
    """Between 0 and 1, whoever is asked first, and 1 for oneself."""
    assert 0 <= similarity(one, other) == similarity(other, one) <= 1
    assert similarity(one, one) == 1
