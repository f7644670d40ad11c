"""One call under one booking: make it, settle it, check it, record it.

booked ──► money ──► call ──► settle ──► check ──► Finished
             │         │                   ├─ not in the form asked for: Malformed, paid for, and may be repaired
             │         │                   └─ doubtful: a failure that was paid for
             │         └─ the vendor said no: the booking goes back as far as nothing was spent, others are warned
             └─ the budget is spent: the booking goes back
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Protocol, TypeVar

from rota.accounts import Counters
from rota.booking import Booking
from rota.catalog import Catalog, Model
from rota.errors import (
    Attempt,
    DoubtfulOutputError,
    InvalidOutputError,
    ModelUnavailableError,
    ProviderError,
    ProviderRejectedError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    RateLimitedError,
    RequestTooLargeError,
    RotaError,
)
from rota.learned import Learned, Sample, input_permille, pace
from rota.ledger import Ledger
from rota.ledger_notices import Notices
from rota.ledger_writes import Outcome
from rota.pricing import cost_nanousd, used_amounts
from rota.providers.base import Completion, ModelCall, Provider
from rota.routing.chain import POOR_OUTPUT
from rota.routing.decision import Decision
from rota.routing.request import ModelRequest
from rota.usage import Usage

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class CallRecord:
    """Everything there is to know about one model call, for the log line and the counters.

    `outcome` is `ok` or the error's code; `fallback_from` the other model that failed before, `escalated_from` the tier
    whose output was not good, `wait_ms` the time from the request to the call, `settled` whether the ledger confirmed
    the settlement. `repaired`: the call asked the model to correct its own output.
    """

    task: str
    decision: Decision
    model: str
    provider: str
    tier: int
    outcome: str
    attempts: int
    fallback_from: str | None
    escalated_from: int | None
    booked_tokens: int
    wait_ms: int
    latency_ms: int = 0
    usage: Usage = field(default_factory=Usage)
    cost_nanousd: int = 0
    settled: bool = True
    repaired: bool = False


@dataclass(frozen=True, slots=True)
class Finished(Generic[T]):
    """An answer that passed its check: `value` is what the check made of `completion`."""

    value: T
    completion: Completion
    record: CallRecord
    attempts: tuple[Attempt, ...]

    @property
    def fallback_used(self) -> bool:
        """Whether another model had failed before."""
        return self.record.fallback_from is not None


@dataclass(frozen=True, slots=True)
class Malformed:
    """An output that was not in the form asked for, why, and how long it took."""

    text: str
    error: InvalidOutputError
    latency_ms: int


@dataclass(frozen=True, slots=True)
class Errand(Generic[T]):
    """What is to be called and why: the request, its prompt, the check of its output, the decision that routed it.

    `first_ms` is when it was first asked for; failures are added to `attempts`. `repairs`: the call asks a model to
    correct its own output.
    """

    request: ModelRequest
    call: ModelCall
    check: Callable[[str], T]
    decision: Decision
    first_ms: int
    attempts: list[Attempt]
    repairs: bool = False


class Gate(Protocol):
    """What stands around calls besides the ledger: money, doubts, what is kept of poor outputs (see `gateway`)."""

    def reserve(self, request: ModelRequest, nanousd: int) -> Any:
        """Set money aside for a call that costs at most so much. Raises BudgetSpentError."""
        ...

    def spend(self, reserved: Any, nanousd: int) -> None:
        """Replace what was set aside by what the call cost."""
        ...

    def answered(self, errand: Errand[Any], record: CallRecord, completion: Completion) -> None:
        """Hear of an answer before anything else is done with it. Must not take time."""
        ...

    def doubt(self, errand: Errand[Any], record: CallRecord, completion: Completion) -> str | None:
        """Why an output in the right form is not good enough all the same; None when it is."""
        ...

    def keep(self, errand: Errand[Any], record: CallRecord, completion: Completion) -> None:
        """Keep an output that was not good enough, for the record."""
        ...


class Caller:
    """Makes calls that are booked, and leaves the ledger as the vendor counts."""

    def __init__(
        self,
        catalog: Catalog,
        ledger: Ledger,
        provider: Callable[[str], Provider],
        on_call: Callable[[CallRecord], None],
        gate: Gate | None = None,
    ) -> None:
        self._catalog, self._ledger, self._provider, self._on_call = catalog, ledger, provider, on_call
        self._notices, self._gate = Notices(ledger), gate

    def prepare(self, booking: Booking) -> None:
        """Do beforehand what would delay a call that is due."""
        with suppress(ProviderError):  # a provider that cannot be had says so again when it is called
            self._provider(self._catalog.model(booking.model).provider).prepare(booking.timeout_ms / 1000)

    def make(self, errand: Errand[T], booking: Booking) -> Finished[T] | Malformed | None:
        """Call once. Malformed or None when it failed in a way that another try may cure, noted in `errand.attempts`.

        Raises ProviderRejectedError when the request itself is wrong, BudgetSpentError when it may cost nothing more.
        """
        model = self._catalog.model(booking.model)
        reserved = self._reserve(errand.request, model, booking)
        begun = self._record(errand, model, booking)
        call = replace(errand.call, max_output_tokens=booking.max_output_tokens)
        try:
            completion = self._provider(model.provider).complete(
                model.id, model.vendor_model, call, booking.timeout_ms / 1000
            )
        except ProviderError as error:
            took_ms = self._ledger.clock.now_ms() - errand.first_ms - begun.wait_ms
            self._on_call(
                replace(begun, outcome=error.code, settled=self._give_back(booking, error, took_ms), latency_ms=took_ms)
            )
            if not _may_be_spent(error):
                self._spend(reserved, 0)
            if isinstance(error, ProviderRejectedError):
                raise
            errand.attempts.append(Attempt(model.id, error.code, str(error), error.status))
            return None
        cost = cost_nanousd(model, completion.usage)
        record = replace(begun, usage=completion.usage, cost_nanousd=cost, latency_ms=completion.latency_ms)
        if self._gate:
            self._gate.answered(errand, record, completion)
        record = replace(record, settled=self._settle(errand.request, model, booking, completion))
        self._spend(reserved, cost)
        self._notices.seen(model.id, completion.quota.limit_tokens)
        return self._checked(errand, record, completion)

    def _reserve(self, request: ModelRequest, model: Model, booking: Booking) -> Any:
        if self._gate is None:
            return None
        try:
            most = Usage(request.input_tokens, booking.max_output_tokens)
            return self._gate.reserve(request, cost_nanousd(model, most))
        except RotaError:
            self._ledger.cancel(booking)
            raise

    def _spend(self, reserved: Any, nanousd: int) -> None:
        if self._gate:
            self._gate.spend(reserved, nanousd)

    def _checked(self, errand: Errand[T], record: CallRecord, completion: Completion) -> Finished[T] | Malformed | None:
        try:
            value = errand.check(completion.text)
            if self._gate and (why := self._gate.doubt(errand, record, completion)):
                raise DoubtfulOutputError(why)
        except InvalidOutputError as error:
            if self._gate:
                self._gate.keep(errand, replace(record, outcome=error.code), completion)
            self._on_call(replace(record, outcome=error.code))
            errand.attempts.append(Attempt(record.model, error.code, str(error)))
            doubtful = isinstance(error, DoubtfulOutputError)
            return None if doubtful else Malformed(completion.text, error, completion.latency_ms)
        self._on_call(record)
        return Finished(value, completion, record, tuple(errand.attempts))

    def _record(self, errand: Errand[T], model: Model, booking: Booking) -> CallRecord:
        """What is known when the call leaves. A model that is asked again stands for no other one."""
        others = [attempt for attempt in errand.attempts if attempt.model != model.id]
        return CallRecord(
            task=errand.request.task,
            decision=errand.decision,
            model=model.id,
            provider=model.provider,
            tier=model.tier,
            outcome="ok",
            attempts=len(errand.attempts) + 1,
            fallback_from=others[-1].model if others else None,
            escalated_from=self._escalated_from(others),
            booked_tokens=_tokens(booking.amounts),
            wait_ms=self._ledger.clock.now_ms() - errand.first_ms,
            repaired=errand.repairs,
        )

    def _escalated_from(self, attempts: Sequence[Attempt]) -> int | None:
        """The highest tier whose output was not good, None when none was bad."""
        return max(
            (self._catalog.model(each.model).tier for each in attempts if each.code in POOR_OUTPUT), default=None
        )

    def _settle(self, request: ModelRequest, model: Model, booking: Booking, completion: Completion) -> bool:
        """Settle what the vendor counts: what was used, or the whole reservation where it gives nothing back."""
        usage = completion.usage
        output_tokens = usage.output_tokens if model.refunds else max(usage.output_tokens, booking.max_output_tokens)
        used = used_amounts(model, Usage(usage.input_tokens, output_tokens))
        counters = Counters(
            calls=1,
            latency_ms=completion.latency_ms,
            input_tokens=usage.input_tokens + usage.cached_tokens,
            output_tokens=usage.output_tokens,
            booked_tokens=_tokens(booking.amounts),
            used_tokens=_tokens(used),
        )
        learned = Learned.of(_sample(request, booking, completion))
        return self._ledger.settle(booking, Outcome(used, counters, learned, answered=True))

    def _give_back(self, booking: Booking, error: ProviderError, took_ms: int) -> bool:
        """Undo the booking of a failed call as far as the vendor spent nothing, and tell the other callers."""
        if isinstance(error, RateLimitedError):
            settled = self._ledger.count_refusal(booking)
            self._notices.refused(booking, error)
            return settled
        if isinstance(error, ProviderTimeoutError | ProviderUnavailableError | ModelUnavailableError):
            self._notices.failed(booking, error, took_ms)
            # What may be spent stays booked, and ages out.
            return _may_be_spent(error) or self._ledger.cancel(booking)
        if isinstance(error, RequestTooLargeError):
            self._notices.too_large(booking.model, error.limit_tokens)
        return self._ledger.cancel(booking, answered=True)


def _may_be_spent(error: ProviderError) -> bool:
    """Whether the vendor may count the call although it failed: it never answered, or not with a whole answer."""
    if isinstance(error, ProviderTimeoutError):
        return True
    return isinstance(error, ProviderUnavailableError) and error.status < 400


def _tokens(amounts: Mapping[str, int]) -> int:
    """Tokens among the units of a booking, whichever limits the model has."""
    for kind in ("tpm", "tpd"):
        if kind in amounts:
            return amounts[kind]
    return amounts.get("itpm", 0) + amounts.get("otpm", 0)


def _sample(request: ModelRequest, booking: Booking, completion: Completion) -> Sample:
    """What a call teaches. An answer that was cut off would have used at least all that its step allows."""
    usage = completion.usage
    cut = completion.stop_reason == "length"
    return Sample(
        input=input_permille(usage.input_tokens + usage.cached_tokens, request.input_tokens),
        output=1000 if cut else 1000 * usage.output_tokens // max(1, request.max_output_tokens),
        pace=pace(completion.latency_ms, booking.max_output_tokens),
        bulk=request.priority == "bulk",
    )
