"""Admission: on which model and when a call may start. Books it there, or gives it a place in the queue.

interactive ──► books the soonest start of the pool, however far
bulk        ──► books what can start now, or soon while nobody queues; else takes one ticket and comes back with it
with ticket ──► books the soonest start when that is near; who came too early waits on, but not for ever

A group of candidates that is wholly down, can never take the call, or only later than the call may wait, is given up
for the next one ("promotion"): it costs more, and is available.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from rota.accounts import Account
from rota.booking import Booking
from rota.catalog import Model
from rota.errors import NoCapacityError, PoolBusyError
from rota.ledger import FARTHEST_MS, Ledger
from rota.routing.decision import Decision
from rota.routing.request import Claim, ModelRequest
from rota.tickets import NOBODYS, Queue, Ticket, queue

HORIZON_MS = 10_000
"""How far ahead bulk calls book while nobody queues: as far as interactive calls have to wait behind them."""
PATIENCE = 3
"""How often a bulk call comes back to find that it was too early, before it books however far ahead."""
AT_ONCE_MS = 2_000
"""Room within this time is taken by whoever comes, past the queue: nobody else can be here in time."""
EARLY_MS = 3_000
"""How long before its start a caller that waits elsewhere is woken, so that the call leaves in time."""
OUTAGE_MS = 30_000
"""How long a call waits for a pool whose models are all down, before it is done without one."""
ASK_AGAIN_MS = 5_000
WORTH_MS = 2_000
"""How much sooner another start must be to move a booking there."""
LONGEST_WAIT_MS = 3_600_000
"""A call that cannot start within this time fails instead: a day's quota is spent, and a person should know."""
INSIDE_MS = 10_000
"""Waits up to this long stay inside the function; longer ones go to a Wait state, which costs nothing."""


@dataclass(frozen=True, slots=True)
class Quote:
    """When one candidate could start the call. `place` is the candidate's in the order of preference."""

    start_ms: int
    place: int
    account: Account
    claim: Claim

    def is_down(self, now_ms: int) -> bool:
        """Whether the model's breaker is open, and this call is not the one to probe it now."""
        return self.account.is_probed and self.start_ms > now_ms


@dataclass(frozen=True, slots=True)
class Return:
    """Come back at `at_ms`; `returns` is how often the call will have come back with a ticket by then.

    `ticket` is the one that was taken just now, if any.
    """

    at_ms: int
    returns: int
    ticket: Ticket | None = None


@dataclass(frozen=True, slots=True)
class _Down(Return):
    """Every candidate is down; ask again then, if nobody else can take the call."""


class Admission:
    """Decides from accounts that it reads; `timeout_ms` is the longest that a call of a model may take."""

    def __init__(self, ledger: Ledger, timeout_ms: Callable[[Model], int]) -> None:
        self._ledger, self._timeout_ms = ledger, timeout_ms

    def admit(
        self, request: ModelRequest, decision: Decision, returns: int, first_ms: int
    ) -> tuple[Decision, Booking | Return]:
        """Book the first candidate that can start now, else the soonest; or say when to come back.

        Answers the decision whose group took the call, too. `returns` is how often the call has come back with a
        ticket, 0 without one; `first_ms` when it first asked. Raises what the first group raised when no group takes
        it: NoCapacityError when no candidate can ever, or within LONGEST_WAIT_MS, start the call, and when all are
        down for OUTAGE_MS; PoolBusyError when none can before the call may wait no longer.
        """
        waiting: tuple[Decision, Return] | None = None
        refusals: list[NoCapacityError] = []
        group: Decision | None = decision
        while group is not None:
            try:
                found = self._admit(request, group, returns, first_ms)
            except NoCapacityError as error:
                refusals.append(error)
                group = group.promote(str(error))
                continue
            if not isinstance(found, _Down):
                return group, found
            waiting = waiting or (group, found)
            group = group.promote(f"{', '.join(model.id for model in group.candidates)}: down")
        if waiting:
            return waiting
        raise next((error for error in refusals if isinstance(error, PoolBusyError)), refusals[0])

    def _admit(self, request: ModelRequest, decision: Decision, returns: int, first_ms: int) -> Booking | Return:
        """The same for one group."""
        accounts, lost = self._ledger.read([decision.candidates[0].id]), False
        while True:
            now_ms = self._ledger.soonest_ms()
            quotes = self._quotes(request, decision, accounts, now_ms)
            if (not quotes or quotes[0].start_ms > now_ms) and len(accounts) < len(decision.candidates):
                accounts |= self._ledger.read(model.id for model in decision.candidates if model.id not in accounts)
                continue
            if not quotes:
                raise _impossible(request, decision, accounts, now_ms)
            quotes = [quote for quote in quotes if not quote.is_down(now_ms)]
            if not quotes:
                return _wait_for_probes(request, decision, now_ms, first_ms, returns)
            best = quotes[0]
            _check_wait(request, decision, best.start_ms, now_ms, first_ms)
            if best.start_ms - now_ms > FARTHEST_MS:
                return Return(best.start_ms - FARTHEST_MS + _spread_ms(request), returns)
            if request.priority == "bulk" and _must_queue(best, now_ms, returns, lost):
                ticket, due_ms = (None, best.start_ms) if returns else self._take_ticket(request, quotes, now_ms)
                if due_ms is not None:
                    return Return(max(now_ms, due_ms) + _spread_ms(request), returns + 1, ticket)
                accounts |= self._ledger.read(accounts)
                continue
            # Who lost a race stays with the model: racing on from one to the next, all make each other lose.
            latest_ms = quotes[1].start_ms if len(quotes) > 1 and not lost else best.start_ms + INSIDE_MS
            booked = self._book(best, max(latest_ms, best.start_ms + 999))
            if isinstance(booked, Booking):
                return booked
            accounts[booked.model], lost = booked, True

    def sooner(self, request: ModelRequest, decision: Decision, booking: Booking) -> Booking:
        """A booking that starts clearly sooner than `booking`, which then is given back; else `booking`."""
        now_ms = self._ledger.clock.now_ms()
        accounts = self._ledger.read(model.id for model in decision.candidates)
        quotes = self._quotes(request, decision, accounts, now_ms)
        if not quotes or quotes[0].start_ms > booking.start_ms - WORTH_MS:
            return booking
        booked = self._book(quotes[0], booking.start_ms - WORTH_MS)
        if isinstance(booked, Account):
            return booking
        self._ledger.cancel(booking)
        return booked

    def _book(self, quote: Quote, latest_ms: int) -> Booking | Account:
        booked = self._ledger.book(quote.account, quote.claim.amounts, latest_ms)
        if isinstance(booked, Account):
            return booked
        return replace(booked, max_output_tokens=quote.claim.max_output_tokens, timeout_ms=quote.claim.timeout_ms)

    def _quotes(
        self, request: ModelRequest, decision: Decision, accounts: Mapping[str, Account], now_ms: int
    ) -> list[Quote]:
        """The accounts that were read and can take the call, soonest first."""
        quotes = []
        for place, model in enumerate(decision.candidates):
            if account := accounts.get(model.id):
                claim = request.claim(model, account.learned, self._timeout_ms(model))
                try:
                    quotes.append(Quote(account.plan(claim.amounts, now_ms).start_ms, place, account, claim))
                except NoCapacityError:
                    continue
        return sorted(quotes, key=lambda quote: (quote.start_ms, quote.place))

    def _take_ticket(self, request: ModelRequest, quotes: list[Quote], now_ms: int) -> tuple[Ticket, int | None]:
        """Queue where the call's turn comes soonest, and when that is: None when it is to be asked again."""
        queues = [_queue(quote, now_ms) for quote in quotes]
        soonest = min(queues, key=lambda each: each.due_ms(each.account.tail_ms))
        ticket = Ticket(soonest.account.model, soonest.advance_ms, request.subjects.get("job", NOBODYS))
        return ticket, self._ledger.queue(soonest, ticket.holder)


