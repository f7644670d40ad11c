"""Looks at a pool's health, on a table in memory that others write to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from rota.accounts import Counters
from rota.booking import Booking
from rota.breaker import OPEN_MS
from rota.catalog import Catalog
from rota.clock import ServiceClock
from rota.errors import ProviderTimeoutError, ProviderUnavailableError
from rota.ledger import Ledger
from rota.ledger_notices import Notices
from rota.ledger_writes import Outcome
from rota.policy import Health, Use
from rota.pool_health import Move, look
from tests.fixtures.fake_dynamodb import FakeDynamoDB
from tests.fixtures.ledger_world import catalog_of

NOW_MS = 1_763_640_000_250
WINDOW_MS = 300_000
LIMITS = [("tpm", 10_000_000, "sliding_window")]
DOWN = ProviderUnavailableError("503", provider="vendor", model="a", status=503)


def catalog(*models: str, **policy: Any) -> Catalog:
    """A pool `all` of these models."""
    made = catalog_of(**dict.fromkeys(models, LIMITS))
    routing = made.routing.model_copy(update={"health": Health(max_latency_ms=2_000, **policy)})
    return made.model_copy(update={"routing": routing})


@dataclass
class World:
    """A ledger in memory and its time."""

    catalog: Catalog = field(default_factory=lambda: catalog("a", "b"))
    now_ms: int = NOW_MS

    def __post_init__(self) -> None:
        self.table = FakeDynamoDB(lambda: self.now_ms)
        store: Any = self.table
        clock = ServiceClock(lambda: self.now_ms)
        self.ledger = Ledger(store, "Ledger", self.catalog, clock, lambda seconds: self.wait(round(seconds * 1000)))
        for model in self.catalog.models:
            self.call(model.id)
        assert self.look() == []  # the first look begins the windows

    def wait(self, ms: int) -> None:
        """Time passes."""
        self.now_ms += ms

    def look(self) -> list[Move]:
        """A look."""
        return look(self.catalog, self.ledger)

    def book(self, model: str) -> Booking:
        """Book on the model, and wait for the start."""
        booking = self.ledger.book(self.ledger.account(model), {"tpm": 10}, self.now_ms + 250_000)
        assert isinstance(booking, Booking)
        self.now_ms = max(self.now_ms, booking.start_ms)
        return booking

    def call(self, model: str, latency_ms: int = 500, booking: Booking | None = None) -> None:
        """A call that is answered."""
        counters = Counters(calls=1, latency_ms=latency_ms)
        booking = booking or self.book(model)
        assert self.ledger.settle(booking, Outcome(booking.amounts, counters, answered=True))

    def fail(self, model: str, booking: Booking | None = None) -> None:
        """A call that the vendor does not manage."""
        Notices(self.ledger).failed(booking or self.book(model), DOWN, 100)

    def window(self, model: str, answered: int = 30, failed: int = 0, latency_ms: int = 500) -> None:
        """Calls of a minute."""
        bookings = [self.book(model) for _ in range(answered + failed)]
        for booking in bookings[:failed]:
            self.fail(model, booking)
        for booking in bookings[failed:]:
            self.call(model, latency_ms, booking)


@pytest.mark.parametrize(
    ("calls", "why"),
    [
        ({"failed": 10}, "failing: 25.0 % of 40 calls"),
        ({"latency_ms": 2_400}, "slow: 2.4 s on average"),
        ({"failed": 2}, ""),
        ({}, ""),
    ],
)
def test_who_fails_or_is_slow_leaves(calls: dict[str, int], why: str) -> None:
    """The breaker is open in the ledger, with the reason; others and the healthy stay."""
    world = World()
    world.window("a", **calls)
    moves = world.look()
    account = world.ledger.account("a")
    assert [(move.model, move.event, move.why) for move in moves] == ([("a", "model_left_pool", why)] if why else [])
    assert (account.is_out, account.left_for) == (bool(why), why)
    if why:
        assert account.is_probed
        assert account.blocked_until_s * 1000 >= world.now_ms + OPEN_MS - 1000
        assert world.look() == []
    assert not world.ledger.account("b").is_out


def test_time_outs_and_missing_models_are_failures_and_refusals_are_not() -> None:
    """One more in the write that counts the strikes; a probe's failure is not counted."""
    world = World()
    silent = ProviderTimeoutError("no answer", provider="vendor", model="a")
    booking = world.book("a")
    Notices(world.ledger).failed(booking, silent, 900)
    world.ledger.count_refusal(world.book("a"))
    assert world.ledger.account("a").counters.failures == 1
    world.fail("a")
    before = world.ledger.account("a").counters.failures
    probe = world.book("a")
    assert probe.is_probe
    world.fail("a", probe)
    assert world.ledger.account("a").counters.failures == before == 2


def test_a_model_is_back_after_a_window_of_good_probes() -> None:
    """Answers before that bring the next probe only; then it is noted once, and old failures are forgotten."""
    world = World()
    world.window("a", failed=10)
    world.look()
    left_ms, probes = world.now_ms, 0
    while world.ledger.account("a").is_out:
        assert world.look() == []
        world.call("a")
        probes += 1
    assert WINDOW_MS <= world.now_ms - left_ms < WINDOW_MS + 10_000
    assert 50 <= probes <= 61  # one in five seconds
    [move] = world.look()
    assert (move.event, move.why) == ("model_came_back", "failing: 25.0 % of 40 calls")
    assert (move.verdict.calls, move.verdict.error_rate, move.verdict.mean_latency_ms) == (probes, 0.0, 500)
    account = world.ledger.account("a")
    assert (account.out_until_s, account.left_for, account.is_probed, account.blocked_until_s) == (None, "", False, 0)
    world.window("a")
    assert world.look() == []


