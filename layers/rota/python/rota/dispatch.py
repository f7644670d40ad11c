"""The dispatcher: route, book, wait, call, check, settle; and fall back through the pool when a model fails.

    run ──► booked start within INSIDE_MS ──► sleep ──► call ──► Finished
       └──► later ──► Waiting(until, pending) ······ the caller waits for nothing and comes back with `pending`
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Generic, TypeVar

from rota.accounts import Account, Counters
from rota.catalog import Catalog, Model
from rota.errors import (
    AllModelsFailedError,
    Attempt,
    InvalidOutputError,
    NoCapacityError,
    ProviderError,
    ProviderRejectedError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    RateLimitedError,
)
from rota.ledger import FARTHEST_MS, HORIZON_MS, Booking, Ledger
from rota.pricing import cost_nanousd, used_amounts
from rota.providers.base import Completion, ModelCall, Provider
from rota.routing.pipeline import Decision, route
from rota.routing.request import ModelRequest
from rota.usage import Usage

T = TypeVar("T")

INSIDE_MS = 5_000
"""Waits up to this long stay inside the function; longer ones go to a Wait state, which costs nothing."""
EARLY_MS = 3_000
"""How long before a booked start the function is woken, so that the call leaves in time."""
LOOK_AGAIN_MS = 2_000
"""Whoever waited longer reads the account once more before calling: it may have been blocked meanwhile."""
UNAVAILABLE_MS = 5_000
"""How long every caller keeps off a model after its vendor's own trouble."""
SPARE_MS = 8_000
"""What a function needs besides the provider's time-out: sleeping to the start, settling, storing the result."""
LONGEST_WAIT_MS = 3_600_000
"""A call that cannot start within this time fails instead: a day's quota is spent, and a person should know."""
MAX_ATTEMPTS = 8


