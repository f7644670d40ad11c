"""Loads on one model's ledger item, the callers that make them, and the emulator that bears them.

Callers are threads in four processes, each with its own client. Every caller books, waits for its start, takes some
tenths of a second for the call, uses half of what it booked, and settles.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any, Protocol

from botocore.config import Config

from local.aws import local_session
from local.emulator import start_emulator, stop_emulator, wait_until_ready
from local.processes import free_port
from rota.accounts import Account, Counters
from rota.booking import Booking
from rota.catalog import Catalog
from rota.catalog_file import parse_catalog
from rota.ledger import Ledger
from rota.ledger_item import decode
from rota.ledger_writes import Outcome

TABLE = "LedgerBenchmark"
PROCESSES = 4
MODEL = "m"
AMOUNTS = {"tpm": 3000, "rpm": 1}
USED = {"tpm": 1500, "rpm": 1}
AHEAD_MS = 250_000
"""How far ahead callers book: in none of the loads has anybody to come back."""
CALL_S = 0.3
"""The longest a simulated call takes."""
LEAD_S = 0.3
"""From the moment when all processes are ready until the first callers begin."""
CALLERS = 100
"""The most callers of a load."""


@dataclass(frozen=True)
class Load:
    """`callers` begin within `spread_s` and book for `seconds` (0: once each) under a quota of `calls_per_minute`."""

    name: str
    callers: int
    spread_s: float
    seconds: float
    calls_per_minute: int
    target: float | None = None
    algorithm: str = "sliding_window"


LOADS = (
    Load("100 at once", 100, 0, 0, 1000, 3.5),
    Load("100 at once, window for 33", 100, 0, 0, 33),
    Load("100 at once, bucket for 33", 100, 0, 0, 33, None, "token_bucket"),
    Load("100 in 0.5 s", 100, 0.5, 0, 1000, 1.1),
    Load("100 in 0.5 s, window for 33", 100, 0.5, 0, 33),
    Load("100 in 0.5 s, bucket for 33", 100, 0.5, 0, 33, None, "token_bucket"),
    Load("steady 8", 8, 1, 8, 1_000_000, 1.05),
    Load("steady 100", 100, 1, 8, 1_000_000, 1.05),
    Load("overload 32", 32, 1, 12, 1200, 1.6, "token_bucket"),
)
"""Targets are writes per booking, the settlement not included."""


@dataclass(frozen=True)
class Tally:
    """What callers did together: `writes` without the `settlements`, `returns` after waiting elsewhere.

    `book_ms` has the time that each booking took, from its first read to its reply.
    """

    bookings: int = 0
    writes: int = 0
    settlements: int = 0
    reads: int = 0
    returns: int = 0
    book_ms: tuple[float, ...] = ()

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.bookings + other.bookings,
            self.writes + other.writes,
            self.settlements + other.settlements,
            self.reads + other.reads,
            self.returns + other.returns,
            self.book_ms + other.book_ms,
        )

    @property
    def p95_ms(self) -> float:
        """The time within which 95 of 100 bookings were made."""
        return sorted(self.book_ms)[int(len(self.book_ms) * 0.95)]


@dataclass(frozen=True)
class Measured:
    """A load's tally and the account that it left behind."""

    tally: Tally
    account: Account
    attributes: int

    @property
    def lost(self) -> int:
        """Bookings that callers hold and the item does not.

        For each it keeps one request, settled or not, until they age out after a minute.
        """
        return self.tally.bookings - self.account.handed["rpm"] - sum(self.account.bookings["rpm"].slots.values())


class Counted:
    """A DynamoDB client that counts its requests."""

    def __init__(self, client: Any) -> None:
        self.client, self.writes, self.reads = client, 0, 0

    def update_item(self, **request: Any) -> Any:
        """One write, also when its condition fails."""
        self.writes += 1
        return self.client.update_item(**request)

    def get_item(self, **request: Any) -> Any:
        """One read."""
        self.reads += 1
        return self.client.get_item(**request)


class Booker(Protocol):
    """One caller's way of booking."""

    def __init__(self, dynamodb: Any, catalog: Catalog) -> None: ...

    def book(self) -> Booking | None:
        """Book AMOUNTS; None when the protocol gave up."""
        ...


class LedgerBooker:
    """The ledger as the dispatcher uses it: one read, then book."""

    def __init__(self, dynamodb: Any, catalog: Catalog) -> None:
        self._ledger = Ledger(dynamodb, TABLE, catalog)

    def book(self) -> Booking | None:
        """See `Booker.book`."""
        account = self._ledger.read([MODEL])[MODEL]
        booking = self._ledger.book(account, AMOUNTS, self._ledger.clock.now_ms() + AHEAD_MS)
        return booking if isinstance(booking, Booking) else None


def client(endpoint: str) -> Any:
    """A client that never retries."""
    once = Config(retries={"total_max_attempts": 1}, max_pool_connections=2)
    return local_session().client("dynamodb", endpoint_url=endpoint, config=once)


