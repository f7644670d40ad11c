"""The dispatcher: book, wait, call, settle, fall back. The ledger is real (on moto), the providers are scripted."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from moto import mock_aws

from rota.accounts import Counters
from rota.booking import Booking
from rota.calls import CallRecord, Finished
from rota.catalog import Catalog
from rota.catalog_file import parse_catalog
from rota.clock import ServiceClock
from rota.dispatch import Dispatcher, Pending, Waiting
from rota.errors import (
    AllModelsFailedError,
    BudgetSpentError,
    InvalidOutputError,
    ModelUnavailableError,
    NoCapacityError,
    ProviderError,
    ProviderRejectedError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    RateLimitedError,
)
from rota.ledger import Ledger
from rota.ledger_notices import Notices
from rota.ledger_writes import Outcome
from rota.providers.base import Completion, ModelCall
from rota.routing.request import ModelRequest
from rota.usage import Usage

START_MS = 1_700_000_000_000
CALL = ModelCall(system="", prompt="", max_output_tokens=500)


class ManualClock(ServiceClock):
    """A clock that only moves when somebody sleeps; replies do not teach it."""

    def __init__(self) -> None:
        super().__init__(lambda: self.at_ms)
        self.at_ms = START_MS

    def observe(self, date: str, sent_ms: int, received_ms: int) -> None:
        """The service's real time has nothing to say here."""

    def sleep(self, seconds: float) -> None:
        """Time passes."""
        self.at_ms += round(seconds * 1000)


class Scripted:
    """A provider that answers with what the test laid out per model, and remembers when it was called."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.errors: dict[str, list[ProviderError]] = {}
        self.calls: list[tuple[str, int]] = []

    def prepare(self, timeout_s: float) -> None:
        """Takes a tenth of a second, before the call is due."""
        self.clock.sleep(0.1)

    def complete(self, model: str, vendor_model: str, call: ModelCall, timeout_s: float) -> Completion:
        """One second of work, then the next scripted error or an answer of 1,000 + 100 tokens."""
        self.calls.append((model, self.clock.at_ms - START_MS))
        self.clock.sleep(1)
        if self.errors.get(model):
            raise self.errors[model].pop(0)
        return Completion(f"answer of {model}", Usage(1000, 100), "end", 1000)


def model(name: str, usd: float, tpm: int = 6000) -> dict[str, object]:
    """A model with a sliding window."""
    return {
        "id": name,
        "provider": "local",
        "vendor_model": name,
        "tier": 1,
        "context_tokens": 8000,
        "max_output_tokens": 1000,
        "refunds": True,
        "price": {"input_usd": usd, "output_usd": usd},
        "limits": [{"kind": "tpm", "amount": tpm, "algorithm": "sliding_window"}],
    }


@pytest.fixture
def catalog() -> Catalog:
    """Two models in one pool, a the cheaper."""
    step = {"pool": "both", "max_output_tokens": 500}
    return parse_catalog(
        {
            "version": 1,
            "providers": {"local": {"kind": "openai_compatible", "base_url": "http://127.0.0.1:9/v1"}},
            "models": [model("a", 1), model("b", 2)],
            "pools": {"both": {"models": ["a", "b"]}},
            "steps": dict.fromkeys(("plan", "summarize", "synthesize", "answer"), step),
        }
    )


class Purse:
    """A budget with room for calls that cost at most so much."""

    def __init__(self) -> None:
        self.most_nanousd: float = math.inf
        self.asked: list[int] = []

    def reserve(self, request: ModelRequest, nanousd: int) -> int:
        """See `Gate.reserve`."""
        self.asked.append(nanousd)
        if nanousd > self.most_nanousd:
            raise BudgetSpentError("no room", budget="all", limit_usd=1.0, spent_usd=1.0)
        return nanousd

    def spend(self, reserved: Any, nanousd: int) -> None:
        """Not looked at here."""

    def answered(self, errand: Any, record: CallRecord, completion: Completion) -> None:
        """Nothing to hear."""

    def doubt(self, errand: Any, record: CallRecord, completion: Completion) -> None:
        """Nothing to doubt."""

    def keep(self, errand: Any, record: CallRecord, completion: Completion) -> None:
        """Nothing to keep."""


class World:
    """Everything a dispatcher needs, under the test's control."""

    def __init__(self, catalog: Catalog, dynamodb: Any) -> None:
        self.purse = Purse()
        self.clock = ManualClock()
        self.ledger = Ledger(dynamodb, "Ledger", catalog, self.clock, self.clock.sleep)
        self.provider = Scripted(self.clock)
        self.records: list[CallRecord] = []
        self.dispatcher = Dispatcher(
            catalog, self.ledger, lambda name: self.provider, self.records.append, self.clock.sleep, self.purse
        )
        self.remaining_ms = 300_000

    def run(
        self,
        pending: Pending | None = None,
        check: Callable[[str], str] = str,
        tokens: int = 2000,
        priority: Any = "bulk",
    ) -> Finished[str] | Waiting:
        """Ask for `tokens` + 500 tokens."""
        request = ModelRequest("summarize", "both", tokens, 500, priority=priority)
        return self.dispatcher.run(request, CALL, check, lambda: self.remaining_ms, pending)

    def finish(self, **how: Any) -> Finished[str]:
        """Run what must not wait outside."""
        outcome = self.run(**how)
        assert isinstance(outcome, Finished)
        return outcome

    def used(self, name: str) -> int:
        """Tokens that stand in the model's window now."""
        return self.ledger.read([name])[name].used("tpm", self.clock.at_ms)