@dataclass(frozen=True, slots=True)
class Pending:
    """What a caller brings back after waiting: its booking, failed attempts, and when it first asked."""

    first_ms: int
    booking: Booking | None = None
    attempts: tuple[Attempt, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """A JSON value for the state machine."""
        return asdict(self)

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Pending:
        """Read back what `as_dict` wrote."""
        booking = Booking(**value["booking"]) if value["booking"] else None
        return cls(value["first_ms"], booking, tuple(Attempt(**attempt) for attempt in value["attempts"]))


@dataclass(frozen=True, slots=True)
class Waiting:
    """Come back at `until_ms` (epoch milliseconds) with `pending`."""

    until_ms: int
    pending: Pending


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


class Dispatcher:
    """Carries requests to models without ever going over a quota."""

    def __init__(
        self,
        catalog: Catalog,
        ledger: Ledger,
        provider: Callable[[str], Provider],
        on_call: Callable[[CallRecord], None],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._catalog, self._ledger, self._provider = catalog, ledger, provider
        self._on_call, self._sleep = on_call, sleep

    def run(
        self,
        request: ModelRequest,
        call: ModelCall,
        check: Callable[[str], T],
        remaining_ms: Callable[[], int],
        pending: Pending | None = None,
    ) -> Finished[T] | Waiting:
        """Make the call, or say until when to wait.

        `check` turns the model's text into a value or raises InvalidOutputError, which counts as that model's
        failure. `remaining_ms` is the time this process has left. Raises AllModelsFailedError when every candidate
        failed, ProviderRejectedError when the request itself is wrong, NoCapacityError when no model can take it.
        """
        state = pending or Pending(self._ledger.clock.now_ms())
        booking = self._still_valid(state.booking) if state.booking else None
        attempts = list(state.attempts)
        while True:
            decision = self._decide(request, attempts)
            if booking is None:
                booked = self._book(request, decision)
                if isinstance(booked, int):
                    return Waiting(booked, Pending(state.first_ms, None, tuple(attempts)))
                booking = booked
            now_ms = self._ledger.clock.now_ms()
            if booking.start_ms - now_ms > INSIDE_MS:
                wake_ms = booking.start_ms - EARLY_MS
                return Waiting(wake_ms, Pending(state.first_ms, booking, tuple(attempts)))
            if not self._has_time(booking.model, remaining_ms()):
                self._ledger.cancel(booking)
                return Waiting(now_ms, Pending(state.first_ms, None, tuple(attempts)))
            self._sleep(max(0, booking.start_ms - now_ms) / 1000)
            if booking.is_void(self._ledger.clock.now_ms()):
                self._ledger.cancel(booking)
            else:
                finished = self._try(request, call, check, booking, decision, attempts, state.first_ms)
                if finished is not None:
                    return finished
            booking = None

    def _decide(self, request: ModelRequest, attempts: list[Attempt]) -> Decision:
        """Route, leaving out models that failed for this call. A refusal only moved the call: they may be asked again."""
        if len(attempts) >= MAX_ATTEMPTS:
            raise AllModelsFailedError(attempts)
        failed = {attempt.model for attempt in attempts if attempt.code != RateLimitedError.code}
        try:
            return route(request, self._catalog, failed)
        except NoCapacityError as error:
            if attempts:
                raise AllModelsFailedError(attempts) from error
            raise

    def _still_valid(self, booking: Booking) -> Booking | None:
        """The booking brought back from a wait, unless it is void or its model was blocked meanwhile."""
        now_ms = self._ledger.clock.now_ms()
        account = self._ledger.read([booking.model])[booking.model]
        if booking.is_void(now_ms) or account.blocked_until_s * 1000 > booking.start_ms:
            self._ledger.cancel(booking)
            return None
        return booking

    def _book(self, request: ModelRequest, decision: Decision) -> Booking | int:
        """Book the first candidate that can start now, else the soonest; or the moment to ask again."""
        preferred = decision.candidates[0]
        accounts = self._ledger.read([preferred.id])
        while True:
            now_ms = self._ledger.clock.now_ms()
            quotes = self._quotes(request, decision, accounts, now_ms)
            start_ms, place, account = quotes[0]
            if start_ms > now_ms and len(accounts) < len(decision.candidates):
                accounts |= self._ledger.read(model.id for model in decision.candidates if model.id not in accounts)
                continue
            if start_ms - now_ms > LONGEST_WAIT_MS:
                raise NoCapacityError(f"no model of {decision.rule} can start within {LONGEST_WAIT_MS // 60_000} minutes")
            horizon_ms = HORIZON_MS if request.priority == "bulk" else FARTHEST_MS
            if start_ms - now_ms > horizon_ms:
                return start_ms - horizon_ms + self._spread_ms(request)
            latest_ms = quotes[1][0] if len(quotes) > 1 else start_ms + INSIDE_MS
            amounts = request.amounts(decision.candidates[place])
            booked = self._ledger.book(account, amounts, max(latest_ms, start_ms + 999))
            if isinstance(booked, Booking):
                return booked
            accounts[booked.model] = booked

    def _quotes(
        self, request: ModelRequest, decision: Decision, accounts: Mapping[str, Account], now_ms: int
    ) -> list[tuple[int, int, Account]]:
        """(start, place in the preference order, account) of the accounts that were read, soonest first."""
        quotes = [
            (accounts[model.id].plan(request.amounts(model), now_ms).start_ms, place, accounts[model.id])
            for place, model in enumerate(decision.candidates)
            if model.id in accounts
        ]
        return sorted(quotes, key=lambda quote: quote[:2])

    @staticmethod
    def _spread_ms(request: ModelRequest) -> int:
        """Up to a second that differs between the members of a series, so that they do not come back together."""
        return request.rotation * 137 % 1000

    def _has_time(self, model_id: str, remaining_ms: int) -> bool:
        return remaining_ms >= self._timeout_s(model_id) * 1000 + SPARE_MS

    def _timeout_s(self, model_id: str) -> float:
        return self._catalog.providers[self._catalog.model(model_id).provider].timeout_s

    def _try(
        self,
        request: ModelRequest,
        call: ModelCall,
        check: Callable[[str], T],
        booking: Booking,
        decision: Decision,
        attempts: list[Attempt],
        first_ms: int,
    ) -> Finished[T] | None:
        """One call under one booking. None when it failed in a way that another try may cure (noted in `attempts`)."""
        model = self._catalog.model(booking.model)
        started_ms = self._ledger.clock.now_ms()

        def record(outcome: str, settled: bool, completion: Completion | None = None) -> CallRecord:
            usage = completion.usage if completion else Usage()
            now_ms = self._ledger.clock.now_ms()
            made = CallRecord(
                task=request.task,
                rule=decision.rule,
                model=model.id,
                provider=model.provider,
                tier=model.tier,
                outcome=outcome,
                attempts=len(attempts) + 1,
                fallback_from=attempts[-1].model if attempts else None,
                booked_tokens=_tokens(booking.amounts),
                wait_ms=started_ms - first_ms,
                latency_ms=completion.latency_ms if completion else now_ms - started_ms,
                usage=usage,
                cost_nanousd=cost_nanousd(model, usage),
                settled=settled,
            )
            self._on_call(made)
            return made

        try:
            completion = self._provider(model.provider).complete(
                model.id, model.vendor_model, call, self._timeout_s(model.id)
            )
        except ProviderError as error:
            record(error.code, self._give_back(booking, error))
            if isinstance(error, ProviderRejectedError):
                raise
            attempts.append(Attempt(model.id, error.code, str(error)))
            return None
        settled = self._settle(model, booking, completion.usage, call.max_output_tokens)
        try:
            value = check(completion.text)
        except InvalidOutputError as error:
            record(error.code, settled, completion)
            attempts.append(Attempt(model.id, error.code, str(error)))
            return None
        return Finished(value, completion, record("ok", settled, completion), tuple(attempts))

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
        if isinstance(error, ProviderTimeoutError):
            return True  # the vendor may be spending it still: the booking stands and ages out
        if isinstance(error, ProviderUnavailableError):
            self._ledger.block(booking.model, now_ms + UNAVAILABLE_MS)
        return self._ledger.cancel(booking)


def _tokens(amounts: Mapping[str, int]) -> int:
    """Tokens among the units of a booking, whichever limits the model has."""
    for kind in ("tpm", "tpd"):
        if kind in amounts:
            return amounts[kind]
    return amounts.get("itpm", 0) + amounts.get("otpm", 0)
