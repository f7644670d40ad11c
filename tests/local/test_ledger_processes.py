"""The ledger under real contention: processes on the emulated table, judged by how vendors count."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import pytest

from rota.ledger import Ledger
from tests.fixtures import ledger_worker
from tests.fixtures.ledger_worker import TABLE, Call
from tests.fixtures.ledger_world import catalog_of
from tests.fixtures.vendor_model import Call as VendorCall
from tests.fixtures.vendor_model import over_bucket, over_fixed_window, over_sliding_window

WORKERS = 8
CALLERS = 9
SECONDS = 8
BUSY = catalog_of(
    window=[("tpm", 90_000, "sliding_window"), ("rpm", 200, "sliding_window")],
    bucket=[("tpm", 60_000, "token_bucket")],
    both=[("itpm", 60_000, "sliding_window"), ("otpm", 60_000, "token_bucket"), ("rpd", 5000, "token_bucket")],
)
THREE_EACH = catalog_of(
    a=[("tpm", 3000, "sliding_window")],
    b=[("tpm", 3600, "sliding_window")],
    c=[("tpm", 3200, "token_bucket")],
)


@pytest.fixture
def endpoint(request: pytest.FixtureRequest) -> str:
    """Where DynamoDB listens: the session's emulator, or the one that DYNAMODB_ENDPOINT names."""
    return os.environ.get("DYNAMODB_ENDPOINT") or str(request.getfixturevalue("stack").state.endpoint)


@pytest.fixture
def client(endpoint: str) -> Iterator[Any]:
    """A client of an empty ledger table."""
    with ledger_worker.empty_table(endpoint) as client:
        yield client


@pytest.fixture(scope="module")
def processes() -> Iterator[ProcessPoolExecutor]:
    """Nine processes of their own, all up."""
    context = get_context("spawn")
    together = (context.Barrier(CALLERS),)
    with ProcessPoolExecutor(CALLERS, context, initializer=ledger_worker.join, initargs=together) as executor:
        list(executor.map(ledger_worker.ready, range(CALLERS)))
        yield executor


def test_eight_processes_lose_nothing_and_overstep_nothing(
    processes: ProcessPoolExecutor, endpoint: str, client: Any
) -> None:
    """Random calls on three models, with cancels and crashes; the quotas are used up, and not a token is over."""
    start_at, catalog = time.time() + 1, BUSY.model_dump(mode="json")
    workers = [
        processes.submit(ledger_worker.work, endpoint, catalog, seed, start_at, SECONDS) for seed in range(WORKERS)
    ]
    calls = [call for worker in workers for call in worker.result(timeout=60)]
    accounts = Ledger(client, TABLE, BUSY).read(model.id for model in BUSY.models)

    assert all(call.settled for call in calls)
    for model in BUSY.models:
        mine = [call for call in calls if call.booking.model == model.id]
        account = accounts[model.id]
        for limit in model.limits:
            kind = limit.kind.value
            assert overrun(mine, kind, limit.amount, limit.algorithm, limit.kind.window_s) <= 0
            left = sum(call.booking.amounts[kind] - given_back(call, kind) for call in mine)
            assert sum(account.bookings[kind].slots.values()) + account.handed[kind] == left
        done = [call for call in mine if call.end_ms and call.used]
        assert account.counters.calls == len(done)
        assert account.counters.used_tokens == sum(max(call.used.values()) for call in done if call.used)
        assert account.counters.booked_tokens == sum(max(call.booking.amounts.values()) for call in done)
    assert overrun(calls_on(calls, "window"), "tpm", 81_000, "sliding_window", 60) > 0
    assert overrun(calls_on(calls, "bucket"), "tpm", 54_000, "token_bucket", 60) > 0


def test_nine_callers_get_the_room_for_nine(processes: ProcessPoolExecutor, endpoint: str, client: Any) -> None:
    """Three models with room for three calls each, nine processes at once: nine are admitted now."""
    start_at, catalog = time.time() + 1, THREE_EACH.model_dump(mode="json")
    callers = [processes.submit(ledger_worker.admit, endpoint, catalog, 1000, start_at) for _ in range(CALLERS)]
    booked = [caller.result(timeout=60) for caller in callers]
    assert sorted(booking.model for booking in booked if booking) == ["a", "a", "a", "b", "b", "b", "c", "c", "c"]
    assert max(booking.start_ms for booking in booked if booking) < (start_at + 5) * 1000


def calls_on(calls: list[Call], model: str) -> list[Call]:
    """Those under bookings of one model."""
    return [call for call in calls if call.booking.model == model]


def given_back(call: Call, kind: str) -> int:
    """Units that the process gave back of its booking."""
    return 0 if call.used is None else call.booking.amounts[kind] - call.used[kind]


def overrun(calls: list[Call], kind: str, amount: int, algorithm: str, window_s: int) -> float:
    """By how many units the worst call was over, as the vendor sees it."""
    made = [
        VendorCall(call.at_ms, call.booking.amounts[kind], call.end_ms or float("inf"), given_back(call, kind))
        for call in calls
        if call.at_ms
    ]
    quotas = [(0.0, float(amount))]
    if algorithm == "token_bucket":
        return float(over_bucket(made, quotas, window_s))
    fixed = [over_fixed_window(made, quotas, window_s, offset) for offset in range(0, 60_000, 7001)]
    return max(over_sliding_window(made, quotas, window_s), *fixed)
