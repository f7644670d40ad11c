"""The estimate of tokens."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rota.documents.tokens import estimate_tokens


@pytest.mark.parametrize(
    ("text", "tokens"),
    [("", 0), ("a", 1), ("abc", 1), ("abcd", 2), ("a" * 33, 10), ("a" * 34, 11), ("漢字", 2), ("Größe", 3), ("🙂", 1)],
)
def test_known_values(text: str, tokens: int) -> None:
    """3.3 ASCII characters a token, rounded up, and one for each other character."""
    assert estimate_tokens(text) == tokens


def test_english_prose_is_overestimated() -> None:
    """Common tokenisers need one token a word and punctuation mark here: 19 and 3."""
    prose = "The quick brown fox, which had slept all day, jumped over the lazy dog and ran into the forest."
    assert 22 <= estimate_tokens(prose) <= 44


@settings(deadline=None)
@given(st.text(), st.text())
def test_parts_are_at_least_the_whole(one: str, other: str) -> None:
    """Budgets may be added up from parts."""
    assert estimate_tokens(one + other) <= estimate_tokens(one) + estimate_tokens(other)
