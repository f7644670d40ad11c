"""Quotes without a model: the sentences that say most about a question, in their own words and in a sensible order.

Chosen by maximal marginal relevance (Carbonell and Goldstein 1998) among what `relevance` has scored.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from rota.documents.extraction.relevance import Candidate, Relevance, dangles, relevance
from rota.documents.extraction.sentences import Sentence, sentences
from rota.documents.extraction.terms import likeness
from rota.documents.tokens import estimate_tokens

RELEVANCE = 0.6
"""Share of a sentence's score in the choice; the rest is a penalty for likeness to what is chosen already."""

CANDIDATES = 200
"""Only so many of the best-scored sentences are compared with each other, which bounds the time."""

COHERENCE = 0.15
"""What a sentence gains when the one before it in its paragraph is chosen: quotes of two sentences read better."""

WORTH = 0.4
"""Sentences below this share of the best score are left out where room is bounded in tokens, for they only fill it;
unless they hold a word of the question that nothing chosen holds, for a question may have several parts."""

RELEVANT = 0.5
"""A document below this share of the best one's relevance gets a short line, which leaves the room to the others."""

SAME = 0.9
"""Sentences as like as this say the same."""

TELLING_HEADING = 0.5
"""A heading that is the question to this degree is quoted before the first sentence below it."""

STATEMENT_TOKENS = 45
"""What a sentence counts for at least where documents need no quote each: an answer of very many is no answer."""

CARRIED = 2
"""Sentences that one may bring with it; a longer chain of references is taken up in the middle."""

LINE_TOKENS = 5
"""What a quote costs beside its words: the list's sign, a mark, the end of the line."""


@dataclass(frozen=True, slots=True)
class Source:
    """A document to quote from."""

    title: str
    sentences: Sequence[Sentence]


Quotes = list[tuple[int, list[str]]]
"""Indices of documents, the most relevant first, each with its quotes in its own order."""


def extract(text: str, question: str, max_sentences: int) -> list[str]:
    """At most `max_sentences` sentences of a text, those that answer a question best, in the order of the text.

    Without any word in common with the question (or without one) they are those that sum the text up. Deterministic;
    time grows with the length of the text, and 100 KB take a fraction of 0.5 s.
    """
    found = sentences(text)
    if len(found) <= max_sentences:
        return [sentence.text for sentence in found]
    choice = _Choice.among([Source("", found)], question)
    choice.fill(max_sentences, max_tokens=1 << 62, worth=0.0)
    return [found[index].text for index in sorted(choice.chosen)]


def quote_texts(texts: Sequence[tuple[str, str]], question: str, max_tokens: int, each: bool) -> Quotes:
    """`quote` for documents given as title and text."""
    return quote([Source(title, sentences(text)) for title, text in texts], question, max_tokens, each)


def quote(sources: Sequence[Source], question: str, max_tokens: int, each: bool = False) -> Quotes:
    """The best sentences of several documents, within `max_tokens` as a list with marks.

    Sentences that follow each other are one quote, and one that begins with "It" or the like brings the sentence
    before it. With `each` every document has a quote first, unless no sentence of it fits its share.
    """
    choice = _Choice.among(sources, question, least_tokens=0 if each else STATEMENT_TOKENS)
    left = max_tokens
    share = max_tokens // max(1, len(sources))
    # Documents that are all alike, as without a question, have a quote each too, where there is room.
    if each or (len(sources) > 1 and share >= STATEMENT_TOKENS and min(choice.relevance.documents) == 1):
        left -= choice.cover(len(sources), share)
    choice.fill(len(choice.found), left, WORTH)
    return choice.quotes()


