"""One call with everything around it: a classifier before, money, doubts and spot checks after, a shadow beside it.

request ──► [small model classifies] ──► dispatcher: route ──► book ──► money ──► call ──► settle ──► check
                                            ▲                              │ answered: shadow handed over
                                            ├── one tier up ◄── doubtful ◄─┤ (patterns, another model's reading)
                                            └── one tier up ◄── repaired once, in vain ◄── malformed ◄─┘
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

from rota.calls import CallRecord, Errand, Finished
from rota.catalog import Catalog
from rota.dispatch import Dispatcher, Pending, Waiting
from rota.documents.tokens import estimate_tokens
from rota.errors import RotaError
from rota.ledger import Ledger
from rota.outcomes.budgets import Budgets, Reservation
from rota.providers.base import Completion, ModelCall, Provider
from rota.providers.structured_output import schema_instruction
from rota.quality import classifier, spot_check
from rota.quality.doubts import doubt_in
from rota.quality.spot_check import Verdict
from rota.routing.aim import aim
from rota.routing.complexity import Complexity
from rota.routing.experiments import point
from rota.routing.request import ModelRequest
from rota.routing.rules import holds

T = TypeVar("T")

CHECK_WAIT_MS = 2_000
"""How long a spot check may wait for quota: longer than this, and the output passes unread."""
NEEDED_MS = 10_000
"""Time that must be left to a function for a spot check and the call that may follow from it."""
CHECK_TIMEOUT_MS = 5_000
MAY_NOT_KNOW = frozenset({"plan", "summarize", "analyze", "synthesize", "classification"})
"""Tasks whose output may say that something is not known: notes on a document that has nothing to the question."""


class Watcher(Protocol):
    """Who is told what happens."""

    def called(self, record: CallRecord) -> None:
        """A model was called, whatever came of it."""
        ...

    def kept(self, record: CallRecord, text: str) -> None:
        """An output was not good enough; it is to be kept."""
        ...

    def shadow(self, model: str, errand: Errand[Any], record: CallRecord, completion: Completion) -> None:
        """An answer that a candidate is to be compared with. Must not take time."""
        ...


@dataclass(frozen=True, slots=True)
class Gateway:
    """Calls models for one stack. `budgets` is None where nothing is to be held to one."""

    catalog: Catalog
    ledger: Ledger
    provider: Callable[[str], Provider]
    watcher: Watcher
    budgets: Budgets | None = None
    own_budget_usd: float | None = None
    sleep: Callable[[float], None] = time.sleep

    def run(
        self,
        request: ModelRequest,
        call: ModelCall,
        check: Callable[[str], T],
        remaining_ms: Callable[[], int],
        pending: Pending | None = None,
    ) -> Finished[T] | Waiting:
        """See `Dispatcher.run`. JSON that does not conform is repaired once, by the model that wrote it."""
        dispatcher = self._dispatcher(_Gate(self, remaining_ms), repairs=True)
        return dispatcher.run(request, call, check, remaining_ms, pending)

    def classified(self, request: ModelRequest, remaining_ms: Callable[[], int]) -> ModelRequest:
        """The request with a small model's judgement, where rota.yaml asks for one and the tier depends on it.

        As it was when the model cannot be asked in time, or answers nonsense: then the rules decide.
        """
        config = self.catalog.routing.classifier
        if config.pool is None or request.complexity or not _depends_on_complexity(request, self.catalog):
            return request
        asked = classifier.prompt(request)
        question = ModelRequest(
            task="classification",
            pool="",
            named_pool=config.pool,
            input_tokens=asked.tokens + estimate_tokens(schema_instruction(classifier.SCHEMA)),
            max_output_tokens=classifier.MAX_OUTPUT_TOKENS,
            priority="interactive",
            stakes=request.stakes,
            max_wait_ms=config.timeout_ms,
            timeout_ms=config.timeout_ms,
        )
        call = ModelCall(asked.system, asked.prompt, classifier.MAX_OUTPUT_TOKENS, 0.0, classifier.SCHEMA)
        found = self.aside(
            question, call, lambda text: classifier.parse(text, self.catalog.routing.thresholds), remaining_ms
        )
        return replace(request, complexity=found) if isinstance(found, Complexity) else request

    def spot_check(self, errand: Errand[Any], model: str, output: str, remaining_ms: Callable[[], int]) -> str | None:
        """What another model finds wrong with an output, where rota.yaml samples this call; None when nothing."""
        pool = _sampled(errand.request, self.catalog)
        if pool is None or remaining_ms() < NEEDED_MS:
            return None
        asked = spot_check.prompt(errand.call, output)
        question = ModelRequest(
            task="review",
            pool="",
            named_pool=pool,
            input_tokens=asked.tokens + estimate_tokens(schema_instruction(spot_check.SCHEMA)),
            max_output_tokens=spot_check.MAX_OUTPUT_TOKENS,
            priority="interactive",
            stakes=errand.request.stakes,
            excluded=(model,),
            max_wait_ms=CHECK_WAIT_MS,
            timeout_ms=CHECK_TIMEOUT_MS,
        )
        call = ModelCall(asked.system, asked.prompt, spot_check.MAX_OUTPUT_TOKENS, 0.0, spot_check.SCHEMA)
        found = self.aside(question, call, spot_check.parse, remaining_ms)
        return f"spot check: {found.verdict}" if isinstance(found, Verdict) and not found.is_good else None

    def aside(
        self, request: ModelRequest, call: ModelCall, check: Callable[[str], T], remaining_ms: Callable[[], int]
    ) -> T | None:
        """A small call whose failure must not become the failure of what it is for: None then."""
        try:
            outcome = self._dispatcher(_Money(self)).run(request, call, check, remaining_ms)
        except RotaError:  # each failed attempt has been told to the watcher
            return None
        return outcome.value if isinstance(outcome, Finished) else None

    def _dispatcher(self, gate: _Money, repairs: bool = False) -> Dispatcher:
        return Dispatcher(self.catalog, self.ledger, self.provider, self.watcher.called, self.sleep, gate, repairs)


@dataclass(frozen=True, slots=True)
class _Money:
    """What stands around every call: the budgets."""

    gateway: Gateway

    def reserve(self, request: ModelRequest, nanousd: int) -> Reservation | None:
        """See `calls.Gate`."""
        budgets, stakes = self.gateway.budgets, request.stakes
        if budgets is None:
            return None
        now_ms = self.gateway.ledger.clock.now_ms()
        return budgets.reserve(stakes.user, stakes.feature, nanousd, now_ms, self.gateway.own_budget_usd)

    def spend(self, reserved: Reservation | None, nanousd: int) -> None:
        """See `calls.Gate`."""
        if self.gateway.budgets is not None and reserved is not None:
            self.gateway.budgets.settle(reserved, nanousd)

    def answered(self, errand: Errand[Any], record: CallRecord, completion: Completion) -> None:
        """Nothing follows from a call aside."""

    def doubt(self, errand: Errand[Any], record: CallRecord, completion: Completion) -> str | None:  # noqa: ARG002
        """A call aside is not checked itself."""
        return None

    def keep(self, errand: Errand[Any], record: CallRecord, completion: Completion) -> None:
        """Nor is its output kept."""


@dataclass(frozen=True, slots=True)
class _Gate(_Money):
    """What stands around the calls that people asked for."""

    remaining_ms: Callable[[], int]

    def answered(self, errand: Errand[Any], record: CallRecord, completion: Completion) -> None:
        """Hand the call over to each candidate whose sample it is in. What is compared is the request, no repair."""
        request = errand.request
        if errand.repairs:
            return
        for shadow in self.gateway.catalog.shadows:
            sampled = point(f"shadow:{shadow.model}", request.subjects.get("request", "")) < shadow.percent
            if sampled and shadow.model != record.model and holds(shadow.when, request, _level(errand)):
                self.gateway.watcher.shadow(shadow.model, errand, record, completion)

    def doubt(self, errand: Errand[Any], record: CallRecord, completion: Completion) -> str | None:
        """Doubt an output only while a higher tier could do better."""
        if not any(model.tier > record.tier for group in _groups(errand) for model in group):
            return None
        if errand.request.task not in MAY_NOT_KNOW and errand.call.json_schema is None:
            words = doubt_in(completion.text)
            if words:
                return f'it says "{words}"'
        return self.gateway.spot_check(errand, record.model, completion.text, self.remaining_ms)

    def keep(self, errand: Errand[Any], record: CallRecord, completion: Completion) -> None:  # noqa: ARG002
        """Tell the watcher."""
        self.gateway.watcher.kept(record, completion.text)


def _groups(errand: Errand[Any]) -> tuple[tuple[Any, ...], ...]:
    return (errand.decision.candidates, *errand.decision.fallbacks)


def _level(errand: Errand[Any]) -> Callable[[], Any]:
    complexity = errand.decision.complexity
    return lambda: complexity.level if complexity else None


def _depends_on_complexity(request: ModelRequest, catalog: Catalog) -> bool:
    """Whether the tier is chosen by how demanding the text is."""
    return bool(request.text) and aim(request, catalog).complexity is not None


def _sampled(request: ModelRequest, catalog: Catalog) -> str | None:
    """The pool that is to check this request's output, None when it is not in a sample."""
    level = request.complexity.level if request.complexity else None
    for at, check in enumerate(catalog.checks):
        if holds(check.when, request, lambda: level):
            subject = request.subjects.get("request", "")
            return check.pool if point(f"check:{at}", subject) < check.percent else None
    return None
