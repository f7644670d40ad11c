"""What is done so that a job keeps its deadline and its budget, tried in this order, and said in plain sentences:

    as asked ──► less depth ──► cheaper models ──► fewer documents ──► without models (which always keeps both)

Each is estimated whole; the first that keeps every limit is taken. What the caller asked for is changed for a limit
alone, and never silently.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rota.depth import depth_of
from rota.documents.extraction.terms import terms
from rota.errors import InvalidInputError
from rota.estimate import JobEstimate
from rota.planning.forecast import Circumstances, forecast
from rota.planning.reasons import Limits, Missed
from rota.planning.sizes import predicted, tokens_of
from rota.planning.work import Outlook
from rota.records import DocumentInfo

LESS = {"deep": "normal", "normal": "brief"}
"""The depth below each."""
LEAST_SHARE = 0.1
"""Of the documents: an answer from fewer says less than the sentences of all of them."""
NEARLY = 0.95
"""Of the documents that fit by estimate: their batches may come out one more."""

_READS = {
    "normal": "reads in batches of the usual size instead of small ones",
    "brief": "reads only the most relevant passages of each document",
}


@dataclass(frozen=True, slots=True)
class Adjustment:
    """One thing that is done otherwise than asked: `what` (depth, models, documents, mode), and why, as a sentence."""

    what: str
    said: str


@dataclass(frozen=True, slots=True)
class Alternative:
    """A way to do the job: the options and documents that make it up, and what it would take."""

    options: Mapping[str, Any]
    documents: Sequence[DocumentInfo]
    estimate: JobEstimate
    adjusted: tuple[Adjustment, ...] = ()

    def brief(self) -> dict[str, Any]:
        """As JSON: depth, mode, documents, time and cost."""
        return {
            "depth": depth_of(self.options),
            "mode": self.options.get("mode", "models"),
            "documents": len(self.documents),
            "calls": self.estimate.calls,
            "eta_s": self.estimate.eta_s,
            "cost_usd": self.estimate.cost_usd,
        }


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is done, and what was considered before it; or why nothing of it keeps the limits, as `refused`."""

    way: Alternative
    rejected: tuple[Alternative, ...] = ()
    refused: InvalidInputError | None = None


def choose(outlook: Outlook, documents: Sequence[DocumentInfo], around: Circumstances) -> Chosen:
    """The first way to do the job that keeps its limits. `outlook` has the job as it was asked for.

    It is refused when there is none because the answer must be JSON. Raises NoCapacityError when the pool's quotas
    leave no room for documents beside the prompt.
    """
    return _Search(outlook, documents, around, Limits.of(outlook.job, around.now_ms)).run()


