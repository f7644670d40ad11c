"""WatchHealth on its sample events: a ledger in moto, calls settled as the steps settle them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from functions import parts
from functions.watch_health.handler import handle
from rota.accounts import Counters
from rota.booking import Booking
from rota.clock import ServiceClock
from rota.errors import ProviderUnavailableError
from rota.ledger import Ledger
from rota.ledger_notices import Notices
from rota.ledger_writes import Outcome
from tests.fixtures.job_stack import REPOSITORY, Context, JobStack, job_stack

EVENTS = REPOSITORY / "events" / "watch_health"
EVENT_NAMES = [path.stem for path in sorted(EVENTS.glob("*.json"))]
MODEL = "nova-micro"
DOWN = ProviderUnavailableError("500", provider="bedrock", model=MODEL, status=500)


class Time(ServiceClock):
    """Time that passes when the test says so; moto's real dates teach it nothing."""

    at_ms = 1_763_640_000_250

    def __init__(self) -> None:
        super().__init__(lambda: self.at_ms)

    def observe(self, date: str, sent_ms: int, received_ms: int) -> None:
        """Ignore it."""


@dataclass
class World:
    """The stack, its ledger and its time."""

    stack: JobStack
    ledger: Ledger
    clock: Time

    def call(self, failed: int = 0, answered: int = 0) -> None:
        """Calls of the model."""
        bookings = [self.book() for _ in range(failed + answered)]
        for booking in bookings[:failed]:
            Notices(self.ledger).failed(booking, DOWN, 100)
        for booking in bookings[failed:]:
            outcome = Outcome(booking.amounts, Counters(calls=1, latency_ms=700), answered=True)
            assert self.ledger.settle(booking, outcome)

    def book(self) -> Booking:
        """Book, and wait for the start."""
        booking = self.ledger.book(self.ledger.account(MODEL), {"tpm": 10}, self.clock.at_ms + 250_000)
        assert isinstance(booking, Booking)
        self.clock.at_ms = max(self.clock.at_ms, booking.start_ms)
        return booking

    def logged(self, text: str) -> list[dict[str, Any]]:
        """The lines that hold this."""
        return [json.loads(line) for line in self.stack.log.getvalue().splitlines() if text in line]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """The default pool; one look has been taken after the model's first call."""
    with job_stack() as stack:
        clock = Time()
        monkeypatch.setattr(parts.ledger(), "clock", clock)
        monkeypatch.setattr(parts.ledger().table, "_clock", clock)
        world = World(stack, parts.ledger(), clock)
        world.call(answered=1)
        assert watch() == []
        yield world


def watch(event: str = "schedule") -> list[dict[str, Any]]:
    """Run the function on a sample event; what has changed."""
    answer = json.loads(json.dumps(handle(json.loads((EVENTS / f"{event}.json").read_text()), Context())))
    return list(answer["moves"])


@pytest.mark.parametrize("event", EVENT_NAMES)
def test_a_failing_model_leaves_its_pools(world: World, event: str, capsys: pytest.CaptureFixture[str]) -> None:
    """For everybody: the next caller finds its breaker open. One line and one count, at the next look nothing."""
    world.call(failed=6, answered=34)
    [move] = watch(event)
    line = {"event": "model_left_pool", "model": MODEL, "why": "failing: 15.0 % of 40 calls", "calls": 40}
    assert line.items() <= move.items()
    assert (move["error_rate"], move["mean_latency_ms"]) == (0.15, 700)
    account = parts.ledger().account(MODEL)
    assert (account.is_out, account.is_probed) == (True, True)
    [logged] = world.logged("model_left_pool")
    assert move.items() <= logged.items()
    assert logged["level"] == "WARNING"
    assert watch(event) == []
    assert '"ModelLeftPool":[1.0]' in capsys.readouterr().out


def test_it_comes_back_when_its_probes_are_answered(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """For a window; the line says why it had left, and what its probes were like."""
    world.call(failed=6, answered=34)
    watch()
    left_ms = world.clock.at_ms
    while parts.ledger().account(MODEL).is_out:
        world.call(answered=1)
    assert world.clock.at_ms - left_ms >= 300_000
    [move] = watch()
    assert (move["event"], move["why"]) == ("model_came_back", "failing: 15.0 % of 40 calls")
    assert (move["error_rate"], move["mean_latency_ms"]) == (0.0, 700)
    assert '"ModelCameBack":[1.0]' in capsys.readouterr().out
    assert watch() == []


def test_a_healthy_pool_is_silent(world: World) -> None:
    """Nothing is said of 40 answers."""
    world.call(answered=40)
    assert watch() == []
    assert world.logged("model_") == []
