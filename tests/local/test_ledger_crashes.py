"""Workers are killed at every point of a booked call, on the emulated table and before a vendor that counts for itself.

    book ─► request ─► performed ─► reply │ call ─► admitted ─► answered │ settle ─► request ─► performed ─► reply

A write that is under way is held by a proxy, which knows whether the service performed it: lost before the service saw
it, performed without a reply, or performed later than anybody expects.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import pytest
from deployed_stack import Simulated

from local.simulated.models import ModelConfig
from local.simulated.server import RunningServer
from rota.ledger import Ledger
from tests.fixtures.crashing_worker import BOOKED, Order, Worker
from tests.fixtures.ledger_worker import TABLE, empty_table
from tests.fixtures.ledger_world import catalog_of
from tests.fixtures.parking_proxy import ParkingProxy, is_booking, is_settlement

QUOTA = 12_000
UNITS = BOOKED["tpm"]
MODELS = {"window": "sliding_window", "bucket": "token_bucket"}
CATALOG = catalog_of(**{name: [("tpm", QUOTA, algorithm)] for name, algorithm in MODELS.items()})
WINDOW_AND_GUARD_S = 63
"""A minute, the second in which a call may be late, and the slots at both ends."""
PATIENCE_S = 30


@dataclass(frozen=True)
class Death:
    """Where a worker dies, and what the service and the vendor have of it in the end."""

    halts_after: str = ""
    parks: Literal["booking", "settlement", ""] = ""
    at: Literal["request", "reply"] = "request"
    late: bool = False
    booked: bool = True
    admitted: bool = True
    settled: bool = False


DEATHS = {
    "booking lost": Death(parks="booking", booked=False, admitted=False),
    "booking performed": Death(parks="booking", at="reply", admitted=False),
    "booking late": Death(parks="booking", late=True, booked=False, admitted=False),
    "booked": Death(halts_after="booked", admitted=False),
    "admitted": Death(),
    "answered": Death(halts_after="answered"),
    "settlement lost": Death(parks="settlement"),
    "settlement performed": Death(parks="settlement", at="reply", settled=True),
    "settlement late": Death(parks="settlement", late=True, settled=True),
}
PARKS = {"booking": is_booking, "settlement": is_settlement, "": lambda _: False}


@dataclass
class Scene:
    """A table, the vendor, and three workers who live; all calls are of one model."""

    model: str
    endpoint: str
    client: Any
    vendor: Simulated
    vendor_url: str
    survivors: list[Worker]

    def order(self, calls: int, endpoint: str = "", halts_after: str = "") -> Order:
        """So many calls, or as many as start soon; through a proxy when it has an endpoint of its own."""
        catalog = CATALOG.model_dump(mode="json")
        return Order(endpoint or self.endpoint, self.vendor_url, catalog, self.model, calls, halts_after)

    def survivors_call(self, calls: int) -> set[str]:
        """All at once, until each has made that many calls, found the model full or failed; how they ended."""
        for worker in self.survivors:
            worker.order(self.order(calls))
        return {worker.until("done", "full")[0] for worker in self.survivors}

    def wait_until_admitted(self, calls: int) -> None:
        """Return when the vendor has let so many calls in."""
        deadline = time.monotonic() + PATIENCE_S
        while self.vendor.stats()[self.model]["admitted"] < calls:
            assert time.monotonic() < deadline, "the vendor admitted no further call"
            time.sleep(0.01)


@pytest.fixture(scope="module")
def vendor_url() -> Iterator[str]:
    """A vendor with the quotas that the ledger keeps, each counted in the vendor's way."""
    models = {
        name: ModelConfig(name, name, "openai_compatible", refunds=True, answers="filler", output_share=0.5).changed(
            {
                "latency": {"base_ms": 0, "per_token_ms": 0},
                "limits": [{"kind": "tpm", "amount": QUOTA, "algorithm": algorithm}],
            }
        )
        for name, algorithm in MODELS.items()
    }
    with RunningServer(models) as server:
        yield server.url


@pytest.fixture(scope="module")
def survivors() -> Iterator[list[Worker]]:
    """Three workers who live through all of it."""
    workers = [Worker() for _ in range(3)]
    yield workers
    for worker in workers:
        worker.kill()


