"""What users think of answers: by a rating, by asking again in other words, by words of frustration.

rated bad, rephrased, frustrated ──► noted with the decision, counted for its experiment ──► next try one tier up
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import cast

from rota.errors import NotFoundError
from rota.outcomes.decisions import OutcomeStore, Rating, Source
from rota.outcomes.experiments import ArmTotals, ExperimentResults
from rota.outcomes.frustration import is_frustrated
from rota.outcomes.recent import WITHIN_MS, Question, RecentQuestions, question_of, rephrased
from rota.schemas import Tier

HIGHEST = 3
_REPHRASED: Source = "rephrased"
_FRUSTRATED: Source = "frustrated"


@dataclass(frozen=True, slots=True)
class Noticed:
    """A question beside the user's recent ones: `because` of `about` it goes to `least_tier` at least."""

    user: str
    question: Question
    recent: Sequence[Question]
    about: Question | None = None
    because: Source | None = None

    @property
    def least_tier(self) -> Tier:
        """One above that of the answer that did not serve; 1 when nothing was noticed."""
        return cast(Tier, min(HIGHEST, self.about.tier + 1)) if self.about else 1


class Feedback:
    """Takes what is said and what is only noticed."""

    def __init__(self, outcomes: OutcomeStore, experiments: ExperimentResults, recent: RecentQuestions) -> None:
        self._outcomes, self._experiments, self._recent = outcomes, experiments, recent

    def rate(self, decision_id: str, owner: str, rating: Rating, source: Source, now_ms: int) -> bool:
        """Note a rating. False when this source has rated the decision before. Raises NotFoundError."""
        if not self._outcomes.feedback(decision_id, owner, rating, source, now_ms):
            return False
        name, _, arm = str(self._outcomes.get(decision_id, owner).get("experiment") or "").partition(":")
        if arm:
            rated = ArmTotals(rated_good=1) if rating == "good" else ArmTotals(rated_bad=1)
            self._experiments.add(name, arm, rated, now_ms)
        return True

    def notice(self, owner: str, text: str, now_ms: int) -> Noticed:
        """Whether this question says that an earlier answer did not serve; if so, that answer is rated."""
        recent = self._recent.of(owner, now_ms)
        question = question_of(text, owner, now_ms)
        about, because = rephrased(recent, question), _REPHRASED
        if about is None and recent and now_ms - recent[-1].at_ms <= WITHIN_MS and is_frustrated(text):
            about, because = recent[-1], _FRUSTRATED
        if about is None:
            return Noticed(owner, question, recent)
        with suppress(NotFoundError):  # its decision could not be stored
            self.rate(about.decision_id, owner, "bad", because, now_ms)
        return Noticed(owner, question, recent, about, because)

    def remember(self, noticed: Noticed, decision_id: str, tier: int) -> None:
        """Keep a question that was answered."""
        self._recent.remember(
            noticed.user, noticed.recent, replace(noticed.question, decision_id=decision_id, tier=tier)
        )