@pytest.fixture
def world(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A fresh ledger."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws():
        dynamodb = boto3.client("dynamodb", region_name="us-east-1", config=Config(retries={"total_max_attempts": 1}))
        dynamodb.create_table(
            TableName="Ledger",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "model", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "model", "AttributeType": "S"}],
        )
        yield World(catalog, dynamodb)


def refusal(name: str, retry_after_s: float | None = 20) -> RateLimitedError:
    """The vendor's 429."""
    return RateLimitedError("over quota", provider="local", model=name, retry_after_s=retry_after_s)


def test_an_idle_pool_is_called_at_once_and_settled(world: World) -> None:
    """No wait; what was booked beyond the use is given back; the record carries the facts."""
    done = world.finish()
    assert (done.value, done.fallback_used) == ("answer of a", False)
    assert world.provider.calls == [("a", 100)]
    assert world.used("a") == 1100
    assert (done.record.booked_tokens, done.record.usage.total_tokens, done.record.wait_ms) == (2500, 1100, 100)
    assert world.records == [done.record]


def test_a_full_model_passes_the_call_on(world: World) -> None:
    """Two calls of 2,500 fill a's 6,000 before they settle; the third goes to b without a refusal."""
    for _ in range(2):
        account = world.ledger.read(["a"])["a"]
        world.ledger.book(account, {"tpm": 2500}, START_MS + 999)
    assert world.finish().value == "answer of b"


def fill(world: World) -> dict[str, Booking]:
    """Book both models' whole minute."""
    filled = {}
    for name in ("a", "b"):
        booking = world.ledger.book(world.ledger.account(name), {"tpm": 6000}, START_MS + 999)
        assert isinstance(booking, Booking)
        filled[name] = booking
    return filled


def wait(world: World, pending: Pending | None = None, **how: Any) -> Waiting:
    """Run what must wait outside, and let the time pass."""
    waiting = world.run(pending and Pending.from_dict(pending.as_dict()), **how)
    assert isinstance(waiting, Waiting)
    world.clock.at_ms = max(world.clock.at_ms, waiting.until_ms)
    return waiting


def test_a_full_pool_books_a_start_and_calls_on_time(world: World) -> None:
    """The wait goes outside; brought back early, the call leaves at its booked second and not before."""
    fill(world)
    half_way = wait(world, priority="interactive")
    booking = half_way.pending.booking
    assert booking is not None
    assert 60_000 <= booking.start_ms - START_MS <= 63_000
    assert half_way.until_ms - START_MS == (booking.start_ms - START_MS) / 2
    waiting = wait(world, half_way.pending, priority="interactive")
    assert (waiting.pending.booking, booking.start_ms - waiting.until_ms) == (booking, 3000)
    world.finish(pending=Pending.from_dict(waiting.pending.as_dict()), priority="interactive")
    assert world.provider.calls == [(booking.model, booking.start_ms - START_MS)]


def test_half_way_a_call_moves_up_into_room_that_refunds_opened(world: World) -> None:
    """It gains half a minute; the later booking is given back."""
    filled = fill(world)
    half_way = wait(world, priority="interactive")
    world.ledger.settle(filled["b"], Outcome({"tpm": 1000}, Counters(calls=1), answered=True))
    done = world.finish(pending=half_way.pending, priority="interactive")
    assert world.provider.calls == [("b", half_way.until_ms - START_MS + 100)]
    assert done.record.wait_ms < 32_000
    assert (world.ledger.account("a").used("tpm", START_MS + 62_000), world.used("b")) == (0, 2100)


