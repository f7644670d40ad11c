"""Ways to book on one item, side by side: the ledger's and the ones it was chosen over; then the whole dispatcher.

Run: python -m benchmarks.protocols [--endpoint URL]     (about ten minutes; starts an emulator of its own)

All protocols share the ledger's arithmetic and its item; they differ in the condition of their write and in what they
know before it. `lost` are bookings that callers hold and the item does not; p95 is the time to book, against the
ledger's in the same load. Run them on an idle machine: the slower its answers, the more callers collide.

The dispatcher's loads end when every call is made, so that they count the writes of those who queue or come back, too.
"""

from __future__ import annotations

import argparse
import random
import time
import uuid
from typing import Any

from botocore.exceptions import ClientError

from benchmarks.ledger_loads import (
    AMOUNTS,
    CALL_S,
    LOADS,
    MODEL,
    TABLE,
    USED,
    Bench,
    Counted,
    LedgerBooker,
    Load,
    Measured,
    Tally,
    bench,
    catalog,
)
from rota.booking import Booking
from rota.catalog import Catalog
from rota.clock import ServiceClock
from rota.dispatch import Dispatcher, Waiting
from rota.ledger import Ledger
from rota.ledger_item import decode
from rota.ledger_table import CONDITION_FAILED, LedgerTable, code
from rota.ledger_writes import roll, take
from rota.providers.base import Completion, ModelCall
from rota.routing.request import ModelRequest
from rota.usage import Usage