@dataclass(slots=True)
class _Search:
    """One choice under way."""

    outlook: Outlook
    documents: Sequence[DocumentInfo]
    around: Circumstances
    limits: Limits
    rejected: tuple[Alternative, ...] = ()
    refused: InvalidInputError | None = None

    def run(self) -> Chosen:
        way = self._way({}, self.documents, ())
        if not self._keeps(way):
            way = self._shallower(way)
        for step in (self._cheaper, self._fewer, self._without_models):
            if not self._keeps(way) and way.options.get("mode") != "extractive":
                way = step(way)
        return Chosen(way, self.rejected, self.refused)

    def _keeps(self, way: Alternative) -> bool:
        return not self.limits.missed(way.estimate)

    def _way(
        self, changes: Mapping[str, Any], documents: Sequence[DocumentInfo], adjusted: tuple[Adjustment, ...]
    ) -> Alternative:
        options = {**self.outlook.job.options, **changes}
        outlook = replace(self.outlook, job=replace(self.outlook.job, options=options))
        estimate = forecast(outlook, predicted(outlook, documents), len(documents), self.around)
        return Alternative(options, documents, estimate, adjusted)

    def _changed(
        self, way: Alternative, changes: Mapping[str, Any], documents: Sequence[DocumentInfo], what: str, said: str
    ) -> Alternative:
        """The way with one more adjustment, for what the way misses."""
        self.rejected = (*self.rejected, way)
        why = self._why(way)
        changed = {**_changes(self.outlook.job.options, way.options), **changes}
        return self._way(changed, documents, (*way.adjusted, Adjustment(what, f"{said}: {why}")))

    def _why(self, way: Alternative) -> str:
        tokens = tokens_of(way.documents, depth_of(way.options))
        return self.limits.sentence(self.limits.missed(way.estimate), way.estimate, tokens)

    def _shallower(self, way: Alternative) -> Alternative:
        while not self._keeps(way) and (depth := LESS.get(depth_of(way.options))):
            way = self._changed(way, {"depth": depth}, way.documents, "depth", _READS[depth])
        return way

    def _cheaper(self, way: Alternative) -> Alternative:
        """The lowest tier for everything, if that takes less of what is missed."""
        lowest = self.outlook.catalog.tiers[0]
        changes = {"tier": lowest, "pool": None, "model": None, "answer_tier": lowest, "answer_model": None}
        before = self.rejected
        found = self._changed(way, changes, way.documents, "models", f"takes the models of tier {lowest}")
        if found.estimate.models.keys() != way.estimate.models.keys() and self._is_less(found, way):
            return found
        self.rejected = before
        return way

    def _is_less(self, found: Alternative, way: Alternative) -> bool:
        missed, one, other = self.limits.missed(way.estimate), found.estimate, way.estimate
        return (Missed.DEADLINE not in missed or one.eta_s < other.eta_s) and (
            Missed.BUDGET not in missed or one.cost_usd < other.cost_usd
        )

    def _fewer(self, way: Alternative) -> Alternative:
        """Nearly as many documents as the limits leave room for (bisection: more documents never take less)."""
        ranked = ranked_by(way.documents, self.outlook.job.query)
        least, rejected = max(1, round(LEAST_SHARE * len(ranked))), self.rejected
        low, high = least, len(ranked) - 1
        while low <= high:
            middle = (low + high) // 2
            low, high = (middle + 1, high) if self._keeps(self._of(way, ranked, middle)) else (low, middle - 1)
            self.rejected = rejected
        if high < least:
            return way
        found = self._of(way, ranked, max(least, int(NEARLY * high)))
        return found if self._keeps(found) else self._of(way, ranked, high)

    def _of(self, way: Alternative, ranked: Sequence[DocumentInfo], count: int) -> Alternative:
        """The way with the first documents only."""
        some = sorted(ranked[:count], key=lambda one: one["number"])
        return self._changed(way, {}, some, "documents", f"reads {count:,} of {len(ranked):,} documents")

    def _without_models(self, way: Alternative) -> Alternative:
        """What was changed for models to be in time and money is as it was asked for.

        Refused for a job whose answer is to be JSON by a schema, which only a model can write.
        """
        if self.outlook.job.options.get("answer_schema") is not None:
            missed = self.limits.missed(way.estimate)
            field = "options.deadline_s" if Missed.DEADLINE in missed else "options.budget_usd"
            said = f"is too little for an answer_schema, which needs models: {self._why(way)}"
            self.refused = InvalidInputError(field, said)
            return way
        self.rejected = (*self.rejected, way)
        adjustment = Adjustment("mode", f"works without models, with the documents' own sentences: {self._why(way)}")
        return self._way({"mode": "extractive"}, self.documents, (adjustment,))


def ranked_by(documents: Sequence[DocumentInfo], question: str) -> list[DocumentInfo]:
    """Documents whose titles hold most of the question first, then in their order: no text is read for it."""
    asked = set(terms(question))
    return sorted(documents, key=lambda one: (-len(asked.intersection(terms(one["title"]))), one["number"]))


def _changes(asked: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if asked.get(name) != value}
