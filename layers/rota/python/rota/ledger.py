"""The ledger: tokens are booked in DynamoDB before they are spent, by any number of processes at once.

    quote     caller                    read accounts; pure arithmetic says when each model could start the call
    book      caller ──► one write      "it still fits", not "nobody else booked":
                          fast           the open slot has room: take it                     (commutative)
                          roll           else close it and open the next, if v is as seen    (one winner)
    wait      until the booked start
    call      the provider, once, within LATE_MS of the start; otherwise cancel and book again
    settle    caller ──► one write      give back what was not used, count; no condition, one attempt

    time ──►   book ·········· start ──► call ─────────► settle
    quota      │◄─ n booked ────────────────────────────│◄─ what was used ─►│ leaves the window
    a crash between book and settle costs n until the window has passed, and needs no cleaning up.

The writes themselves, and their conditions as sentences, are in `ledger_writes`; what a vendor's refusals and outages
teach everybody is in `ledger_notices`.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from rota.accounts import Account, Amounts, Counters, Plan
from rota.booking import Booking
from rota.catalog import Catalog, Model
from rota.clock import ServiceClock
from rota.ledger_item import decode
from rota.ledger_table import CONDITION_FAILED, TROUBLE, LedgerTable, code, passes
from rota.ledger_writes import Outcome, roll, settlement, take
from rota.queue_writes import abandoning, beginning, following, joining, leaving
from rota.tickets import NOBODYS, Queue, Ticket

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

FARTHEST_MS = 300_000
"""How far ahead anything is booked; keeps an item's slots within the ring of `ledger_item`."""
TRIES = 30


