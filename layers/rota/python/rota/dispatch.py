"""The dispatcher: route, book, wait, call, check, settle; and fall back through the pool when a model fails.

run ──► booked start within INSIDE_MS ──► sleep ──► call ──► Finished
   │                                                  └─ malformed ──► the same model, once, if it has room and time:
   │                                                                   book ──► call ──► Finished; else on to the next
   └──► later, or a place in the queue ──► Waiting(until, pending) ······ the caller comes back with `pending`
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeVar

from rota.admission import AT_ONCE_MS, EARLY_MS, INSIDE_MS, PATIENCE, Admission, Return
from rota.booking import Booking
from rota.calls import Caller, CallRecord, Errand, Finished, Gate, Malformed
from rota.catalog import Catalog, Model
from rota.errors import (
    AllModelsFailedError,
    Attempt,
    BudgetSpentError,
    NoCapacityError,
    PoolBusyError,
    ProviderRejectedError,
    RateLimitedError,
    RotaError,
)
from rota.learned import LEAST_TIMEOUT_MS
from rota.ledger import Ledger
from rota.live import LiveFacts
from rota.providers.base import ModelCall, Provider
from rota.routing.decision import Decision
from rota.routing.eligible import ineligible
from rota.routing.pipeline import route
from rota.routing.request import ModelRequest
from rota.steps.repair import added_tokens, can_be_repaired, repair
from rota.tickets import Ticket

T = TypeVar("T")

SPARE_MS = 13_000
"""What a function needs besides the call's time-out: sleeping to the start, settling, storing the result."""
SETTLING_MS = 2_000
"""What it needs after a call."""
LOOK_MS = 10_000
"""Who waits longer than this for a window looks once half-way: refunds may have opened earlier room.

Tickets count with these refunds already.
"""
CHECK_MS = 2_000
"""Whoever waited longer than this looks once more before calling: the model may be blocked, its quota lower."""
READ_MS = 50
"""What that look takes."""
MAX_FAILURES = 8
MAX_REFUSALS = 20
"""Refusals teach the ledger a lower quota: they are many only while it learns."""


@dataclass(frozen=True, slots=True)
class Pending:
    """What a caller brings back after waiting: its booking or ticket, failed attempts, and when it first asked.

    `turn_ms` is when to ask again, `returns` how often it will have done so with a ticket by then; `looked`: it has
    looked for an earlier start already; `repaired`: a model has been asked to correct its output.
    """

    first_ms: int
    booking: Booking | None = None
    attempts: tuple[Attempt, ...] = ()
    turn_ms: int = 0
    returns: int = 0
    looked: bool = False
    repaired: bool = False

    def as_dict(self) -> dict[str, Any]:
        """A JSON value for the state machine."""
        return asdict(self)

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Pending:
        """Read back what `as_dict` wrote."""
        booking = Booking(**value["booking"]) if value["booking"] else None
        attempts = tuple(Attempt(**attempt) for attempt in value["attempts"])
        return cls(**{**value, "booking": booking, "attempts": attempts})


@dataclass(frozen=True, slots=True)
class Waiting:
    """Come back at `until_ms` (epoch milliseconds) with `pending`, or give up the `ticket` that was taken for it."""

    until_ms: int
    pending: Pending
    ticket: Ticket | None = None


