"""What the ledger costs: writes and reads per booking under the loads of `ledger_loads`, and CPU per decision.

Run: python -m benchmarks.ledger [--endpoint URL]        (starts an emulator of its own when there is none)

`benchmarks.protocols` measures other ways of booking beside it. The targets are what a prototype reached on an idle
machine; a loaded one answers later, so that more callers collide.
"""

from __future__ import annotations

import argparse
import time
import timeit
from collections.abc import Callable
from typing import Any

from benchmarks.ledger_loads import AMOUNTS, LOADS, Bench, LedgerBooker, Load, bench
from rota.accounts import Account
from rota.ledger_writes import roll
from rota.limits import Bookings, limiter


def measure(load: Load, on: Bench) -> None:
    """Print one line of the table."""
    measured = on.run(load, LedgerBooker)
    tally = measured.tally
    print(
        f"{load.name:28}{tally.bookings:9}{tally.writes / tally.bookings:9.2f}{load.target or '-':>8}"
        f"{tally.reads / tally.bookings:8.2f}{measured.account.counters.calls:9}{measured.attributes:12}"
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


def main() -> None:
    """Measure and print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--endpoint", default="", help="a DynamoDB to use, such as http://127.0.0.1:4566")
    arguments = parser.parse_args()
    print("CPU on a full item, 2 limits of 121 slots (target: plan 0.4 ms)")
    for algorithm in ("sliding_window", "token_bucket"):
        plan_ms, write_ms = decision(algorithm)
        print(f"  {algorithm:16} plan {plan_ms:.2f} ms, plan and roll {write_ms:.2f} ms")
    print(f"\n{'load':28}{'bookings':>9}{'writes':>9}{'target':>8}{'reads':>8}{'settled':>9}{'attributes':>12}")
    with bench(arguments.endpoint) as on:
        for load in LOADS:
            measure(load, on)


if __name__ == "__main__":
    main()
