"""Whether a question was asked before in other words: a sign that the answer did not serve.

A question is kept as hashes of its words, of 32 bits and salted with the user, not as text; who holds the table could
still find single words by trying them, so nothing is kept longer than an hour.

    alike    at least 0.65 of the words of both together are in both (Jaccard): 2 of 3, not 3 of 5
    within   10 minutes, by the same user
    not      the same text again, which programs send and clients whose reply was lost: it says nothing of the answer
    not      other numbers ("chapter 1", "chapter 2"), fewer than 2 words, or more than 64: those carry material,
             whose repetition says nothing of the question
    not      the third and further questions alike: a program filling in a template

The threshold prefers to miss: see the pairs of questions in tests/unit/test_recent.py.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rota.documents.extraction.terms import terms
from rota.outcomes.table import OutcomesTable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ALIKE = 0.65
WITHIN_MS = 600_000
MOST_WORDS, FEWEST_WORDS = 64, 2
REMEMBERED = 5
"""Questions of a user that are kept."""
SERIES = 3
"""With this many alike before it, among those kept, a question belongs to a program's series."""
KEPT_S = 3600
LONGEST = 20_000
"""Characters that are looked at; so long a text has too many words anyway."""

_ASKING_TEXT = """
again actually exactly just like mean meant need please really still tell want yes
bitte mein meine meinen meinem mir mich ich du sie wann warum welche welcher welches welchem wieso wo woran noch
genau nochmal viel
comment je mon ma mes moi pourquoi quand quel quelle quels quelles tu veux vous encore est à exactement plus
cual cuando cuanto cuál cuándo cuánto cómo como dónde donde me mi mis qué quiero yo favor exactamente más
"""
_ASKING = frozenset(_ASKING_TEXT.split())
"""Words of asking: they change when a question is put again."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question without its text. `text_hash` is of all words in their order; of `words`, odd hashes are numbers.

    `decision_id` and `tier` are of its answer; empty and 0 before it is routed.
    """

    at_ms: int
    text_hash: int
    words: frozenset[int]
    decision_id: str = ""
    tier: int = 0


def question_of(text: str, user: str, now_ms: int) -> Question:
    """A question asked now; `user` salts its hashes."""
    every = re.findall(r"\w+", text[:LONGEST].casefold())
    words = set(terms(" ".join(word for word in every if word not in _ASKING)))
    hashes = frozenset(_hash(word, user) for word in words) if len(words) <= MOST_WORDS else frozenset[int]()
    return Question(now_ms, _hash(" ".join(every), user), hashes)


def similarity(one: Question, other: Question) -> float:
    """Jaccard's: words in both, of the words in either; 0 where there is too little or too much to compare."""
    if min(len(one.words), len(other.words)) < FEWEST_WORDS:
        return 0.0
    return len(one.words & other.words) / len(one.words | other.words)


def rephrases(previous: Question, now: Question) -> bool:
    """Whether `now` asks again, in other words, what `previous` asked."""
    if not 0 <= now.at_ms - previous.at_ms <= WITHIN_MS or previous.text_hash == now.text_hash:
        return False
    numbers = _numbers(previous), _numbers(now)
    return (numbers[0] <= numbers[1] or numbers[1] <= numbers[0]) and similarity(previous, now) >= ALIKE


def rephrased(recent: Sequence[Question], now: Question) -> Question | None:
    """The latest of a user's recent questions that `now` asks again, or None."""
    alike = [question for question in recent if rephrases(question, now)]
    return max(alike, key=lambda question: question.at_ms) if 0 < len(alike) < SERIES else None


class RecentQuestions:
    """A user's last questions on DynamoDB. Of two asked at once one may be forgotten."""

    def __init__(self, dynamodb: DynamoDBClient, table: str) -> None:
        self._table = OutcomesTable(dynamodb, table)

    def of(self, user: str, now_ms: int) -> list[Question]:
        """Those of the last hour, oldest first."""
        text = self._table.get(f"recent#{user}", "questions").get("questions", "[]")
        found = [
            Question(at_ms, text_hash, frozenset(words), *rest) for at_ms, text_hash, words, *rest in json.loads(text)
        ]
        return [question for question in found if question.at_ms > now_ms - KEPT_S * 1000]

    def remember(self, user: str, recent: Sequence[Question], question: Question) -> None:
        """Keep a question with those that `of` found, the last few of them."""
        kept = [
            [each.at_ms, each.text_hash, sorted(each.words), each.decision_id, each.tier]
            for each in (*recent, question)[-REMEMBERED:]
        ]
        text, expires_s = json.dumps(kept, separators=(",", ":")), question.at_ms // 1000 + KEPT_S
        self._table.put(f"recent#{user}", "questions", {"questions": text, "expires_s": expires_s})


def _numbers(question: Question) -> set[int]:
    return {word for word in question.words if word & 1}


def _hash(word: str, user: str) -> int:
    """31 bits of SHA-256, and one that says whether the word is a number."""
    digest = hashlib.sha256(f"{user}\0{word}".encode()).digest()
    return int.from_bytes(digest[:4], "big") & ~1 | word.isdigit()
