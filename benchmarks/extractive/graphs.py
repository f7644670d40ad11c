"""TextRank and LexRank as the library `sumy` has them.

Its own tokenizer downloads a model for splitting sentences; here sentences come from Rota's splitter, as for all.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

from sumy.models.dom import ObjectDocumentModel, Paragraph, Sentence
from sumy.nlp.stemmers import Stemmer
from sumy.summarizers.lex_rank import LexRankSummarizer
from sumy.summarizers.text_rank import TextRankSummarizer
from sumy.utils import get_stop_words

from benchmarks.extractive.systems import Order
from benchmarks.extractive.tasks import Task

LANGUAGES = {"en": "english", "de": "german", "fr": "french", "es": "spanish"}
_WORD = re.compile(r"[^\W\d_](?:[^\W\d_]|['-])*")


class _Words:
    """The part of sumy's tokenizer that its summarizers use, with the same idea of a word."""

    @staticmethod
    def to_words(sentence: str) -> tuple[str, ...]:
        return tuple(_WORD.findall(sentence))


@cache
def _summarizer(kind: Any, language: str) -> Any:
    made = kind(Stemmer(LANGUAGES[language]))
    made.stop_words = get_stop_words(LANGUAGES[language])
    return made


def _order(kind: Any) -> Order:
    def order(task: Task, found: Sequence[str]) -> list[int]:
        document = ObjectDocumentModel([Paragraph([Sentence(text, _Words) for text in found])])
        ranked: list[int] = []

        def all_of(infos: Sequence[Any]) -> Sequence[Any]:
            ranked.extend(info.order for info in infos)
            return infos

        # How many to choose may be a function, and that is given all of them by rank.
        _summarizer(kind, task.language)(document, all_of)
        return ranked

    return order


text_rank = _order(TextRankSummarizer)
lex_rank = _order(LexRankSummarizer)
