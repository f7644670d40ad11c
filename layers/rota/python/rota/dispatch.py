"""The dispatcher: route, book, wait, call, check, settle; and fall back through the pool when a model fails.

run ──► booked start within INSIDE_MS ──► sleep ──► call ──► Finished
   └──► later ──► Waiting(until, pending) ······ the caller waits for nothing and comes back with `pending`
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from rota.accounts import Account
from rota.calls import Caller, CallRecord, Errand, Finished
from rota.catalog import Catalog
from rota.errors import AllModelsFailedError, Attempt, NoCapacityError, RateLimitedError
from rota.ledger import FARTHEST_MS, HORIZON_MS, Booking, Ledger
from rota.providers.base import ModelCall, Provider
from rota.routing.pipeline import Decision, route
from rota.routing.request import ModelRequest

T = TypeVar("T")

INSIDE_MS = 5_000
"""Waits up to this long stay inside the function; longer ones go to a Wait state, which costs nothing."""
EARLY_MS = 3_000
"""How long before a booked start the function is woken, so that the call leaves in time."""
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
        self._catalog, self._ledger, self._sleep = catalog, ledger, sleep
        self._caller = Caller(catalog, ledger, provider, on_call)

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
            booked = booking or self._book(request, decision)
            ready = self._get_ready(booked, remaining_ms())
            if isinstance(ready, Waiting):
                return Waiting(ready.until_ms, Pending(state.first_ms, ready.pending.booking, tuple(attempts)))
            if ready is not None:
                errand = Errand(request, call, check, decision.rule, state.first_ms, attempts)
                finished = self._caller.make(errand, ready)
                if finished is not None:
                    return finished
            booking = None

    def _get_ready(self, booked: Booking | int, remaining_ms: int) -> Booking | Waiting | None:
        """Sleep until the booked start. Waiting when that is not for here; None when the start was missed."""
        now_ms = self._ledger.clock.now_ms()
        if isinstance(booked, int):
            return Waiting(booked, Pending(now_ms))
        if booked.start_ms - now_ms > INSIDE_MS:
            return Waiting(booked.start_ms - EARLY_MS, Pending(now_ms, booked))
        if remaining_ms < self._caller.timeout_s(booked.model) * 1000 + SPARE_MS:
            self._ledger.cancel(booked)
            return Waiting(now_ms, Pending(now_ms))
        self._caller.prepare(booked.model)
        self._sleep(max(0, booked.start_ms - self._ledger.clock.now_ms()) / 1000)
        if booked.is_void(self._ledger.clock.now_ms()):
            self._ledger.cancel(booked)
            return None
        return booked

    def _decide(self, request: ModelRequest, attempts: list[Attempt]) -> Decision:
        """Route, leaving out models that failed for this call; one that only refused it may be asked again."""
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
                minutes = LONGEST_WAIT_MS // 60_000
                raise NoCapacityError(f"no model of {decision.rule} can start within {minutes} minutes")
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