class Dispatcher:
    """Carries requests to models without ever going over a quota.

    `repairs`: JSON that does not conform is asked for once more, of the model that wrote it, before another one is.
    """

    def __init__(
        self,
        catalog: Catalog,
        ledger: Ledger,
        provider: Callable[[str], Provider],
        on_call: Callable[[CallRecord], None],
        sleep: Callable[[float], None] = time.sleep,
        gate: Gate | None = None,
        repairs: bool = False,
    ) -> None:
        self._catalog, self._ledger, self._sleep = catalog, ledger, sleep
        self._live, self._repairs = LiveFacts(catalog, ledger), repairs
        self._caller = Caller(catalog, ledger, provider, on_call, gate)
        self._admission = Admission(ledger, lambda model: round(catalog.providers[model.provider].timeout_s * 1000))

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
        failed, ProviderRejectedError when the request itself is wrong, NoCapacityError when no model can take it,
        BudgetSpentError when it may cost nothing more.
        """
        state = pending or Pending(self._ledger.clock.now_ms())
        refused: BudgetSpentError | None = None
        while True:
            if state.turn_ms:
                self._sleep(max(0, state.turn_ms - self._ledger.clock.now_ms()) / 1000)
                state = replace(state, turn_ms=0)
            decision = self._decide(request, state.attempts)
            booking = self._brought_back(request, decision, state)
            if booking is None:
                returns = PATIENCE if state.booking else state.returns
                decision, admitted = self._admit(request, decision, returns, state, refused)
                if isinstance(admitted, Return):
                    state = replace(state, booking=None, turn_ms=admitted.at_ms, returns=admitted.returns, looked=False)
                    if admitted.at_ms - self._ledger.clock.now_ms() > INSIDE_MS:
                        return Waiting(admitted.at_ms - EARLY_MS, state, admitted.ticket)
                    continue
                booking = admitted
            ready = self._get_ready(request, replace(state, booking=booking), booking, remaining_ms())
            if isinstance(ready, Waiting):
                return ready
            attempts = list(state.attempts)
            if ready is not None:
                errand = Errand(request, call, check, decision, state.first_ms, attempts)
                try:
                    finished = self._call(errand, ready, remaining_ms, repairs=self._repairs and not state.repaired)
                except BudgetSpentError as error:
                    request, finished = _cheaper(request, decision, self._catalog.model(ready.model), error), None
                    refused = error
                if finished is not None:
                    return finished
            repaired = state.repaired or len(attempts) > len(state.attempts) + 1  # the second failure was the repair's
            state = Pending(state.first_ms, None, tuple(attempts), returns=PATIENCE, repaired=repaired)

    def _call(
        self, errand: Errand[T], booking: Booking, remaining_ms: Callable[[], int], repairs: bool
    ) -> Finished[T] | None:
        """Call; and have a malformed output corrected, where the model can be asked again at once."""
        outcome = self._caller.make(errand, booking)
        if not isinstance(outcome, Malformed):
            return outcome
        may_wait = _has_time_for_both(errand, outcome.latency_ms, remaining_ms(), self._ledger.clock.now_ms())
        if not (repairs and may_wait and can_be_repaired(errand.call, outcome.text)):
            return None
        second = _correction(errand, outcome)
        ready = self._book_at_once(second, self._catalog.model(booking.model), remaining_ms())
        if ready is None:
            return None
        try:
            repaired = self._caller.make(second, ready)
        except ProviderRejectedError as error:  # the conversation; the request itself was taken before
            errand.attempts.append(Attempt(booking.model, error.code, str(error), error.status))
            return None
        return repaired if isinstance(repaired, Finished) else None

    def _book_at_once(self, errand: Errand[T], model: Model, remaining_ms: int) -> Booking | None:
        """A booking of this very model whose start has come; None where the call would have to wait for it."""
        request = errand.request
        if ineligible(model, request):
            return None
        alone = replace(errand.decision, candidates=(model,), fallbacks=())
        at_once = replace(request, max_wait_ms=AT_ONCE_MS)
        try:
            _, booked = self._admission.admit(at_once, alone, PATIENCE, self._ledger.clock.now_ms())
        except NoCapacityError:
            return None
        if isinstance(booked, Return):
            return None
        ready = self._get_ready(request, Pending(errand.first_ms, booked, looked=True), booked, remaining_ms)
        if isinstance(ready, Waiting):
            if ready.pending.booking is not None:
                self._ledger.cancel(booked)
            return None
        return ready

    def _brought_back(self, request: ModelRequest, decision: Decision, state: Pending) -> Booking | None:
        """The booking from before the wait if it still holds, moved up if that can be done."""
        booking = self._still_valid(state.booking) if state.booking else None
        if booking and booking.start_ms - self._ledger.clock.now_ms() > INSIDE_MS:
            return self._admission.sooner(request, decision, booking)
        return booking

    def _get_ready(
        self, request: ModelRequest, state: Pending, booking: Booking, remaining_ms: int
    ) -> Booking | Waiting | None:
        """Sleep until the booked start. Waiting when that is not for here; None when the start was missed."""
        now_ms = self._ledger.clock.now_ms()
        wait_ms = booking.start_ms - now_ms
        if wait_ms > INSIDE_MS:
            if wait_ms > LOOK_MS and not (state.looked or state.returns) and self._has_window(booking.model):
                return Waiting(now_ms + wait_ms // 2, replace(state, looked=True))
            return Waiting(booking.start_ms - EARLY_MS, state)
        if request.max_wait_ms is not None:  # somebody is on the line: better a short time-out than none at all
            left_ms = max(0, remaining_ms - max(0, wait_ms) - SETTLING_MS)
            booking = replace(booking, timeout_ms=min(booking.timeout_ms, left_ms))
            needed_ms = LEAST_TIMEOUT_MS
        else:
            left_ms, needed_ms = remaining_ms - SPARE_MS, booking.timeout_ms
        if left_ms < needed_ms:
            self._ledger.cancel(booking)
            return Waiting(now_ms, replace(state, booking=None, returns=PATIENCE))
        self._caller.prepare(booking)
        return self._wait(booking, checks=wait_ms > CHECK_MS)

    def _wait(self, booking: Booking, checks: bool) -> Booking | None:
        """The booking once its start has come; None when it does not hold any more.

        Whoever sleeps may learn that nobody wants the call any more, and raise.
        """
        early_ms = READ_MS if checks else 0
        try:
            self._sleep(max(0, booking.start_ms - early_ms - self._ledger.clock.now_ms()) / 1000)
        except RotaError:
            self._ledger.cancel(booking)
            raise
        if checks:
            if self._still_valid(booking) is None:
                return None
            self._sleep(max(0, booking.start_ms - self._ledger.clock.now_ms()) / 1000)
        if booking.is_void(self._ledger.clock.now_ms()):
            self._ledger.cancel(booking)
            return None
        return booking

    def _has_window(self, model_id: str) -> bool:
        return any(limit.algorithm == "sliding_window" for limit in self._catalog.model(model_id).limits)

    def _decide(self, request: ModelRequest, attempts: Sequence[Attempt]) -> Decision:
        """Route, leaving out models that failed for this call; one that only refused it may be asked again."""
        refused = [attempt for attempt in attempts if attempt.code == RateLimitedError.code]
        if len(refused) >= MAX_REFUSALS or len(attempts) - len(refused) >= MAX_FAILURES:
            raise AllModelsFailedError(attempts)
        try:
            return route(request, self._catalog, attempts, self._live.facts())
        except NoCapacityError as error:
            if attempts:
                raise AllModelsFailedError(attempts) from error
            raise

    def _admit(
        self,
        request: ModelRequest,
        decision: Decision,
        returns: int,
        state: Pending,
        refused: BudgetSpentError | None,
    ) -> tuple[Decision, Booking | Return]:
        """See `Admission.admit`. What failed, or a budget `refused`, is told when nobody else can take the call."""
        try:
            return self._admission.admit(request, decision, returns, state.first_ms)
        except NoCapacityError as error:
            if refused:
                raise refused from error
            if isinstance(error, PoolBusyError):
                raise
            if state.attempts:
                raise AllModelsFailedError(state.attempts) from error
            raise

    def _still_valid(self, booking: Booking) -> Booking | None:
        """The booking, unless it is void, its model blocked or disabled, or its quota lowered meanwhile."""
        account = self._ledger.account(booking.model)
        kept_off = account.blocked_until_s * 1000 > booking.start_ms or account.is_out
        blocked = kept_off and not booking.is_probe
        over = account.standing.disabled or account.is_over(booking.amounts, booking.start_ms)
        void = not booking.timeout_ms or booking.is_void(self._ledger.clock.now_ms())  # an older release names no terms
        if blocked or over or void:
            self._ledger.cancel(booking)
            return None
        return booking


def _cheaper(request: ModelRequest, decision: Decision, refused: Model, error: BudgetSpentError) -> ModelRequest:
    """The request for those of its models on which it may cost less than on the one that a budget has no room for.

    Only models of one group stand for each other: another group's might answer worse, and nobody be told. Raises the
    error when there are none.
    """
    most_usd = request.price_usd(refused)
    dear = [model.id for model in decision.candidates if request.price_usd(model) >= most_usd]
    if len(dear) == len(decision.candidates):
        raise error
    return replace(request, excluded=(*request.excluded, *dear))


def _correction(errand: Errand[T], outcome: Malformed) -> Errand[T]:
    """The errand that asks for the output again. Its failure is one more of the same call's."""
    added = added_tokens(outcome.text, outcome.error)
    request = replace(errand.request, input_tokens=errand.request.input_tokens + added)
    return replace(errand, request=request, call=repair(errand.call, outcome.text, outcome.error), repairs=True)


def _has_time_for_both(errand: Errand[Any], latency_ms: int, remaining_ms: int, now_ms: int) -> bool:
    """Whether somebody on the line can have a repair, and the next model's answer should that fail too.

    Each is taken to last as long as the call before. Who is not on the line has the time of another invocation.
    """
    request, decision = errand.request, errand.decision
    if request.max_wait_ms is None:
        return True
    if len(decision.candidates) == 1 and not decision.fallbacks:
        return remaining_ms >= latency_ms + SETTLING_MS
    in_time = now_ms + latency_ms - errand.first_ms <= request.max_wait_ms
    return in_time and remaining_ms >= 2 * (latency_ms + SETTLING_MS)
