"""How much a sentence, and the document it stands in, says about a question.

Pure arithmetic on word counts, in the line of extractive summarisation by TF-IDF centroid (Radev et al. 2004).
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rota.documents.extraction.sentences import Sentence
from rota.documents.extraction.terms import Vector, likeness, rarity, terms, vector

CENTRALITY, QUESTION, HEADING, POSITION = 0.3, 0.6, 0.4, 0.2
"""Weights of a sentence's score: how much it shares with what the relevant documents speak of, with the question, how
much of the question stands in the heading above it, and where it stands itself."""

DOCUMENT = 0.7
"""Share of a sentence's score that its document decides: the best document's sentences keep it whole."""

MATCHES = 5
"""A document is as relevant as this many of its sentences that match best, so that length alone is no merit."""

TITLED = 0.7
"""Where a document's title is the question, each of its sentences counts as if it held this much of the question; a
title that only touches the question counts for little, hence the power of its share."""

_SHORT_TERMS = 6
_EARLY_SHARE = 0.5
_TOGETHER = 1.5
_NEARLY = 3
_IDENTIFIER = re.compile(r"\w+_\w+|\b\w*[a-z][A-Z]\w*|\w\(|\w=\w|[a-z]\.[a-z]|\w:\w")
_DOCSTRING = re.compile(r"(?:Raises?|Returns?|Yields?|Args?|Param(?:eter)?s?|Example|See|Note|None|True|False)\b")
_NOUN_CLAUSE = re.compile(r"(?:What|Where|When|How|Whether|Which|Who)\b")
_CODE, _FRAGMENT, _LEAD_IN = 0.7, 0.6, 0.3
_DANGLING = re.compile(
    r"(?:(?:If|When|In|For|By|With|After|Because of|Instead of) )?"
    r"(?:It|Its|They|Their|Them|That|This|These|Those|Such|He|She|Both|Neither|Otherwise|Here|So|But|And|Or|Then|Also)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence, the index of its document, and its place in there."""

    sentence: Sentence
    document: int
    place: int
    size: int


@dataclass(frozen=True, slots=True)
class Relevance:
    """By candidate: `scores` (0 to about 1.5) and `vectors`; by document: 0 to 1, the best is 1; by heading: 0 to 1.

    `asked` are the question's terms.
    """

    scores: list[float]
    vectors: list[Vector]
    documents: list[float]
    headings: dict[str, float]
    asked: frozenset[str]


def dangles(text: str) -> bool:
    """Whether a sentence begins with a word that stands for something said before."""
    return bool(_DANGLING.match(text))


def relevance(found: Sequence[Candidate], titles: Sequence[str], question: str) -> Relevance:
    """Score candidates of the documents with these titles; without a word of the question they count by centrality."""
    counts = [Counter(terms(one.sentence.text)) for one in found]
    rare = rarity(counts)
    asked = _Asked.by(question, rare)
    vectors = [vector(count, rare) for count in counts]
    headings = {heading: asked.held(heading) for heading in {one.sentence.heading for one in found}}
    named = _named(found, [asked.held(title) for title in titles], headings, asked)
    matches = _scaled([asked.match(one) for one in vectors])
    matches = [max(match, TITLED * named[one.document] ** _NEARLY) for one, match in zip(found, matches, strict=True)]
    documents = _documents(found, matches, named)
    centroid = _centroid(vectors, [documents[one.document] for one in found])
    central = _scaled([likeness(one, centroid) for one in vectors])
    scores = [
        (
            CENTRALITY * central[index]
            + QUESTION * matches[index]
            + HEADING * headings[one.sentence.heading]
            + POSITION * _position(one)
        )
        * _readability(one.sentence, len(vectors[index]))
        * (1 - DOCUMENT + DOCUMENT * documents[one.document])
        for index, one in enumerate(found)
    ]
    return Relevance(scores, vectors, documents, headings, frozenset(asked.weights))


@dataclass(frozen=True, slots=True)
class _Asked:
    """The question's terms; damped, or one rare verb would outweigh the thing that is asked about."""

    weights: dict[str, float]
    rare: Mapping[str, float]
    rarest: float

    @classmethod
    def by(cls, question: str, rare: Mapping[str, float]) -> _Asked:
        # A word that no sentence has may stand in a heading, and is as rare as can be.
        rarest = max(rare.values(), default=1.0)
        weights = {term: math.sqrt(rare.get(term, rarest)) for term in sorted(set(terms(question)))}
        return cls(weights, rare, rarest)

    def match(self, sentence: Vector) -> float:
        """Raised to a power, for a sentence with several words of the question says more than several with one."""
        return math.pow(math.fsum(self.weights[term] for term in sentence if term in self.weights), _TOGETHER)

    def held(self, heading: str) -> float:
        """How nearly a heading is the question: the mean of the shares that they have of each other, from 0 to 1."""
        own = set(terms(heading))
        shared = math.fsum(self.weights[term] for term in own if term in self.weights)
        if not shared:
            return 0.0
        whole = math.fsum(math.sqrt(self.rare.get(term, self.rarest)) for term in own)
        return math.sqrt(shared / math.fsum(self.weights.values()) * shared / whole)


def _named(
    found: Sequence[Candidate], titles: Sequence[float], headings: Mapping[str, float], asked: _Asked
) -> list[float]:
    """How nearly each document's title is the question: its first heading counts too, and in notes "Heading: …"."""
    named = list(titles)
    for one in found:
        opening, colon, _ = one.sentence.text.partition(": ")
        own = asked.held(opening) if colon else 0.0
        first = headings[one.sentence.heading] if one.place == 0 else 0.0
        named[one.document] = max(named[one.document], own, first)
    return named


def _centroid(vectors: Sequence[Vector], weights: Sequence[float]) -> Vector:
    total: dict[str, float] = defaultdict(float)
    for one, share in zip(vectors, weights, strict=True):
        for term, weight in one.items():
            total[term] += weight * share
    return total


def _documents(found: Sequence[Candidate], matches: Sequence[float], named: Sequence[float]) -> list[float]:
    """Half by the best matches inside, half by title or first heading; all alike when nothing matches."""
    inside: list[list[float]] = [[] for _ in named]
    for one, match in zip(found, matches, strict=True):
        inside[one.document].append(match)
    best = _scaled([math.fsum(sorted(values)[-MATCHES:]) for values in inside])
    together = _scaled([0.5 * one + 0.5 * name for one, name in zip(best, named, strict=True)])
    return together if any(together) else [1.0] * len(named)


def _readability(sentence: Sentence, number_of_terms: int) -> float:
    """From 0 to 1: little for a label, a lead-in such as "As follows:", a fragment, or a heap of names from code."""
    text = sentence.text
    share = min(1.0, number_of_terms / _SHORT_TERMS)
    share *= 1 - min(0.5, 2 * len(_IDENTIFIER.findall(text)) / (text.count(" ") + 1))
    if sentence.comment:
        share *= _CODE * (_FRAGMENT if _NOUN_CLAUSE.match(text) else 1.0)
    share *= _FRAGMENT if text[0].islower() or _DOCSTRING.match(text) else 1.0
    share *= _FRAGMENT if sentence.leads and dangles(text) else 1.0
    return share * (_LEAD_IN if text[-1] in ":," else 1.0)


def _position(one: Candidate) -> float:
    early = max(0.0, 1 - one.place / max(10.0, one.size * _EARLY_SHARE))
    return 0.5 * early + 0.5 * one.sentence.leads


def _scaled(values: list[float]) -> list[float]:
    top = max(values, default=0.0) or 1.0
    return [value / top for value in values]