class OpenSlotLastState:
    """An open slot that callers share; the caller's last state of the item is its first guess.

    A write returns the item as it leaves it, so that the guess is as good as one without a read can be.
    """

    shares = True
    """Whether room is taken from the open slot while there is some, instead of checking the version each time."""
    looks_first = False
    """Whether the item is read before the first write when the last state does not promise the open slot."""
    patience: int | None = 1
    """How many times a caller that failed goes on at once from ALL_OLD; then it backs off and reads. None: for ever."""

    def __init__(self, dynamodb: Any, catalog: Catalog) -> None:
        self._clock = ServiceClock()
        self._table, self._model = LedgerTable(dynamodb, TABLE, self._clock), catalog.models[0]
        self._account = self._decode({})

    def book(self) -> Booking:
        """See `Booker.book`; never gives up."""
        nonce, failed = uuid.uuid4().hex[:12], 0
        if self.looks_first and not self._account.plan(AMOUNTS, self._clock.now_ms()).fast:
            self._account = self._decode(self._table.item(MODEL))
        while not self._write(nonce):
            failed += 1
            if self.patience is not None and failed > self.patience:
                self._table.back_off(failed - 1)
                self._account = self._decode(self._table.item(MODEL))
        start_ms = max(self._clock.now_ms(), self._account.open_s * 1000)
        return Booking(MODEL, start_ms, self._account.open_s, AMOUNTS, nonce)

    def _write(self, nonce: str) -> bool:
        """Whether the write held; the account is as it stands then in any case."""
        now_ms = self._clock.now_ms()
        plan = self._account.plan(AMOUNTS, now_ms)
        fast = plan.fast and self.shares
        update = take(plan, AMOUNTS, nonce) if fast else roll(self._account, plan, AMOUNTS, nonce, now_ms)
        try:
            item = self._table.update(MODEL, {**update, "ReturnValues": "ALL_NEW"})["Attributes"]
        except ClientError as error:
            if code(error) != CONDITION_FAILED:
                raise
            shown: Any = error.response
            self._account = self._decode(shown["Item"])
            return False
        self._account = self._decode(item)
        return True

    def _decode(self, item: Any) -> Any:
        return decode(self._model, item, self._clock.now_ms() // 1000)


class OpenSlotReadWhenNeeded(OpenSlotLastState):
    """The same, with one read when the last state does not promise the open slot."""

    looks_first = True


class VersionCheck(OpenSlotLastState):
    """Every write is conditional on the version; whoever loses goes on at once from the ALL_OLD that it is shown."""

    shares, patience = False, None


class VersionCheckBackingOff(OpenSlotLastState):
    """The same, but whoever loses backs off and reads again."""

    shares, patience = False, 0


PROTOCOLS = {
    "ledger: open slot, read first": LedgerBooker,
    "open slot, read when needed": OpenSlotReadWhenNeeded,
    "open slot, last state": OpenSlotLastState,
    "version, back off and read": VersionCheckBackingOff,
    "version, ALL_OLD": VersionCheck,
}
ROUNDS = 3
"""How often a load is repeated that is over in a moment."""
REQUEST_TOKENS = 1000
"""Of AMOUNTS; the rest is the bound of the output."""
DISPATCHED = (
    Load("100 at once, window for 50", 100, 0, 0, 50),
    Load("100 at once, bucket for 50", 100, 0, 0, 50, None, "token_bucket"),
)


class InstantVendor:
    """A vendor that takes some tenths of a second for an answer of half the size that was booked."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def prepare(self, *_: Any, **__: Any) -> None:
        """Nothing."""

    def complete(self, *_: Any, **__: Any) -> Completion:
        """See `Provider.complete`."""
        latency_s = self._random.uniform(0, CALL_S)
        time.sleep(latency_s)
        return Completion("", Usage(REQUEST_TOKENS, USED["tpm"] - REQUEST_TOKENS), "end", round(latency_s * 1000))


def dispatched(load: Load, _way: Any, dynamodb: Any, start_at: float, seed: int) -> Tally:
    """One bulk call through the dispatcher, from its first question to its end, in real time."""
    counted, vendor = Counted(dynamodb), InstantVendor(seed)
    ledger = Ledger(counted, TABLE, catalog(load))  # type: ignore[arg-type]
    dispatcher = Dispatcher(catalog(load), ledger, lambda _: vendor, lambda _: None)
    bound = AMOUNTS["tpm"] - REQUEST_TOKENS
    request = ModelRequest("summarize", "all", REQUEST_TOKENS, bound, rotation=seed)
    time.sleep(max(0.0, start_at - time.time()))
    pending, returns = None, 0
    while True:
        done = dispatcher.run(request, ModelCall("", "", bound), str, lambda: 900_000, pending)
        if not isinstance(done, Waiting):
            return Tally(1, counted.writes - 1, 1, counted.reads, returns)
        pending, returns = done.pending, returns + 1
        time.sleep(max(0, done.until_ms - ledger.clock.now_ms()) / 1000)


def compare(load: Load, on: Bench) -> None:
    """Print a line for each protocol under one load; rounds alternate, so that a busy moment meets all alike."""
    rounds = [
        {name: on.run(load, protocol) for name, protocol in PROTOCOLS.items()}
        for _ in range(1 if load.seconds else ROUNDS)
    ]
    tallies = {name: sum((each[name].tally for each in rounds), Tally()) for name in PROTOCOLS}
    ours_ms = next(iter(tallies.values())).p95_ms
    for name, tally in tallies.items():
        per_call = f"{(tally.writes + tally.settlements) / tally.bookings:.2f}" if tally.settlements else "-"
        print(
            f"{load.name:28}{name:31}{tally.bookings:8}{tally.writes / tally.bookings:8.2f}"
            f"{tally.reads / tally.bookings:7.2f}{per_call:>9}{sum(each[name].lost for each in rounds):6}"
            f"{tally.p95_ms / ours_ms:7.2f} x",
            flush=True,
        )


def through_dispatcher(load: Load, on: Bench) -> None:
    """Print what one load costs through the dispatcher."""
    began = time.monotonic()
    measured: Measured = on.run(load, None, dispatched)
    tally = measured.tally
    print(
        f"{load.name:28}{tally.bookings:8}{tally.writes / tally.bookings:8.2f}{tally.reads / tally.bookings:7.2f}"
        f"{tally.writes / tally.bookings + 1:9.2f}{tally.returns / tally.bookings:9.2f}"
        f"{tally.bookings - measured.account.counters.calls:6}{time.monotonic() - began:7.0f} s",
        flush=True,
    )


def main() -> None:
    """Measure and print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--endpoint", default="", help="a DynamoDB to use, such as http://127.0.0.1:4566")
    arguments = parser.parse_args()
    with bench(arguments.endpoint) as on:
        print("Per booking; `+settle`: writes per call with its settlement (targets: 2.1 steady, 2.7 under overload)")
        print(f"{'load':28}{'protocol':31}{'booked':>8}{'writes':>8}{'reads':>7}{'+settle':>9}{'lost':>6}{'p95':>9}")
        for load in LOADS:
            compare(load, on)
        print("\nPer call through the dispatcher, bulk, until all are made")
        heads = f"{'calls':>8}{'writes':>8}{'reads':>7}{'+settle':>9}{'returns':>9}{'lost':>6}{'took':>9}"
        print(f"{'load':28}{heads}")
        for load in DISPATCHED:
            through_dispatcher(load, on)


if __name__ == "__main__":
    main()