def test_a_bulk_call_that_must_wait_takes_one_ticket(world: World) -> None:
    """Nothing is booked for it, so that interactive calls can still have the time ahead; its turn comes once."""
    fill(world)
    before = {name: world.ledger.account(name).bookings for name in ("a", "b")}
    waiting = wait(world)
    assert (waiting.pending.booking, waiting.pending.returns) == (None, 1)
    assert 58_500 < waiting.until_ms - START_MS < 60_500
    assert {name: world.ledger.account(name).bookings for name in ("a", "b")} == before
    assert waiting.ticket is not None
    assert world.ledger.account(waiting.ticket.model).tail_ms - waiting.ticket.advance_ms >= START_MS
    assert Pending.from_dict(waiting.pending.as_dict()) == waiting.pending
    world.finish(pending=waiting.pending)
    assert world.provider.calls[0][1] == 62_100


def test_tickets_are_served_in_order_and_one_window_after_the_other(world: World) -> None:
    """A call is expected to use 1,600 + 300 tokens: three fit into a minute of 6,000 on each model, at least."""
    fill(world)
    dues = []
    for _ in range(9):
        waiting = world.run()
        assert isinstance(waiting, Waiting)
        dues.append(round((waiting.until_ms - START_MS) / 1000))
    assert dues == [59] * 6 + [121] * 3


def test_who_comes_later_stands_behind_the_queue_but_takes_room_that_is_free_now(world: World) -> None:
    """A start in some seconds belongs to those who wait; a start now would be lost."""
    filled = fill(world)
    for _ in range(20):
        world.run()
    world.clock.at_ms = START_MS + 55_000
    late = world.run()
    assert isinstance(late, Waiting)
    assert (late.pending.booking, late.until_ms - START_MS > 115_000) == (None, True)
    world.ledger.settle(filled["a"], Outcome({"tpm": 1000}, Counters(calls=1), answered=True))
    assert world.finish().value == "answer of a"


def test_a_late_caller_gives_its_booking_back_and_books_again(world: World) -> None:
    """A booking is void half a second after its start; the call is made once, under a new booking."""
    for name in ("a", "b"):
        world.ledger.book(world.ledger.read([name])[name], {"tpm": 6000}, START_MS + 999)
    waiting = world.run(priority="interactive")
    assert isinstance(waiting, Waiting)
    assert waiting.pending.booking is not None
    world.clock.at_ms = waiting.pending.booking.start_ms + 600
    world.finish(pending=waiting.pending)
    assert len(world.provider.calls) == 1
    assert world.used("a") + world.used("b") == 1100


def test_a_refusal_moves_the_call_and_blocks_the_model_for_everyone(world: World) -> None:
    """The booking is given back whole; the next caller does not even try the blocked model."""
    world.provider.errors["a"] = [refusal("a")]
    done = world.finish()
    assert (done.value, done.fallback_used, done.record.fallback_from) == ("answer of b", True, "a")
    assert world.used("a") == 0
    assert [record.outcome for record in world.records] == ["rate_limited", "ok"]
    world.finish()
    assert [name for name, _ in world.provider.calls] == ["a", "b", "b"]
    assert world.ledger.read(["a"])["a"].counters.refusals == 1


def test_a_model_blocked_during_the_wait_is_not_called(world: World) -> None:
    """Whoever waited looks once more: the booking moves to the other model."""
    fill(world)
    waiting = wait(world, priority="interactive")
    assert waiting.pending.booking is not None
    assert waiting.pending.booking.model == "a"
    Notices(world.ledger).block("a", waiting.pending.booking.start_ms + 60_000)
    moved = wait(world, waiting.pending)
    assert moved.pending.booking is not None
    assert moved.pending.booking.model == "b"
    while world.clock.at_ms < moved.pending.booking.start_ms - 5000:
        moved = wait(world, moved.pending)
    assert world.finish(pending=moved.pending).value == "answer of b"
    assert world.ledger.account("a").used("tpm", world.clock.at_ms) == 0


@pytest.mark.parametrize(
    "error",
    [
        ProviderUnavailableError("503", provider="local", model="a", status=503),
        ProviderTimeoutError("no answer", provider="local", model="a"),
        ModelUnavailableError("retired", provider="local", model="a", status=404),
    ],
    ids=lambda error: error.code,
)
def test_a_failing_model_is_left_for_the_next_one(world: World, error: ProviderError) -> None:
    """`fallback_used` says so, and the attempt is kept."""
    world.provider.errors["a"] = [error]
    done = world.finish()
    assert (done.value, done.fallback_used) == ("answer of b", True)
    assert [(attempt.model, attempt.code) for attempt in done.attempts] == [("a", error.code)]


