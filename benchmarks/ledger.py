"""What the ledger costs: writes and reads per booking under four loads on one model, and CPU per decision.

Run: python -m benchmarks.ledger [--endpoint URL]        (starts an emulator of its own when there is none)

Callers are threads in four processes, each with its own clients. Settlements are not counted: they are one write each.
The targets are what a prototype reached on an idle machine; a loaded one answers later, so that more callers collide.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
import timeit
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from botocore.config import Config

from local.aws import local_session
from local.emulator import start_emulator, stop_emulator, wait_until_ready
from local.processes import free_port
from rota.accounts import Account, Counters
from rota.booking import Booking
from rota.catalog import Catalog, parse_catalog
from rota.ledger import Ledger
from rota.ledger_item import decode
from rota.ledger_writes import Outcome, roll
from rota.limits import Bookings, limiter

TABLE = "LedgerBenchmark"
PROCESSES = 4
AMOUNTS = {"tpm": 3000, "rpm": 1}


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
    Load("  room for 33", 100, 0, 0, 33),
    Load("  on a bucket", 100, 0, 0, 33, None, "token_bucket"),
    Load("100 over 0.5 s", 100, 0.5, 0, 1000, 1.1),
    Load("  room for 33", 100, 0.5, 0, 33),
    Load("  on a bucket", 100, 0.5, 0, 33, None, "token_bucket"),
    Load("steady 8", 8, 1, 8, 1_000_000, 1.05),
    Load("overload 32", 32, 1, 12, 1200, 1.6, "token_bucket"),
)


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


def client(endpoint: str) -> Any:
    """A client that never retries."""
    once = Config(retries={"total_max_attempts": 1}, max_pool_connections=2)
    return local_session().client("dynamodb", endpoint_url=endpoint, config=once)


def catalog(load: Load) -> Catalog:
    """One model with two limits: `calls_per_minute` calls of AMOUNTS fit into a minute."""
    kinds = [{"kind": kind, "amount": units * load.calls_per_minute} for kind, units in AMOUNTS.items()]
    model = {
        "id": "m",
        "provider": "p",
        "vendor_model": "m",
        "tier": 1,
        "context_tokens": 9000,
        "max_output_tokens": 900,
        "price": {"input_usd": 1, "output_usd": 1},
        "limits": [{**kind, "algorithm": load.algorithm} for kind in kinds],
    }
    step = {"pool": "all", "max_output_tokens": 100}
    return parse_catalog(
        {
            "version": 1,
            "providers": {"p": {"kind": "openai_compatible", "base_url": "http://127.0.0.1:1"}},
            "models": [model],
            "pools": {"all": {"models": ["m"]}},
            "steps": dict.fromkeys(("plan", "summarize", "synthesize", "answer"), step),
        }
    )


def call(load: Load, endpoint: str, start_at: float, seed: int) -> tuple[int, int, int]:
    """(bookings, writes, reads) of one caller; each call takes some tenths of a second and half of its booking."""
    draw, counted = random.Random(seed), Counted(client(endpoint))
    ledger, bookings, settled = Ledger(counted, TABLE, catalog(load)), 0, 0  # type: ignore[arg-type]
    time.sleep(max(0.0, start_at + draw.uniform(0, load.spread_s) - time.time()))
    end = time.time() + load.seconds
    while True:
        account = ledger.read(["m"])["m"]
        booking = ledger.book(account, AMOUNTS, ledger.clock.now_ms() + 250_000)
        if isinstance(booking, Booking):
            bookings += 1
        if time.time() >= end or isinstance(booking, Account):
            return bookings, counted.writes - settled, counted.reads
        time.sleep(max(0.0, booking.start_ms - ledger.clock.now_ms()) / 1000 + draw.uniform(0, 0.3))
        ledger.settle(booking, Outcome({"tpm": 1500, "rpm": 1}, Counters(calls=1), answered=True))
        settled += 1


def callers(load: Load, endpoint: str, start_at: float, number: int) -> list[tuple[int, int, int]]:
    """The callers of one process."""
    count = load.callers // PROCESSES
    with ThreadPoolExecutor(count) as threads:
        return [
            future.result()
            for future in [threads.submit(call, load, endpoint, start_at, number * 1000 + n) for n in range(count)]
        ]


def measure(load: Load, endpoint: str, processes: ProcessPoolExecutor) -> None:
    """Print one line of the table."""
    dynamodb = client(endpoint)
    dynamodb.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "model", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "model", "AttributeType": "S"}],
    )
    try:
        start_at = time.time() + 4
        futures = [processes.submit(callers, load, endpoint, start_at, number) for number in range(PROCESSES)]
        rows = [row for future in futures for row in future.result()]
        item = dynamodb.get_item(TableName=TABLE, Key={"model": {"S": "m"}})["Item"]
    finally:
        dynamodb.delete_table(TableName=TABLE)
    bookings, writes, reads = (sum(column) for column in zip(*rows, strict=True))
    found = decode(catalog(load).models[0], item, 0)
    print(
        f"{load.name:16}{bookings:9}{writes / bookings:9.2f}{load.target or '-':>8}{reads / bookings:8.2f}"
        f"{found.counters.calls:9}{len(item):12}"
    )


def full_account(algorithm: Any) -> Account:
    """Two limits with a booking in each second of the last and the next minute."""
    now_s = int(time.time())
    limiters = {kind: limiter(algorithm, units * 62, 60) for kind, units in AMOUNTS.items()}
    slots = {kind: Bookings(dict.fromkeys(range(now_s - 60, now_s + 61), units)) for kind, units in AMOUNTS.items()}
    return Account(
        "m",
        limiters,
        limiters,
        version=1,
        rolled_s=now_s,
        bookings=slots,
        quotas={k: limiters[k].amount for k in slots},
    )


def decision(algorithm: str) -> tuple[float, float]:
    """Milliseconds of CPU for a plan on a full account, and for a plan and the write that it leads to."""
    account, now_ms = full_account(algorithm), time.time_ns() // 1_000_000

    def cost_ms(action: Callable[[], object]) -> float:
        return min(timeit.repeat(action, timer=time.process_time, number=200, repeat=5)) / 200 * 1000

    planned = account.plan(AMOUNTS, now_ms)
    plan_ms = cost_ms(lambda: account.plan(AMOUNTS, now_ms))
    return plan_ms, plan_ms + cost_ms(lambda: roll(account, planned, AMOUNTS, "nonce", now_ms))


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


def main() -> None:
    """Measure and print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--endpoint", default="", help="a DynamoDB to use, such as http://127.0.0.1:4566")
    arguments = parser.parse_args()
    print("CPU on a full item, 2 limits of 121 slots (target: plan 0.4 ms)")
    for algorithm in ("sliding_window", "token_bucket"):
        plan_ms, write_ms = decision(algorithm)
        print(f"  {algorithm:16} plan {plan_ms:.2f} ms, plan and roll {write_ms:.2f} ms")
    print(f"\n{'load':16}{'bookings':>9}{'writes':>9}{'target':>8}{'reads':>8}{'settled':>9}{'attributes':>12}")
    with emulator(arguments.endpoint) as endpoint, ProcessPoolExecutor(PROCESSES, get_context("spawn")) as processes:
        for load in LOADS:
            measure(load, endpoint, processes)


if __name__ == "__main__":
    main()
