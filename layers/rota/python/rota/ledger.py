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

The writes themselves, and their conditions as sentences, are in `ledger_writes`.
"""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NotConnectedError

from rota.accounts import Account, Amounts, Counters, Plan
from rota.catalog import Catalog
from rota.clock import ServiceClock
from rota.ledger_item import decode
from rota.ledger_writes import Update, blocking, roll, settlement, take
from rota.limits import Limiter, limiter

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

HORIZON_MS = 60_000
"""How far ahead bulk calls book: who would start later comes back, so that the rest of the pool's time stays open."""
FARTHEST_MS = 300_000
"""How far ahead anything is booked; keeps an item's slots within the ring of `ledger_item`."""
LATE_MS = 250
"""A booking is void this long after its second: windows are computed for calls that leave in time."""
BACKOFF_S = 0.05
TRIES = 30
READ_TRIES = 4
THROTTLES = {"ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded"}

TROUBLE = (ClientError, HTTPClientError, NotConnectedError)
CONDITION_FAILED = "ConditionalCheckFailedException"


@dataclass(frozen=True, slots=True)
class Booking:
    """The right to start one call on `model` from `start_ms` on, and what was taken from each limit for it.

    `open_s` is the second it was booked in; it stays the same when the caller gets the booking late in that second.
    """

    model: str
    start_ms: int
    open_s: int
    amounts: Amounts
    nonce: str

    def is_void(self, now_ms: int) -> bool:
        """Whether it is too late to call under this booking."""
        return now_ms > (self.open_s + 1) * 1000 + LATE_MS

    def as_dict(self) -> dict[str, Any]:
        """A JSON value that `Booking(**value)` reads back."""
        return asdict(self)


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
        self._dynamodb, self._table, self._sleep = dynamodb, table, sleep
        self.clock = clock or ServiceClock()
        self._limiters: dict[str, Mapping[str, Limiter]] = {
            model.id: {
                limit.kind.value: limiter(limit.algorithm, limit.amount, limit.kind.window_s) for limit in model.limits
            }
            for model in catalog.models
        }

    def read(self, models: Iterable[str]) -> dict[str, Account]:
        """The accounts of these models as they are now (consistent reads)."""
        wanted = list(dict.fromkeys(models))
        if len(wanted) == 1:
            found = {wanted[0]: self._item(wanted[0])}
        else:
            found = {item["model"]["S"]: item for item in self._read_many(wanted)}
        return {model: decode(model, self._limiters[model], found.get(model, {})) for model in wanted}

    def _read_many(self, models: list[str]) -> list[Any]:
        """Up to a hundred items per request, asking again for what the service left out."""
        items: list[Any] = []
        asked = [{"model": {"S": model}} for model in models]
        while asked:
            request = {self._table: {"Keys": asked[:100], "ConsistentRead": True}}
            reply = self._patiently(self._dynamodb.batch_get_item, RequestItems=request)
            items += reply["Responses"].get(self._table, [])
            left = reply.get("UnprocessedKeys", {}).get(self._table, {}).get("Keys", [])
            asked = left + asked[100:]
            if left:
                self._sleep(BACKOFF_S)
        return items

    def book(self, account: Account, amounts: Amounts, latest_ms: int) -> Booking | Account:
        """Book `amounts` for the earliest start that is not after `latest_ms`.

        Returns the model's newer account instead when others were faster and the start would now be later: ask the
        whole pool again. Raises NoCapacityError before anything is written when the call can never start.
        """
        nonce = uuid.uuid4().hex[:12]
        for tries in range(TRIES):
            now_ms = self.clock.now_ms()
            plan = account.plan(amounts, now_ms)
            if plan.start_ms > min(latest_ms, now_ms + FARTHEST_MS):
                return account
            account = self._write(account, plan, amounts, nonce, now_ms)
            if account.nonce == nonce:  # also when an earlier try arrived although its reply did not
                start_ms = max(self.clock.now_ms(), account.open_s * 1000)
                return Booking(account.model, start_ms, account.open_s, dict(amounts), nonce)
            if tries:  # losing once is the protocol at work: the next try takes the fast path
                self._back_off(tries)
                account = decode(account.model, account.limiters, self._item(account.model))
        return account

    def _write(self, account: Account, plan: Plan, amounts: Amounts, nonce: str, now_ms: int) -> Account:
        """One booking write. The account as it stands then: with my nonce when the write holds."""
        update = take(plan, amounts, nonce) if plan.fast else roll(account, plan, amounts, nonce, now_ms)
        try:
            self._update(account.model, update)
        except TROUBLE as error:
            return decode(account.model, account.limiters, self._item_after(error, account.model))
        return replace(account, nonce=nonce, open_s=plan.open_s)

    def _item_after(self, error: Exception, model: str) -> Any:
        """The item after a booking write that failed, or whose outcome is unknown: its nonce tells. Raises the rest."""
        if isinstance(error, ClientError) and _code(error) == CONDITION_FAILED:
            return error.response.get("Item") or self._item(model)
        if not _passes(error):
            raise error
        self._sleep(BACKOFF_S)
        return self._item(model)

    def _item(self, model: str) -> Any:
        reply = self._patiently(
            self._dynamodb.get_item, TableName=self._table, Key={"model": {"S": model}}, ConsistentRead=True
        )
        return reply.get("Item", {})

    def settle(self, booking: Booking, used: Amounts, counters: Counters) -> bool:
        """Give back what `booking` took and the call did not use; count the call. One attempt, never repeated.

        Use beyond the booking counts from now on. False when the outcome is unknown: then what was booked ages
        out by itself, which wastes room for one window and never oversteps a quota.
        """
        limiters, now_s = self._limiters[booking.model], self.clock.now_ms() // 1000
        update = settlement(limiters, booking.open_s, booking.amounts, used, counters=counters, now_s=now_s)
        if not update:
            return True
        try:
            self._update(booking.model, update)
        except TROUBLE as error:
            if not _passes(error):
                raise
            return False
        return True

    def cancel(self, booking: Booking) -> bool:
        """Give a booking back whole, because its call was not made or was refused. See `settle`."""
        return self.settle(booking, {}, Counters())

    def count_refusal(self, booking: Booking) -> bool:
        """Give a booking back whole and count the vendor's refusal."""
        return self.settle(booking, {}, Counters(refusals=1))

    def block(self, model: str, until_ms: int) -> None:
        """Keep new calls off a model until then, for every caller (a vendor said when to come back)."""
        try:
            self._update(model, blocking(until_ms))
        except TROUBLE as error:
            # Whoever does not learn of it is refused once and blocks again.
            if not _passes(error) and _code(error) != CONDITION_FAILED:
                raise

    def _update(self, model: str, update: Update) -> None:
        key = {"model": {"S": model}}
        self._timed(self._dynamodb.update_item, TableName=self._table, Key=key, **update)

    def _back_off(self, tries: int) -> None:
        self._sleep(random.uniform(0, min(0.5, BACKOFF_S * 2 ** min(tries, 5))))

    def _patiently(self, call: Callable[..., Any], **arguments: Any) -> Any:
        """Make one reading request; it may be repeated, so trouble that passes is waited out."""
        for tries in range(1, READ_TRIES):
            try:
                return self._timed(call, **arguments)
            except TROUBLE as error:
                if not _passes(error):
                    raise
            self._back_off(tries)
        return self._timed(call, **arguments)

    def _timed(self, call: Callable[..., Any], **arguments: Any) -> Any:
        """Make one request and let the clock learn from its reply."""
        sent_ms = self.clock.local_ms()
        reply = call(**arguments)
        date = reply["ResponseMetadata"]["HTTPHeaders"].get("date", "")
        self.clock.observe(date, sent_ms, self.clock.local_ms())
        return reply


def _code(error: Exception) -> str:
    return str(error.response["Error"]["Code"]) if isinstance(error, ClientError) else ""


def _passes(error: Exception) -> bool:
    """Whether the service was busy or unreachable: the outcome is unknown, and the same request may work later."""
    if not isinstance(error, ClientError):
        return True
    return _code(error) in THROTTLES or error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500
