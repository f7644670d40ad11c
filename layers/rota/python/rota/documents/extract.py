"""Summaries without a model: the sentences that say most about a text and a question, in their own words.

Pure arithmetic on word counts, in the line of extractive summarisation by TF-IDF centroid (Radev et al. 2004) and
maximal marginal relevance (Carbonell and Goldstein 1998).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence

from rota.documents.sentences import Sentence, sentences

CENTRALITY, QUESTION, HEADING, POSITION = 0.3, 0.6, 0.4, 0.1
"""Weights of a sentence's score: how much it shares with the whole, with the question, how much of the question stands
in the heading above it, and where it stands itself."""

RELEVANCE = 0.6
"""Share of a sentence's score in the choice; the rest is a penalty for likeness to what is chosen already."""

CANDIDATES = 200
"""Only so many of the best-scored sentences are compared with each other, which bounds the time."""

_SHORT_TERMS = 8
_EARLY_SHARE = 0.2
_TOGETHER = 1.5
_IDENTIFIER = re.compile(r"\w+_\w+|\b\w*[a-z][A-Z]\w*|\w\(|\w=\w|[a-z]\.[a-z]")
_WORD = re.compile(r"[^\W_]+")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")
_STOPWORD_TEXT = """
a about after all also an and any are as at be been but by can could did do does for from get had has have how if
in into is it its may more most no not of on one or other our out over should so some such than that the their them
then there these they this to up us use was we were what when where which who why will with would you your
happen happens keep keeps kept make makes made take takes taken use used uses using work works
aber als am an auch auf aus bei das dem den der des die ein eine einer es für im ist mit nach nicht oder sich sind
so und von war was wie wird zu zum zur au aux avec ce ces dans de du elle en est et il la le les ne par pas pour
que qui se sur un une con del el en es la las lo los no para por que se su sus una uno y che di gli i non per sono
"""
_STOPWORDS = frozenset(_STOPWORD_TEXT.split())

Vector = Mapping[str, float]
"""Terms and their weights, of length 1."""


def extract(text: str, question: str, max_sentences: int) -> list[str]:
    """At most `max_sentences` sentences of a text, those that answer a question best, in the order of the text.

    Without any word in common with the question (or without one) they are those that sum the text up. Deterministic;
    time grows with the length of the text, and 100 KB take a fraction of 0.5 s.
    """
    found = sentences(text)
    if len(found) <= max_sentences:
        return [sentence.text for sentence in found]
    counts = [Counter(terms(sentence.text)) for sentence in found]
    rarity = _rarity(counts)
    vectors = [_vector(count, rarity) for count in counts]
    scores = _scores(found, vectors, set(terms(question)), rarity)
    return [found[index].text for index in sorted(_choose(scores, vectors, max_sentences))]


def terms(text: str) -> list[str]:
    """The words of a text that carry meaning, lower case and without common endings; pairs of signs for CJK."""
    words = [_stem(word) for word in _WORD.findall(_CJK.sub(" ", text.lower())) if word not in _STOPWORDS]
    return words + [run[i : i + 2] for run in _CJK.findall(text) for i in range(max(1, len(run) - 1))]


def _stem(word: str) -> str:
    for ending in ("ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word[: -len(ending)]
    return word


def _rarity(counts: Sequence[Counter[str]]) -> dict[str, float]:
    occurrences = Counter(term for count in counts for term in count)
    return {term: math.log(1 + len(counts) / occurrence) for term, occurrence in occurrences.items()}


def _vector(count: Counter[str], rarity: Mapping[str, float]) -> dict[str, float]:
    weights = {term: times * rarity[term] for term, times in count.items()}
    length = math.sqrt(sum(weight * weight for weight in weights.values())) or 1.0
    return {term: weight / length for term, weight in weights.items()}


def _scores(
    found: Sequence[Sentence], vectors: Sequence[Vector], asked: set[str], rarity: Mapping[str, float]
) -> list[float]:
    centroid: Counter[str] = Counter()
    for vector in vectors:
        centroid.update(vector)
    central = _scaled([_likeness(vector, centroid) for vector in vectors])
    # Damped, or one rare verb of the question would outweigh the thing that is asked about; and raised to a power,
    # because a sentence with several words of the question says more than several sentences with one.
    known = {term: math.sqrt(rarity[term]) for term in sorted(asked) if term in rarity}
    asked_for = _scaled([sum(known[term] for term in vector if term in known) ** _TOGETHER for vector in vectors])
    above = _under(found, asked, known)
    return [
        (
            CENTRALITY * central[index]
            + QUESTION * asked_for[index]
            + HEADING * above[sentence.heading]
            + POSITION * _position(index, found)
        )
        * _readability(sentence.text, len(vectors[index]))
        for index, sentence in enumerate(found)
    ]


def _under(found: Sequence[Sentence], asked: set[str], known: Mapping[str, float]) -> dict[str, float]:
    """Of each heading, how much of the question it holds: what stands below it need not say it again."""
    held = {heading: asked.intersection(terms(heading)) for heading in {sentence.heading for sentence in found}}
    # A word that stands in headings only is as rare among the sentences as can be.
    rarest = max(known.values(), default=1.0)
    weights = {term: known.get(term, rarest) for term in sorted(asked.intersection(known).union(*held.values()))}
    whole = sum(weights.values()) or 1.0
    return {heading: sum(weights[term] for term in sorted(inside)) / whole for heading, inside in held.items()}


def _readability(text: str, number_of_terms: int) -> float:
    """From 0 to 1: little for a label, a lead-in such as "As follows:", or a heap of names from source code."""
    complete = min(1.0, number_of_terms / _SHORT_TERMS) * (0.5 if text[-1] in ":," else 1.0)
    identifiers = len(_IDENTIFIER.findall(text)) / max(1, text.count(" ") + 1)
    return complete * (1 - min(0.5, 2 * identifiers))


def _position(index: int, found: Sequence[Sentence]) -> float:
    early = max(0.0, 1 - index / max(10.0, len(found) * _EARLY_SHARE))
    return 0.7 * early + 0.3 * found[index].leads


def _scaled(values: list[float]) -> list[float]:
    top = max(values, default=0.0) or 1.0
    return [value / top for value in values]


def _likeness(one: Vector, other: Vector) -> float:
    if len(one) > len(other):
        one, other = other, one
    return sum(weight * other[term] for term, weight in one.items() if term in other)


def _choose(scores: Sequence[float], vectors: Sequence[Vector], wanted: int) -> list[int]:
    """Indices by maximal marginal relevance; an earlier sentence wins a tie."""
    left = sorted(range(len(scores)), key=lambda index: (-scores[index], index))[: max(CANDIDATES, wanted)]
    nearest = dict.fromkeys(left, 0.0)
    chosen: list[int] = []
    while left and len(chosen) < wanted:
        best = max(left, key=lambda index: RELEVANCE * scores[index] - (1 - RELEVANCE) * nearest[index])
        chosen.append(best)
        left.remove(best)
        for index in left:
            nearest[index] = max(nearest[index], _likeness(vectors[best], vectors[index]))
    return chosen