@pytest.mark.parametrize("bad", ["failed", "slow"])
def test_a_bad_probe_keeps_it_out_for_a_window_more(bad: str) -> None:
    """From then on."""
    world = World()
    world.window("a", failed=10)
    world.look()
    for _ in range(20):
        world.call("a")
    if bad == "slow":
        world.call("a", latency_ms=2_500)
    else:
        world.fail("a")
    account = world.ledger.account("a")
    assert account.is_probed
    assert account.out_until_s == world.now_ms // 1000 + 300
    assert account.blocked_until_s == world.now_ms // 1000 + 15


def test_a_slow_probe_does_not_close_what_an_outage_opened() -> None:
    """One in time does, at once, and its slow predecessors do not speak against it."""
    world = World()
    world.fail("a")
    for _ in range(25):
        world.call("a", latency_ms=9_000)
        assert world.ledger.account("a").is_probed
    world.call("a")
    assert not world.ledger.account("a").is_probed
    assert world.look() == []


def test_settlements_of_calls_under_way_do_not_bring_it_back() -> None:
    """They were booked before it left: one under a strike, which its answer takes away."""
    world = World()
    bookings = [world.book("a") for _ in range(2)]
    Notices(world.ledger).failed(world.book("a"), ProviderTimeoutError("", provider="vendor", model="a"), 900)
    struck = world.book("a")
    assert (struck.strikes, struck.is_probe) == (1, False)
    for _ in range(30):
        world.call("a", latency_ms=9_000, booking=world.book("a"))
    Notices(world.ledger).failed(world.book("a"), ProviderTimeoutError("", provider="vendor", model="a"), 900)
    [move] = world.look()
    assert move.event == "model_left_pool"
    for booking in (*bookings, struck):
        world.call("a", booking=booking)
    account = world.ledger.account("a")
    assert account.is_out
    assert world.book("a").is_probe


def test_two_looks_at_once_move_a_model_once() -> None:
    """The second one's condition fails, whatever it has read."""
    world = World()
    world.window("a", failed=10)
    twice: list[list[Move]] = []

    def other() -> None:
        world.table.before = lambda: None
        twice.append(world.look())

    reads = world.table.reads

    def between() -> None:
        if world.table.reads > reads:
            other()

    world.table.before = between
    assert world.look() == []
    assert [move.event for moves in twice for move in moves] == ["model_left_pool"]


def test_a_longer_block_is_never_shortened() -> None:
    """A vendor's word, also one that comes while the look is under way: the next look will do."""
    world = World()
    world.window("a", latency_ms=2_500)
    until_ms = world.now_ms + 3_600_000
    reads = world.table.reads

    def between() -> None:
        if world.table.reads > reads:
            world.table.before = lambda: None
            Notices(world.ledger).block("a", until_ms)

    world.table.before = between
    assert world.look() == []
    [move] = world.look()
    assert move.event == "model_left_pool"
    assert world.ledger.account("a").blocked_until_s * 1000 >= until_ms


def test_the_last_of_a_pool_stays() -> None:
    """The worse of two leaves; alone, disabled others or others that are down are nobody."""
    world = World()
    world.window("a", failed=4)
    world.window("b", failed=12)
    world.wait(OPEN_MS + 1000)
    for model in ("a", "b"):  # the breakers of the outage are closed
        world.call(model)
    assert [move.model for move in world.look()] == ["b"]
    assert world.look() == []
    alone = World(catalog("a"))
    alone.window("a", failed=12)
    assert alone.look() == []
    disabled = World()
    Notices(disabled.ledger).set("b", {}, disabled=True)
    disabled.window("a", failed=12)
    assert disabled.look() == []


def test_where_calls_go_on_to_other_pools_the_last_may_leave() -> None:
    """A fallback stands in."""
    made = catalog("a", "b")
    pools = {"all": made.pools["all"].model_copy(update={"models": ("a",)}), "other": made.pools["all"]}
    routing = made.routing.model_copy(update={"fallbacks": (Use(pool="other"),)})
    world = World(made.model_copy(update={"pools": pools, "routing": routing}))
    world.window("a", failed=12)
    assert [move.model for move in world.look()] == ["a"]


def test_windows_begin_anew_when_they_are_old() -> None:
    """After five minutes; one write per model, and old failures are gone."""
    world = World()
    world.window("a", failed=2)
    world.wait(OPEN_MS + 1000)
    world.call("a")
    begun = world.ledger.account("a").window
    world.wait(WINDOW_MS - 60_000)
    assert world.look() == []
    assert world.ledger.account("a").window == begun
    world.wait(60_000)
    writes = world.table.writes
    assert world.look() == []
    assert world.table.writes - writes == 2
    account = world.ledger.account("a")
    assert account.window == account.snapshot(world.now_ms // 1000)


def test_models_that_were_never_called_are_left_alone() -> None:
    """No item is made."""
    world = World()
    world.table.items.clear()
    assert world.look() == []
    assert world.table.items == {}