@cache
def clients(endpoint: str) -> Sequence[Any]:
    """The clients of this process, one for each of its callers, made before the first load begins."""
    return [client(endpoint) for _ in range(CALLERS // PROCESSES)]


def catalog(load: Load) -> Catalog:
    """One model with two limits: `calls_per_minute` calls of AMOUNTS fit into a minute."""
    kinds = [{"kind": kind, "amount": units * load.calls_per_minute} for kind, units in AMOUNTS.items()]
    model = {
        "id": MODEL,
        "provider": "p",
        "vendor_model": "m",
        "tier": 1,
        "context_tokens": 9000,
        "max_output_tokens": 2000,
        "price": {"input_usd": 1, "output_usd": 1},
        "refunds": True,
        "limits": [{**kind, "algorithm": load.algorithm} for kind in kinds],
    }
    step = {"pool": "all", "max_output_tokens": 100}
    return parse_catalog(
        {
            "version": 1,
            "providers": {"p": {"kind": "openai_compatible", "base_url": "http://127.0.0.1:1"}},
            "models": [model],
            "pools": {"all": {"models": [MODEL]}},
            "steps": dict.fromkeys(("plan", "summarize", "synthesize", "answer"), step),
        }
    )


def call(load: Load, booker: type[Booker], dynamodb: Any, start_at: float, seed: int) -> Tally:
    """One caller, from its start to its end."""
    draw, counted = random.Random(seed), Counted(dynamodb)
    mine, ledger = booker(counted, catalog(load)), Ledger(counted, TABLE, catalog(load))  # type: ignore[arg-type]
    bookings, settlements, book_ms = 0, 0, []
    time.sleep(max(0.0, start_at + draw.uniform(0, load.spread_s) - time.time()))
    end = time.time() + load.seconds
    while True:
        began = time.perf_counter()
        booking = mine.book()
        book_ms.append((time.perf_counter() - began) * 1000)
        bookings += booking is not None
        if time.time() >= end or booking is None:
            writes = counted.writes - settlements
            return Tally(bookings, writes, settlements, counted.reads, book_ms=tuple(book_ms))
        time.sleep(max(0.0, booking.start_ms - ledger.clock.now_ms()) / 1000 + draw.uniform(0, CALL_S))
        ledger.settle(booking, Outcome(USED, Counters(calls=1), answered=True))
        settlements += 1


Caller = Callable[[Load, Any, Any, float, int], Tally]
"""`call`, or what else makes a load of it; the second argument is passed through from `measure`."""


_everyone: list[Barrier] = []


def join(barrier: Barrier) -> None:
    """Remember what all processes wait at before a load."""
    _everyone.append(barrier)


def callers(caller: Caller, load: Load, way: Any, endpoint: str, number: int) -> Tally:
    """The callers of one process."""
    mine = clients(endpoint)[: load.callers // PROCESSES]
    _everyone[0].wait(timeout=120)
    start_at = time.time() + LEAD_S
    with ThreadPoolExecutor(len(mine)) as threads:
        seeds = range(number * 1000, number * 1000 + len(mine))
        futures = [
            threads.submit(caller, load, way, dynamodb, start_at, seed)
            for dynamodb, seed in zip(mine, seeds, strict=True)
        ]
        return sum((future.result() for future in futures), Tally())


class Bench:
    """An emulator with an empty table for each load, and the processes that make it."""

    def __init__(self, endpoint: str, processes: ProcessPoolExecutor) -> None:
        self._endpoint, self._processes, self._dynamodb = endpoint, processes, client(endpoint)

    def run(self, load: Load, way: Any, caller: Caller = call) -> Measured:
        """Make one load, its callers booking in that way."""
        self._dynamodb.create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "model", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "model", "AttributeType": "S"}],
        )
        try:
            futures = [
                self._processes.submit(callers, caller, load, way, self._endpoint, number)
                for number in range(PROCESSES)
            ]
            tally = sum((future.result() for future in futures), Tally())
            item = self._dynamodb.get_item(TableName=TABLE, Key={"model": {"S": MODEL}})["Item"]
        finally:
            self._dynamodb.delete_table(TableName=TABLE)
        return Measured(tally, decode(catalog(load).models[0], item, int(time.time())), len(item))


@contextmanager
def bench(endpoint: str) -> Iterator[Bench]:
    """A warm bench on that endpoint, or on an emulator of its own."""
    context = get_context("spawn")
    together = (context.Barrier(PROCESSES),)
    with emulator(endpoint) as at, ProcessPoolExecutor(PROCESSES, context, join, together) as processes:
        warm = Bench(at, processes)
        warm.run(Load("", CALLERS, 0, 0, 1000), LedgerBooker)  # makes the clients and their connections
        yield warm


@contextmanager
def emulator(endpoint: str) -> Iterator[str]:
    """That endpoint, or an emulator for as long as this lasts."""
    if endpoint:
        yield endpoint
        return
    with tempfile.TemporaryDirectory() as folder:
        port, log, scratch = free_port(), Path(folder) / "emulator.log", Path(folder) / "scratch"
        process = start_emulator(port, scratch=scratch, log=log, tied=True)
        try:
            wait_until_ready(process, port, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            stop_emulator(process, scratch)