def _impossible(
    request: ModelRequest, decision: Decision, accounts: Mapping[str, Account], now_ms: int
) -> NoCapacityError:
    """Why no candidate can take the call as its quotas stand now."""
    reasons, too_large = [], False
    for model in decision.candidates:
        try:
            accounts[model.id].plan(request.claim(model, accounts[model.id].learned, 0).amounts, now_ms)
        except NoCapacityError as error:
            reasons.append(str(error))
            too_large = too_large or error.too_large
    return NoCapacityError(
        f"no model of {decision.target} can take this call: {'; '.join(reasons)}", too_large=too_large
    )


def _check_wait(request: ModelRequest, decision: Decision, start_ms: int, now_ms: int, first_ms: int) -> None:
    if request.max_wait_ms is not None and start_ms - first_ms > request.max_wait_ms:
        raise PoolBusyError(f"{decision.target} has no quota left for this call", start_ms)
    if start_ms - now_ms > LONGEST_WAIT_MS:
        minutes = LONGEST_WAIT_MS // 60_000
        raise NoCapacityError(f"no model of {decision.target} can start within {minutes} minutes")


def _wait_for_probes(request: ModelRequest, decision: Decision, now_ms: int, first_ms: int, returns: int) -> _Down:
    """Ask again soon, as others probe the models meanwhile; but not for ever."""
    if now_ms - first_ms > OUTAGE_MS:
        raise NoCapacityError(f"every model of {decision.target} is down")
    again_ms = now_ms + ASK_AGAIN_MS
    if request.max_wait_ms is not None and again_ms - first_ms > request.max_wait_ms:
        raise PoolBusyError(f"every model of {decision.target} is down", again_ms)
    return _Down(again_ms, returns)


def _queue(quote: Quote, now_ms: int) -> Queue:
    claim = quote.claim
    gives_back = claim.expected != claim.amounts
    settled_ms = quote.account.learned.latency_ms(claim.max_output_tokens) if gives_back else 0
    return queue(quote.account, claim.amounts, claim.expected, now_ms, settled_ms)


def _must_queue(best: Quote, now_ms: int, returns: int, lost: bool) -> bool:
    """Whether a bulk call stands behind others, who were faster for instance, or would hold more of the future."""
    ahead_ms = best.start_ms - now_ms
    if returns:
        return ahead_ms > HORIZON_MS and returns < PATIENCE
    return ahead_ms > (0 if lost else AT_ONCE_MS)


def _spread_ms(request: ModelRequest) -> int:
    """Part of a second that differs between the members of a series, so that they do not come back together.

    Still within the second in which room opens: whoever books for the same second does so without disturbing others.
    """
    return request.rotation * 137 % 700
