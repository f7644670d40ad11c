"""The ledger's DynamoDB table: single requests, and what may be made of each answer."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NotConnectedError

from rota.clock import ServiceClock
from rota.ledger_writes import Update

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

BACKOFF_S = 0.05
READ_TRIES = 4
LEARN = 0.3
"""Weight of the last request in what is known of their delay."""
THROTTLES = {"ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded"}
TROUBLE = (ClientError, HTTPClientError, NotConnectedError)
"""What a request may raise; `code` and `passes` tell the kinds apart."""
CONDITION_FAILED = "ConditionalCheckFailedException"


class LedgerTable:
    """One item per model. Writes are tried once, reads until they are answered."""

    def __init__(
        self, dynamodb: DynamoDBClient, table: str, clock: ServiceClock, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._dynamodb, self._table, self._clock, self._sleep = dynamodb, table, clock, sleep
        self.delay_ms = 0.0
        """How long a request takes lately."""

    def item(self, model: str) -> Any:
        """A model's item as it is now; empty when there is none."""
        key = {"model": {"S": model}}
        reply = self._patiently(self._dynamodb.get_item, TableName=self._table, Key=key, ConsistentRead=True)
        return reply.get("Item", {})

    def items(self, models: list[str]) -> list[Any]:
        """The items there are: up to a hundred per request, asking again for what the service left out."""
        items: list[Any] = []
        asked = [{"model": {"S": model}} for model in models]
        while asked:
            request = {self._table: {"Keys": asked[:100], "ConsistentRead": True}}
            reply = self._patiently(self._dynamodb.batch_get_item, RequestItems=request)
            items += reply["Responses"].get(self._table, [])
            left = reply.get("UnprocessedKeys", {}).get(self._table, {}).get("Keys", [])
            asked = left + asked[100:]
            if left:
                self.back_off(1)
        return items

    def update(self, model: str, update: Update) -> Any:
        """Write once. Raises one of TROUBLE; the outcome is unknown when it `passes`."""
        key = {"model": {"S": model}}
        return self._timed(self._dynamodb.update_item, TableName=self._table, Key=key, **update)

    def write(self, model: str, update: Update) -> bool:
        """Write once; False when the condition did not hold or the outcome is unknown. Raises what stays wrong."""
        try:
            self.update(model, update)
        except TROUBLE as error:
            if not passes(error) and code(error) != CONDITION_FAILED:
                raise
            return False
        return True

    def back_off(self, tries: int) -> None:
        """Sleep a moment, longer after more tries and on a slower table: each loser's next try makes others lose."""
        self._sleep(random.uniform(0, max(BACKOFF_S, self.delay_ms / 1000) * 2 ** min(tries, 3)))

    def _patiently(self, call: Callable[..., Any], **arguments: Any) -> Any:
        """Make one reading request; it may be repeated, so trouble that passes is waited out."""
        for tries in range(1, READ_TRIES):
            try:
                return self._timed(call, **arguments)
            except TROUBLE as error:
                if not passes(error):
                    raise
            self.back_off(tries)
        return self._timed(call, **arguments)

    def _timed(self, call: Callable[..., Any], **arguments: Any) -> Any:
        """Make one request and let the clock learn from its reply."""
        sent_ms = self._clock.local_ms()
        try:
            reply = call(**arguments)
        finally:
            received_ms = self._clock.local_ms()
            self.delay_ms += LEARN * (received_ms - sent_ms - self.delay_ms)
        date = reply["ResponseMetadata"]["HTTPHeaders"].get("date", "")
        self._clock.observe(date, sent_ms, received_ms)
        return reply


def code(error: Exception) -> str:
    """The service's code of an error; empty for one of the network."""
    return str(error.response["Error"]["Code"]) if isinstance(error, ClientError) else ""


def passes(error: Exception) -> bool:
    """Whether the service was busy or unreachable: the outcome is unknown, and the same request may work later."""
    if not isinstance(error, ClientError):
        return True
    return code(error) in THROTTLES or error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500