class Ledger:
    """Quote, book and settle on one DynamoDB table.

    `dynamodb` must not retry by itself (`total_max_attempts=1`): a hidden retry of a settlement counts twice.
    """

    def __init__(
        self,
        dynamodb: DynamoDBClient,
        table: str,
        catalog: Catalog,
        clock: ServiceClock | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.clock = clock or ServiceClock()
        self.table = LedgerTable(dynamodb, table, self.clock, sleep)
        self.health = catalog.routing.health
        self._models: Mapping[str, Model] = {model.id: model for model in catalog.models}

    def soonest_ms(self) -> int:
        """When a call could leave whose booking is sent now: callers of a busy table meet in the same second ahead."""
        return self.clock.now_ms() + round(self.table.delay_ms)

    def read(self, models: Iterable[str]) -> dict[str, Account]:
        """The accounts of these models as they are now (consistent reads)."""
        wanted = list(dict.fromkeys(models))
        if len(wanted) == 1:
            return {wanted[0]: self.account(wanted[0])}
        found = {item["model"]["S"]: item for item in self.table.items(wanted)}
        return {model: self._decode(model, found.get(model, {})) for model in wanted}

    def account(self, model: str) -> Account:
        """One model's account as it is now."""
        return self._decode(model, self.table.item(model))

    def _decode(self, model: str, item: Any) -> Account:
        return decode(self._models[model], item, self.clock.now_ms() // 1000)

    def book(self, account: Account, amounts: Amounts, latest_ms: int) -> Booking | Account:
        """Book `amounts` for the earliest start that is not after `latest_ms`.

        Returns the model's newer account instead when others were faster and the start would now be later: ask the
        whole pool again. Raises NoCapacityError before anything is written when the call can never start.
        """
        nonce = uuid.uuid4().hex[:12]
        for tries in range(TRIES):
            now_ms = self.soonest_ms()
            plan = account.plan(amounts, now_ms)
            if plan.start_ms > min(latest_ms, now_ms + FARTHEST_MS):
                return account
            account = self._write(account, plan, amounts, nonce, now_ms)
            if account.nonce == nonce:  # also when an earlier try arrived although its reply did not
                start_ms = max(self.clock.now_ms(), account.open_s * 1000)
                breaker = {"strikes": account.strikes, "out_until_s": account.out_until_s or 0}
                return Booking(account.model, start_ms, account.open_s, dict(amounts), nonce, **breaker)
            if tries:  # losing once is the protocol at work: the next try takes the fast path
                self.table.back_off(tries)
                account = self.account(account.model)
        return account

    def _write(self, account: Account, plan: Plan, amounts: Amounts, nonce: str, now_ms: int) -> Account:
        """One booking write. The account as it stands then: with my nonce when the write holds."""
        update = take(plan, amounts, nonce) if plan.fast else roll(account, plan, amounts, nonce, now_ms)
        try:
            self.table.update(account.model, update)
        except TROUBLE as error:
            return self._decode(account.model, self._item_after(error, account.model))
        return replace(account, nonce=nonce, open_s=plan.open_s)

    def _item_after(self, error: Exception, model: str) -> Any:
        """The item after a booking write that failed, or whose outcome is unknown: its nonce tells. Raises the rest."""
        if isinstance(error, ClientError) and code(error) == CONDITION_FAILED:
            return error.response.get("Item") or self.table.item(model)
        if not passes(error):
            raise error
        self.table.back_off(1)
        return self.table.item(model)

    def queue(self, queue: Queue, holder: str = NOBODYS) -> int | None:
        """Take a ticket for a job: when the call's turn comes (epoch ms). None when that is not known: ask again."""
        account, advance_ms = queue.account, queue.advance_ms
        joins, follows = joining(advance_ms, holder), following(advance_ms, holder)
        updates = [joins, follows] if account.tail_holder == holder else [follows, joins]
        if account.tail_ms < queue.first_ms:  # others may have begun the queue meanwhile, mostly of the same job
            updates = [beginning(advance_ms, holder, queue.first_ms), joins, follows]
        for update in updates:
            try:
                reply = self.table.update(account.model, update)
            except TROUBLE as error:
                if not passes(error) and code(error) != CONDITION_FAILED:
                    raise
                continue
            return queue.due_ms(int(reply["Attributes"]["z"]["N"]) - advance_ms)
        return None

    def leave_queue(self, ticket: Ticket) -> bool:
        """Give up a ticket that was taken just now. False when that is not known, or nobody stands in the queue."""
        for update in leaving(ticket.advance_ms, self.clock.now_ms()):
            try:
                self.table.update(ticket.model, update)
            except TROUBLE as error:
                if code(error) == CONDITION_FAILED:
                    continue
                if not passes(error):
                    raise
                return False  # it may have been written: once more would take others' tickets off as well
            return True
        return False

    def abandon_queues(self, holder: str) -> None:
        """Give up the tickets of a job behind which nobody else stands; harmless twice."""
        now_ms = self.clock.now_ms()
        for account in self.read(self._models).values():
            if account.tail_holder == holder:
                for update in abandoning(holder, now_ms):
                    self.table.write(account.model, update)

    def settle(self, booking: Booking, outcome: Outcome) -> bool:
        """Give back what `booking` took and the call did not use; count and learn. One attempt, never repeated.

        Use beyond the booking counts from now on. False when the outcome is unknown: then what was booked ages
        out by itself, which wastes room for one window and never oversteps a quota.
        """
        limiters = {limit.kind.value: limit.limiter() for limit in self._models[booking.model].limits}
        update = settlement(limiters, booking, outcome, self.health, self.clock.now_ms() // 1000)
        return not update or self.table.write(booking.model, update)

    def cancel(self, booking: Booking, answered: bool = False) -> bool:
        """Give a booking back whole, because its call was not made or the vendor `answered` that it spent nothing."""
        return self.settle(booking, Outcome(answered=answered))

    def count_refusal(self, booking: Booking) -> bool:
        """Give a booking back whole and count the vendor's refusal."""
        return self.settle(booking, Outcome(counters=Counters(refusals=1), answered=True))