@dataclass(slots=True)
class _Choice:
    """Candidates by index, and which of them are chosen."""

    found: list[Candidate]
    relevance: Relevance
    least_tokens: int
    chosen: set[int] = field(default_factory=set)
    nearest: dict[int, float] = field(default_factory=dict)
    shown: set[tuple[int, str]] = field(default_factory=set)

    @classmethod
    def among(cls, sources: Sequence[Source], question: str, least_tokens: int = 0) -> _Choice:
        found = [
            Candidate(sentence, document, place, len(source.sentences))
            for document, source in enumerate(sources)
            for place, sentence in enumerate(source.sentences)
        ]
        return cls(found, relevance(found, [source.title for source in sources], question), least_tokens)

    def cover(self, documents: int, share: int) -> int:
        """Choose for each document its best sentence, a short one where it is not relevant; returns the tokens taken.

        A document none of whose sentences fits takes its whole share, for somebody to cut a sentence to it.
        """
        taken = 0
        alone: dict[int, list[int]] = {document: [] for document in range(documents)}
        for index, one in enumerate(self.found):
            if len(self._unit(index)) == 1 and self._tokens([index]) <= share:
                alone[one.document].append(index)
        for document, fitting in alone.items():
            short = self.relevance.documents[document] < RELEVANT
            best = max(fitting, key=lambda index: self._rank(index, short), default=None)
            taken += share if best is None else self._take([best])
        return taken

    def fill(self, max_sentences: int, max_tokens: int, worth: float) -> None:
        """Choose until nothing more fits, or is worth it; an earlier sentence wins a tie."""
        scores = self.relevance.scores
        ranked = sorted(set(range(len(scores))) - self.chosen, key=lambda index: (-scores[index], index))
        least = worth * max(scores, default=0.0)
        for index in ranked[:CANDIDATES]:
            self.nearest[index] = max((self._alike(index, other) for other in self.chosen), default=0.0)
        # A value changes only when something is taken.
        values = {index: self._value(index) for index in ranked[:CANDIDATES]}
        wanted = max_sentences
        while values and wanted > 0:
            best = max(values, key=values.__getitem__)
            del values[best]
            unit = [index for index in self._unit(best) if index not in self.chosen]
            tokens = self._tokens(unit)
            if best in self.chosen or len(unit) > wanted or tokens > max_tokens:
                continue
            if self.nearest[best] > SAME or (scores[best] < least and not self._adds(best)):
                continue
            max_tokens -= self._take(unit)
            wanted -= len(unit)
            for index in values:
                self.nearest[index] = max(self.nearest[index], *(self._alike(index, other) for other in unit))
                values[index] = self._value(index)

    def quotes(self) -> Quotes:
        """What is chosen, by document."""
        by_document: dict[int, list[int]] = {}
        for index in sorted(self.chosen):
            by_document.setdefault(self.found[index].document, []).append(index)
        order = sorted(by_document, key=lambda document: (-self.relevance.documents[document], document))
        return [(document, list(self._runs(by_document[document]))) for document in order]

    def _rank(self, index: int, short: bool) -> float:
        return self.relevance.scores[index] / (self._tokens([index]) if short else 1)

    def _value(self, index: int) -> float:
        unit = [one for one in self._unit(index) if one not in self.chosen] or [index]
        score = sum(self.relevance.scores[one] for one in unit) / len(unit)
        score += COHERENCE * (index - 1 in self.chosen and self._continues(index))
        return RELEVANCE * score - (1 - RELEVANCE) * self.nearest[index]

    def _adds(self, index: int) -> bool:
        said = {term for one in self.chosen for term in self.relevance.vectors[one]}
        return any(term in self.relevance.asked and term not in said for term in self.relevance.vectors[index])

    def _opens(self, index: int) -> bool:
        return self.found[index].sentence.leads or self.found[index].place == 0

    def _continues(self, index: int) -> bool:
        """Whether a sentence goes on from the one before it, which is no line of a list."""
        return not self._opens(index) and self.found[index - 1].sentence.text[-1] in ".!?…。！？)"

    def _unit(self, index: int) -> list[int]:
        """A sentence, after those before it in its paragraph without which it would dangle."""
        first = index
        while first > index - CARRIED and dangles(self.found[first].sentence.text) and not self._opens(first):
            first -= 1
        return list(range(first, index + 1))

    def _take(self, unit: Sequence[int]) -> int:
        tokens = self._tokens(unit)
        self.chosen.update(unit)
        self.shown.update((self.found[index].document, self.found[index].sentence.heading) for index in unit)
        return tokens

    def _tokens(self, unit: Sequence[int]) -> int:
        sizes = [estimate_tokens(self.found[index].sentence.text) + LINE_TOKENS for index in unit]
        tokens = sum(max(self.least_tokens, size) for size in sizes)
        for _, heading in {(self.found[i].document, self.found[i].sentence.heading) for i in unit} - self.shown:
            tokens += estimate_tokens(self._introduction(heading))
        return tokens

    def _introduction(self, heading: str) -> str:
        if self.relevance.headings[heading] < TELLING_HEADING:
            return ""
        return heading + (" " if heading[-1] in "?!.:。？！" else ": ")

    def _runs(self, chosen: Sequence[int]) -> Iterator[str]:
        """Sentences that follow each other in one paragraph together; the first below a telling heading after it."""
        run = ""
        heading = ""
        for before, index in zip([-1, *chosen], chosen, strict=False):
            sentence = self.found[index].sentence
            follows = index == before + 1 and self._continues(index)
            if run and not follows:
                yield run
                run = ""
            opening = self._introduction(sentence.heading) if sentence.heading != heading else ""
            run = f"{run} {sentence.text}" if run else opening + sentence.text
            heading = sentence.heading
        if run:
            yield run

    def _alike(self, one: int, other: int) -> float:
        return likeness(self.relevance.vectors[one], self.relevance.vectors[other])
