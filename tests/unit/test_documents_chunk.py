"""Cutting: nothing lost, nothing above the budget, cuts where the structure is."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rota.documents.chunk import beginning, chunk
from rota.documents.tokens import estimate_tokens

TEXTS = st.lists(
    st.sampled_from(
        ["word ", "Größe ", "漢字。", "End. ", "\n", "\n\n", "# Head\n\n", "\n\ndef f():\n", "    x = 1\n", "🙂"]
    )
).map("".join)


@settings(deadline=None)
@given(st.one_of(TEXTS, st.text()), st.integers(1, 60))
def test_nothing_is_lost_and_nothing_too_long(text: str, max_tokens: int) -> None:
    """Pieces follow each other, say where they stand, fit, and leave out nothing but white space."""
    chunks = chunk(text, max_tokens)
    assert all(estimate_tokens(piece.text) <= max_tokens for piece in chunks)
    assert all(text[piece.start : piece.end] == piece.text for piece in chunks)
    ends = [0, *(piece.end for piece in chunks)]
    starts = [*(piece.start for piece in chunks), len(text)]
    assert all(not text[end:start].strip() and end <= start for end, start in zip(ends, starts, strict=True))


@settings(deadline=None)
@given(TEXTS, st.integers(1, 60))
def test_the_same_text_gives_the_same_pieces(text: str, max_tokens: int) -> None:
    """Repeated runs make the same batches."""
    assert chunk(text, max_tokens) == chunk(text, max_tokens)


def test_what_fits_stays_whole() -> None:
    """No cut without need."""
    text = "# One\n\nA paragraph.\n\n# Two\n\nAnother."
    assert [piece.text for piece in chunk(text, 100)] == [text]


def test_headings_come_before_paragraphs() -> None:
    """With both in reach, the cut is made before the heading."""
    text = f"# One\n\n{'Some words here. ' * 10}\n\n# Two\n\nShort.\n\n{'More words there. ' * 10}"
    assert [piece.text[:5] for piece in chunk(text, 80)] == ["# One", "# Two"]


def test_functions_stay_together() -> None:
    """Empty lines inside a function are weaker than the one before the next definition."""
    function = "def f{n}(x):\n    first = x + 1\n\n    return first * 2\n"
    text = "\n\n".join(function.format(n=number) for number in range(6))
    assert all(piece.text.startswith("def f") for piece in chunk(text, 40))


def test_methods_stay_together() -> None:
    """Inside a class a cut is made before a method rather than within one."""
    method = "    def f{n}(self):\n        first = self.x + 1\n\n        return first * 2\n"
    text = "class A:\n" + "\n\n".join(method.format(n=number) for number in range(6))
    assert all(piece.text.lstrip().startswith("def f") for piece in chunk(text, 50)[1:])


def test_decorators_stay_with_their_function() -> None:
    """A decorated definition begins at the decorator."""
    text = f"{'x = 1' + chr(10)}" * 10 + "\n\n@cache\ndef f():\n    return 1\n" + "y = 2\n" * 10
    assert any(piece.text.startswith("@cache\ndef f") for piece in chunk(text, 35))


def test_sentences_then_words_then_anything() -> None:
    """One line is cut after a full stop, else between words, else wherever the budget ends."""
    sentences = chunk("Aaa bbb ccc ddd. " * 30, 20)
    assert all(piece.text.endswith(". ") for piece in sentences)
    words = chunk("aaaa " * 100, 10)
    assert all(piece.text.endswith(" ") for piece in words)
    assert [len(piece.text) for piece in chunk("x" * 100, 10)] == [33, 33, 33, 1]


def test_chinese_sentences() -> None:
    """A full stop without a space after it ends a sentence too."""
    assert all(piece.text.endswith("。") for piece in chunk("这是一个句子。" * 20, 20))


def test_a_gigantic_line_is_cut_in_time() -> None:
    """Two million characters without a break, half of them not ASCII."""
    started = time.process_time()
    chunks = chunk("aé" * 1_000_000, 3000)
    assert "".join(piece.text for piece in chunks) == "aé" * 1_000_000
    assert time.process_time() - started < 5


def test_a_budget_of_nothing_is_refused() -> None:
    """Rather than looping for ever."""
    with pytest.raises(ValueError, match="at least one token"):
        chunk("text", 0)


@settings(deadline=None)
@given(st.text(), st.integers(1, 50))
def test_a_beginning_fits(text: str, max_tokens: int) -> None:
    """Whole when it fits, else cut and marked as cut."""
    first = beginning(text, max_tokens)
    assert estimate_tokens(first) <= max(max_tokens, 2)
    if estimate_tokens(text.strip()) <= max_tokens:
        assert first == text.strip()
    else:
        assert first.endswith("…")
