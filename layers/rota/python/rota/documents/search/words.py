"""The words of a question that a search can go by."""

from __future__ import annotations

import re
from collections import Counter

from rota.documents.extraction.terms import terms

_WORD = re.compile(r"[^\W_]+")


def telling_words(text: str, at_most: int) -> list[str]:
    """Words that carry meaning, as they are written; the most frequent first, equals in their order, each once.

    A word counts as often as its stem. A text of nothing but common words (`to be or not to be`) keeps them all.
    """
    words = _WORD.findall(text)
    stems = {word: " ".join(terms(word)) for word in dict.fromkeys(words)}
    if not any(stems.values()):
        return list(dict.fromkeys(word.lower() for word in words))[:at_most]
    first: dict[str, str] = {}
    for word, stem in stems.items():
        first.setdefault(stem, word)
    counts = Counter(stems[word] for word in words if stems[word])
    return [first[stem] for stem, _ in counts.most_common(at_most)]
