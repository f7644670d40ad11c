"""One call under one booking: make it, settle it, check it, record it.

booked ──► call ──► settle ──► check ──► Finished
             │                   └─ not in the form asked for: a failure that was paid for
             └─ the vendor said no: the booking goes back as far as nothing was spent, others are warned
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from rota.accounts import Counters
from rota.catalog import Catalog, Model
from rota.errors import (
    Attempt,
    InvalidOutputError,
    ProviderError,
    ProviderRejectedError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    RateLimitedError,
)
from rota.ledger import Booking, Ledger
from rota.pricing import cost_nanousd, used_amounts
from rota.providers.base import Completion, ModelCall, Provider
from rota.routing.request import ModelRequest
from rota.usage import Usage

T = TypeVar("T")

UNAVAILABLE_MS = 5_000
"""How long every caller keeps off a model after its vendor's own trouble."""


@dataclass(frozen=True, slots=True)
class CallRecord:
    """Everything there is to know about one model call, for the log line and the counters.

    `outcome` is `ok` or the error's code; `fallback_from` the model that failed before, `wait_ms` the time from
    the request to the call, `settled` whether the ledger confirmed the settlement.
    """

    task: str
    rule: str
    model: str
    provider: str
    tier: int
    outcome: str
    attempts: int
    fallback_from: str | None
    booked_tokens: int
    wait_ms: int
    latency_ms: int = 0
    usage: Usage = field(default_factory=Usage)
    cost_nanousd: int = 0
    settled: bool = True


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
        return bool(self.attempts)


@dataclass(frozen=True, slots=True)
class Errand(Generic[T]):
    """What is to be called and why: the request, its prompt, the check of its output, the rule that routed it.

    `first_ms` is when it was first asked for; failures are added to `attempts`.
    """

    request: ModelRequest
    call: ModelCall
    check: Callable[[str], T]
    rule: str
    first_ms: int
    attempts: list[Attempt]


class Caller:
    """Makes calls that are booked, and leaves the ledger as the vendor counts."""

    def __init__(
        self,
        catalog: Catalog,
        ledger: Ledger,
        provider: Callable[[str], Provider],
        on_call: Callable[[CallRecord], None],
    ) -> None:
        self._catalog, self._ledger, self._provider, self._on_call = catalog, ledger, provider, on_call

    def timeout_s(self, model_id: str) -> float:
        """How long a call of this model may take."""
        return self._catalog.providers[self._catalog.model(model_id).provider].timeout_s

    def prepare(self, model_id: str) -> None:
        """Do beforehand what would delay a call that is due."""
        with suppress(ProviderError):  # a provider that cannot be had says so again when it is called
            self._provider(self._catalog.model(model_id).provider).prepare(self.timeout_s(model_id))

    def make(self, errand: Errand[T], booking: Booking) -> Finished[T] | None:
        """Call once. None when it failed in a way that another try may cure, which is noted in `errand.attempts`.

        Raises ProviderRejectedError when the request itself is wrong.
        """
        model = self._catalog.model(booking.model)
        begun = self._record(errand, model, booking)
        try:
            completion = self._provider(model.provider).complete(
                model.id, model.vendor_model, errand.call, self.timeout_s(model.id)
            )
        except ProviderError as error:
            took_ms = self._ledger.clock.now_ms() - errand.first_ms - begun.wait_ms
            self._on_call(
                replace(begun, outcome=error.code, settled=self._give_back(booking, error), latency_ms=took_ms)
            )
            if isinstance(error, ProviderRejectedError):
                raise
            errand.attempts.append(Attempt(model.id, error.code, str(error)))
            return None
        record = replace(
            begun,
            usage=completion.usage,
            cost_nanousd=cost_nanousd(model, completion.usage),
            latency_ms=completion.latency_ms,
            settled=self._settle(model, booking, completion.usage, errand.call.max_output_tokens),
        )
        return self._checked(errand, record, completion)

    def _checked(self, errand: Errand[T], record: CallRecord, completion: Completion) -> Finished[T] | None:
        try:
            value = errand.check(completion.text)
        except InvalidOutputError as error:
            self._on_call(replace(record, outcome=error.code))
            errand.attempts.append(Attempt(record.model, error.code, str(error)))
            return None
        self._on_call(record)
        return Finished(value, completion, record, tuple(errand.attempts))

    def _record(self, errand: Errand[T], model: Model, booking: Booking) -> CallRecord:
        """What is known when the call leaves."""
        return CallRecord(
            task=errand.request.task,
            rule=errand.rule,
            model=model.id,
            provider=model.provider,
            tier=model.tier,
            outcome="ok",
            attempts=len(errand.attempts) + 1,
            fallback_from=errand.attempts[-1].model if errand.attempts else None,
            booked_tokens=_tokens(booking.amounts),
            wait_ms=self._ledger.clock.now_ms() - errand.first_ms,
        )

    def _settle(self, model: Model, booking: Booking, usage: Usage, max_output_tokens: int) -> bool:
        """Settle what the vendor counts: what was used, or the whole reservation where it gives nothing back."""
        output_tokens = usage.output_tokens if model.refunds else max(usage.output_tokens, max_output_tokens)
        used = used_amounts(model, Usage(usage.input_tokens, output_tokens))
        counters = Counters(
            calls=1,
            input_tokens=usage.input_tokens + usage.cached_tokens,
            output_tokens=usage.output_tokens,
            booked_tokens=_tokens(booking.amounts),
            used_tokens=_tokens(used),
        )
        return self._ledger.settle(booking, used, counters)

    def _give_back(self, booking: Booking, error: ProviderError) -> bool:
        """Undo the booking of a failed call as far as the vendor spent nothing, and warn the other callers."""
        now_ms = self._ledger.clock.now_ms()
        if isinstance(error, RateLimitedError):
            wait_ms = UNAVAILABLE_MS if error.retry_after_s is None else round(error.retry_after_s * 1000)
            self._ledger.block(booking.model, now_ms + wait_ms)
            return self._ledger.count_refusal(booking)
        if isinstance(error, ProviderUnavailableError):
            self._ledger.block(booking.model, now_ms + UNAVAILABLE_MS)
        if _may_be_spent(error):
            return True  # the booking stands, and ages out
        return self._ledger.cancel(booking)


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