def test_a_timed_out_call_keeps_its_booking(world: World) -> None:
    """The vendor may be spending it still, so it ages out instead of being given back."""
    world.provider.errors["a"] = [ProviderTimeoutError("no answer", provider="local", model="a")]
    world.finish()
    assert world.used("a") == 2500


def test_when_every_model_fails_the_error_carries_every_attempt(world: World) -> None:
    """Both models, in order."""
    for name in ("a", "b"):
        world.provider.errors[name] = [ProviderUnavailableError(f"{name} is down", provider="local", model=name)]
    with pytest.raises(AllModelsFailedError, match=r"a is down.*b is down") as failed:
        world.run()
    assert [attempt.model for attempt in failed.value.attempts] == ["a", "b"]


def test_endless_refusals_end(world: World) -> None:
    """A pool that refuses for ever fails by name after a bounded number of attempts."""
    for name in ("a", "b"):
        world.provider.errors[name] = [refusal(name, 0.5) for _ in range(20)]
    with pytest.raises(AllModelsFailedError) as failed:
        world.run()
    assert len(failed.value.attempts) == 20


def test_a_rejected_request_does_not_burn_through_the_pool(world: World) -> None:
    """Another model would not cure it: one call, nothing left booked."""
    world.provider.errors["a"] = [ProviderRejectedError("bad parameter", provider="local", model="a", status=400)]
    with pytest.raises(ProviderRejectedError):
        world.run()
    assert len(world.provider.calls) == 1
    assert world.used("a") == 0


def test_output_that_fails_its_check_is_asked_of_another_model(world: World) -> None:
    """The failed output was paid for, so it is recorded with its tokens."""

    def check(text: str) -> str:
        if text == "answer of a":
            raise InvalidOutputError("not what was asked")
        return text

    done = world.finish(check=check)
    assert (done.value, done.attempts[0].code) == ("answer of b", "invalid_output")
    assert [(record.outcome, record.usage.total_tokens) for record in world.records] == [
        ("invalid_output", 1100),
        ("ok", 1100),
    ]


def test_too_little_time_left_gives_the_booking_back(world: World) -> None:
    """A function about to end does not start a call; the same call is made by the next invocation."""
    world.remaining_ms = 20_000
    waiting = world.run()
    assert isinstance(waiting, Waiting)
    assert waiting.pending.booking is None
    assert (world.provider.calls, world.used("a")) == ([], 0)


def test_a_call_that_no_quota_can_hold_fails_before_anything_is_written(world: World) -> None:
    """6,500 tokens never fit 6,000 per minute."""
    with pytest.raises(NoCapacityError, match="tpm quota admits 6000 at once, 6500 are needed"):
        world.run(tokens=6000)
    assert world.ledger.read(["a"])["a"].version == 0


def waited(world: World) -> Finished[str]:
    """An interactive call, however long it waits outside."""
    outcome = world.run(priority="interactive")
    while isinstance(outcome, Waiting):
        world.clock.at_ms = outcome.until_ms
        outcome = world.run(outcome.pending, priority="interactive")
    return outcome


@pytest.mark.parametrize(("room", "served"), [(math.inf, "b"), (3_000_000, "a")])
def test_a_call_that_a_budget_has_no_room_for_goes_to_a_cheaper_model_of_its_pool(
    world: World, room: float, served: str
) -> None:
    """2,500 tokens are $0.005 on b, which is free now, and $0.0025 on a. Nothing stays booked where it was refused."""
    world.purse.most_nanousd = room
    world.ledger.book(world.ledger.account("a"), {"tpm": 6000}, START_MS)
    assert waited(world).value == f"answer of {served}"
    assert world.used("b") == (1100 if served == "b" else 0)


def test_a_call_that_no_budget_has_room_for_is_refused(world: World) -> None:
    """On every model of its pool, and nothing stays booked."""
    world.purse.most_nanousd = 2_000_000
    world.ledger.book(world.ledger.account("a"), {"tpm": 6000}, START_MS)
    with pytest.raises(BudgetSpentError):
        waited(world)
    assert world.purse.asked == [5_000_000, 2_500_000]
    assert (world.provider.calls, world.used("a"), world.used("b")) == ([], 0, 0)
