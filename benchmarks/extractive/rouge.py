"""ROUGE by the package `rouge-score`, with words that may have accents in them."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

from rouge_score.rouge_scorer import RougeScorer
from rouge_score.tokenizers import DefaultTokenizer, Tokenizer

METRICS = {"R-1": "rouge1", "R-2": "rouge2", "R-L": "rougeL"}
_WORD = re.compile(r"[^\W_]+")


class _Words(Tokenizer):  # type: ignore[misc,unused-ignore]  # untyped where it is not installed
    """The package's own words are of `a` to `z` and would cut `größer` in three."""

    def tokenize(self, text: str) -> list[str]:
        return _WORD.findall(text.lower())


@cache
def _scorer(language: str) -> Any:
    tokenizer = DefaultTokenizer(use_stemmer=True) if language == "en" else _Words()
    return RougeScorer(list(METRICS.values()), tokenizer=tokenizer)


def scorer(language: str, reference: str) -> Callable[[str], dict[str, float]]:
    """F1 of a text against a reference by metric, from 0 to 1; English words are stemmed (Porter)."""

    def score(text: str) -> dict[str, float]:
        found = _scorer(language).score(reference, text)
        return {name: found[kind].fmeasure for name, kind in METRICS.items()}

    return score