@pytest.fixture(params=MODELS)
def scene(request: pytest.FixtureRequest, vendor_url: str, survivors: list[Worker]) -> Iterator[Scene]:
    """An empty table on the session's emulator (or where DYNAMODB_ENDPOINT says), and a vendor who has seen nothing."""
    endpoint = os.environ.get("DYNAMODB_ENDPOINT") or str(request.getfixturevalue("stack").state.endpoint)
    vendor = Simulated(vendor_url)
    vendor.reset()
    for worker in survivors:
        worker.steps.clear()
    with empty_table(endpoint) as client:
        yield Scene(request.param, endpoint, client, vendor, vendor_url, survivors)
    vendor.close()


@pytest.fixture
def doomed() -> Iterator[Worker]:
    """The one that dies, at the end of the test at the latest."""
    worker = Worker()
    yield worker
    worker.kill()


@pytest.mark.parametrize("place", DEATHS)
def test_a_killed_worker_costs_no_capacity_for_longer_than_a_window(scene: Scene, doomed: Worker, place: str) -> None:
    """Survivors use up what the dead one left; nothing over, nothing lost, nothing counted twice, then all is free."""
    death = DEATHS[place]
    with ParkingProxy(scene.endpoint, PARKS[death.parks], death.at) as proxy:
        assert scene.survivors_call(2) == {"done"}
        lead_to(death, scene, doomed, proxy)
        doomed.kill()
        if not death.late:
            proxy.drop()
        assert scene.survivors_call(100) == {"full"}
        if death.late:
            proxy.deliver()
            assert scene.survivors_call(100) == {"full"}
    assert [is_booking(write) for write in proxy.performed] == [True] * death.booked + [False] * death.settled
    check(scene, doomed, booked=death.booked, settled=death.settled, admitted=death.admitted)


@pytest.mark.parametrize("at", ["request", "reply"])
@pytest.mark.parametrize("parks", ["booking", "settlement"])
def test_a_worker_that_lives_repeats_nothing_that_may_have_been_performed(
    scene: Scene, doomed: Worker, parks: str, at: Literal["request", "reply"]
) -> None:
    """Its connection breaks instead: a booking is made once, a settlement counts once or not at all."""
    with ParkingProxy(scene.endpoint, PARKS[parks], at) as proxy:
        assert scene.survivors_call(2) == {"done"}
        doomed.order(scene.order(1, proxy.url))
        proxy.wait()
        proxy.drop()
        doomed.until("done")
        assert scene.survivors_call(100) == {"full"}
    settled = (parks, at) != ("settlement", "request")
    assert [is_booking(write) for write in proxy.performed] == [True] + [False] * settled
    assert doomed.said("settled") == [parks == "booking"]
    check(scene, doomed, booked=True, settled=settled, admitted=True)


def lead_to(death: Death, scene: Scene, doomed: Worker, proxy: ParkingProxy) -> None:
    """Let the doomed worker make its call up to the place where it dies."""
    hangs = death == DEATHS["admitted"]
    if hangs:
        scene.vendor.fault("hang", scene.model, count=1)
    doomed.order(scene.order(1, proxy.url, death.halts_after))
    if hangs:
        scene.wait_until_admitted(1 + sum(len(worker.said("answered")) for worker in scene.survivors))
    elif death.parks:
        proxy.wait()
    else:
        doomed.until(death.halts_after)


def check(scene: Scene, doomed: Worker, *, booked: bool, settled: bool, admitted: bool) -> None:
    """The ledger holds what was performed, the vendor saw nothing over, and a window later everything is free."""
    account = Ledger(scene.client, TABLE, CATALOG).read([scene.model])[scene.model]
    steps = [worker.said for worker in scene.survivors]
    assert all(confirmed for said in steps for confirmed in said("settled"))
    used = [tokens for said in steps for tokens in said("answered")] + doomed.said("answered")[:1] * settled
    unsettled = UNITS * (booked and not settled)
    left = sum(account.bookings["tpm"].slots.values()) + account.handed["tpm"]
    assert left == sum(used) + unsettled
    assert (account.counters.calls, account.counters.used_tokens) == (len(used), sum(used))
    assert account.counters.booked_tokens == UNITS * len(used)

    seen = scene.vendor.stats()[scene.model]
    assert (seen["refusals"], seen["admitted"]) == (0, len(used) + (admitted and not settled))
    if scene.model == "window":
        assert QUOTA - UNITS < left <= QUOTA
        assert seen["max_tokens_60s"] <= QUOTA

    later_ms = (max(account.open_s, *account.bookings["tpm"].slots) + WINDOW_AND_GUARD_S) * 1000
    assert account.used("tpm", later_ms) == 0
    everything = {"tpm": account.limiters["tpm"].capacity}
    assert account.plan(everything, later_ms).start_ms == later_ms
