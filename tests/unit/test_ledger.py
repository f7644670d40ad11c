"""The ledger on a table: what each verb writes, and what it makes of every answer. The table is moto's or in memory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError
from moto import mock_aws

from rota.accounts import Account, Counters
from rota.booking import LATE_MS, Booking
from rota.clock import ServiceClock
from rota.errors import NoCapacityError
from rota.ledger import FARTHEST_MS, Ledger
from rota.ledger_notices import Notices
from rota.ledger_writes import Outcome
from tests.fixtures.fake_dynamodb import FakeDynamoDB, client_error
from tests.fixtures.ledger_world import catalog_of

NOW_MS = 1_763_640_000_250
NOW = NOW_MS // 1000
CATALOG = catalog_of(
    window=[("tpm", 10_000, "sliding_window"), ("rpm", 30, "sliding_window")],
    bucket=[("tpm", 6000, "token_bucket")],
)
AMOUNTS = {"tpm": 3000, "rpm": 1}
LOST_REPLIES = [
    ReadTimeoutError(endpoint_url="http://ledger"),
    client_error("InternalServerError", 500),
    client_error("ServiceUnavailable", 503),
    client_error("ThrottlingException"),
    client_error("ProvisionedThroughputExceededException"),
]


class Time:
    """The test's time, which passes when the ledger sleeps."""

    def __init__(self) -> None:
        self.now_ms = NOW_MS

    def __call__(self) -> int:
        return self.now_ms

    def sleep(self, seconds: float) -> None:
        """Pass without waiting."""
        self.now_ms += int(seconds * 1000)


@pytest.fixture
def clock() -> Time:
    """Time that stands still."""
    return Time()


@pytest.fixture(params=["moto", "memory"])
def dynamodb(request: pytest.FixtureRequest, clock: Time, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An empty ledger table, twice: as moto understands expressions, and as strict as the service."""
    if request.param == "memory":
        yield FakeDynamoDB(clock)
        return
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        client.create_table(
            TableName="Ledger",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "model", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "model", "AttributeType": "S"}],
        )
        yield client


class Deaf(ServiceClock):
    """A clock that learns nothing: moto's replies carry the real time."""

    def observe(self, date: str, sent_ms: int, received_ms: int) -> None:
        """Ignore it."""


@pytest.fixture
def ledger(dynamodb: Any, clock: Time) -> Ledger:
    """A ledger on that table."""
    return Ledger(dynamodb, "Ledger", CATALOG, Deaf(clock), clock.sleep)


@pytest.fixture
def store(clock: Time) -> FakeDynamoDB:
    """The table in memory, for what goes wrong."""
    return FakeDynamoDB(clock)


@pytest.fixture
def faulty(store: FakeDynamoDB, clock: Time) -> Ledger:
    """A ledger on the table in memory."""
    return Ledger(store, "Ledger", CATALOG, ServiceClock(clock), clock.sleep)  # type: ignore[arg-type]


def book(ledger: Ledger, tokens: int = 3000, model: str = "window", horizon_s: int = 120) -> Booking:
    """Read and book, as dispatching does."""
    kinds = ledger.read([model])[model].limiters
    amounts = {kind: tokens if kind == "tpm" else 1 for kind in kinds}
    booking = ledger.book(ledger.read([model])[model], amounts, ledger.clock.now_ms() + horizon_s * 1000)
    assert isinstance(booking, Booking)
    return booking


def used(ledger: Ledger, kind: str = "tpm", model: str = "window") -> int:
    """What the ledger says is in use now."""
    return ledger.read([model])[model].used(kind, ledger.clock.now_ms())


def test_calls_start_now_while_there_is_room_and_later_after_that(ledger: Ledger) -> None:
    """Three of 3,000 fit into 10,000 at once, the fourth a window later, a small one still now."""
    starts = [book(ledger).start_ms for _ in range(4)]
    assert starts == [NOW_MS, NOW_MS, NOW_MS, (NOW + 62) * 1000]
    assert book(ledger, 1000).start_ms == NOW_MS
    assert used(ledger) == 10_000
    assert used(ledger, "rpm") == 4


def test_a_booking_survives_json(ledger: Ledger) -> None:
    """It waits in a workflow's state."""
    booking = book(ledger)
    assert Booking(**json.loads(json.dumps(booking.as_dict()))) == booking


def test_a_booking_is_void_half_a_second_after_its_second(ledger: Ledger, clock: Time) -> None:
    """The windows are computed for calls that leave until then."""
    booking = book(ledger)
    last_ms = (NOW + 1) * 1000 + LATE_MS
    assert not booking.is_void(last_ms)
    assert booking.is_void(last_ms + 1)


def test_settling_gives_back_what_was_not_used_and_counts(ledger: Ledger) -> None:
    """The room is there at once, and the counters are totals."""
    booking = book(ledger, 9000)
    counters = Counters(calls=1, input_tokens=800, output_tokens=200, booked_tokens=9000, used_tokens=1000)
    assert ledger.settle(booking, Outcome({"tpm": 1000, "rpm": 1}, counters))
    assert used(ledger) == 1000
    assert ledger.read(["window"])["window"].counters == counters
    assert book(ledger, 9000).start_ms == NOW_MS


def test_a_cancelled_booking_never_happened(ledger: Ledger) -> None:
    """All limits are given back; a refusal is counted besides."""
    assert ledger.cancel(book(ledger, 10_000))
    assert ledger.count_refusal(book(ledger, 10_000))
    assert (used(ledger), used(ledger, "rpm")) == (0, 0)
    assert ledger.read(["window"])["window"].counters == Counters(refusals=1)


def test_a_booking_ahead_can_be_given_back(ledger: Ledger) -> None:
    """Its second is free again for the next one."""
    book(ledger, 10_000)
    later = book(ledger, 10_000)
    ledger.cancel(later)
    assert book(ledger, 10_000).start_ms == later.start_ms


def test_use_beyond_the_booking_counts_from_now(ledger: Ledger, clock: Time) -> None:
    """The open slot promises less at once, and the extra leaves the window after the call's end, not its start."""
    booking = book(ledger, 3000)
    clock.now_ms += 20_000
    before = book(ledger, 1000)
    assert ledger.settle(booking, Outcome({"tpm": 5000, "rpm": 1}, Counters(calls=1)))
    assert before.start_ms == clock.now_ms
    assert used(ledger) == 6000
    account = ledger.read(["window"])["window"]
    assert account.room["tpm"] == 10_000 - 3000 - 1000 - 2000
    assert account.version == 3  # so that a roll in flight looks again
    clock.now_ms += 45_000
    assert used(ledger) == 3000


@pytest.mark.parametrize("model", ["window", "bucket"])
def test_a_late_settlement_only_counts(ledger: Ledger, clock: Time, model: str) -> None:
    """Its slot may be gone: nothing is given back, and nothing negative stays behind."""
    booking = book(ledger, 3000, model)
    clock.now_ms += 70_000
    assert ledger.settle(booking, Outcome(counters=Counters(calls=1)))
    account = ledger.read([model])[model]
    assert account.counters.calls == 1
    assert all(not bookings.slots for bookings in account.bookings.values())
    assert ledger.settle(booking, Outcome(booking.amounts))  # nothing to write at all


def test_a_bucket_refills(ledger: Ledger, clock: Time) -> None:
    """6,000 per minute are 100 a second, and two seconds of it are kept back."""
    assert book(ledger, 5800, "bucket").start_ms == NOW_MS
    assert book(ledger, 1000, "bucket").start_ms == (NOW + 10) * 1000
    clock.now_ms += 200_000
    assert book(ledger, 5800, "bucket").start_ms == clock.now_ms


def test_nobody_starts_on_a_blocked_model(ledger: Ledger, clock: Time) -> None:
    """Callers with an older account fail the condition and plan again; a shorter block changes nothing."""
    Notices(ledger).block("window", NOW_MS + 5000)  # a model that nobody called: nothing to keep calls from
    assert book(ledger, 10).start_ms == NOW_MS
    stale = ledger.read(["window"])["window"]
    Notices(ledger).block("window", NOW_MS + 9000)
    Notices(ledger).block("window", NOW_MS + 5000)
    booking = ledger.book(stale, {"tpm": 10, "rpm": 1}, NOW_MS + 60_000)
    assert isinstance(booking, Booking)
    assert booking.start_ms == (NOW + 10) * 1000


def test_a_start_after_the_latest_is_not_booked(ledger: Ledger) -> None:
    """The caller gets the account to look elsewhere; nothing changed."""
    book(ledger, 10_000)
    account = ledger.read(["window"])["window"]
    assert ledger.book(account, AMOUNTS, NOW_MS + 61_000) == account
    assert ledger.read(["window"])["window"] == account


def test_nothing_is_booked_farther_ahead_than_the_ring_reaches(ledger: Ledger) -> None:
    """Whatever a caller would accept."""
    book(ledger, 1)
    Notices(ledger).block("window", NOW_MS + FARTHEST_MS + 60_000)
    account = ledger.read(["window"])["window"]
    assert ledger.book(account, AMOUNTS, NOW_MS + 10 * FARTHEST_MS) == account


def test_an_outdated_account_costs_one_more_write(ledger: Ledger) -> None:
    """The failed condition brings the newest account along."""
    stale = ledger.read(["window"])["window"]
    book(ledger, 9000)
    booking = ledger.book(stale, {"tpm": 1000, "rpm": 1}, NOW_MS + 60_000)
    assert isinstance(booking, Booking)
    assert booking.start_ms == NOW_MS
    assert isinstance(ledger.book(stale, {"tpm": 1000, "rpm": 1}, NOW_MS + 60_000), Account)


def test_a_call_that_can_never_start_writes_nothing(faulty: Ledger, store: FakeDynamoDB) -> None:
    """It is an error with a name, before anything else."""
    with pytest.raises(NoCapacityError, match="10001 tpm"):
        faulty.book(faulty.read(["window"])["window"], {"tpm": 10_001, "rpm": 1}, NOW_MS)
    assert store.writes == 0


def test_several_models_are_read_in_one_request(ledger: Ledger) -> None:
    """Those without an item are accounts without bookings."""
    book(ledger)
    accounts = ledger.read(["bucket", "window", "bucket"])
    assert list(accounts) == ["bucket", "window"]
    assert (accounts["bucket"].version, accounts["window"].version) == (0, 1)


def test_keys_that_the_service_left_out_are_asked_for_again(faulty: Ledger, store: FakeDynamoDB) -> None:
    """A big batch may come back in parts."""
    book(faulty)
    whole = store.batch_get_item

    def in_parts(**request: Any) -> Any:
        wanted = request["RequestItems"]["Ledger"]
        keys, reply = wanted["Keys"], whole(RequestItems={"Ledger": {**wanted, "Keys": wanted["Keys"][:1]}})
        return reply | {"UnprocessedKeys": {"Ledger": {"Keys": keys[1:]}} if keys[1:] else {}}

    store.batch_get_item = in_parts  # type: ignore[method-assign]
    assert faulty.read(["bucket", "window"])["window"].version == 1


@pytest.mark.parametrize("error", LOST_REPLIES)
@pytest.mark.parametrize("opened", [False, True])
def test_a_booking_whose_reply_was_lost_is_adopted(
    faulty: Ledger, store: FakeDynamoDB, error: Exception, opened: bool
) -> None:
    """The item carries the writer's nonce: booked once, whether the write rolled or not."""
    if opened:
        book(faulty, 1000)
    store.faults.append(("performed", error))
    booking = book(faulty, 3000)
    assert booking.open_s == NOW
    assert used(faulty) == (4000 if opened else 3000)


@pytest.mark.parametrize("error", LOST_REPLIES)
def test_a_booking_that_never_arrived_is_made_again(faulty: Ledger, store: FakeDynamoDB, error: Exception) -> None:
    """The item does not carry the nonce, so the write is repeated."""
    store.faults.extend([("lost", error)] * 3)
    book(faulty, 3000)
    assert used(faulty) == 3000


def test_a_retry_hidden_in_the_client_books_once(faulty: Ledger, store: FakeDynamoDB) -> None:
    """Its second attempt fails the condition with an item that is already ours."""
    once = store.update_item

    def twice(**arguments: Any) -> Any:
        once(**arguments)
        return once(**arguments)

    store.update_item = twice  # type: ignore[method-assign]
    book(faulty, 3000)
    book(faulty, 2000)
    assert used(faulty) == 5000


def test_a_failed_condition_without_the_item_is_read(faulty: Ledger, store: FakeDynamoDB) -> None:
    """Some stores do not return it."""
    stale = faulty.read(["window"])["window"]
    book(faulty, 9000)
    store.returns_item = False
    assert isinstance(faulty.book(stale, {"tpm": 1000, "rpm": 1}, NOW_MS + 999), Booking)
    assert used(faulty) == 10_000


@pytest.mark.parametrize("error", LOST_REPLIES)
def test_a_settlement_is_tried_once(faulty: Ledger, store: FakeDynamoDB, error: Exception) -> None:
    """An unknown outcome is said to be one, and costs room, never an overrun."""
    booking, writes = book(faulty, 3000), store.writes
    store.faults.append(("lost", error))
    assert not faulty.cancel(booking)
    assert store.writes == writes + 1
    assert used(faulty) == 3000


def test_a_block_that_does_not_arrive_is_no_error(faulty: Ledger, store: FakeDynamoDB) -> None:
    """Whoever does not learn of it is refused once."""
    book(faulty)
    store.faults.append(("lost", LOST_REPLIES[0]))
    Notices(faulty).block("window", NOW_MS + 5000)
    assert faulty.read(["window"])["window"].blocked_until_s == 0


@pytest.mark.parametrize("verb", ["book", "settle", "block"])
def test_what_does_not_pass_is_raised(faulty: Ledger, store: FakeDynamoDB, verb: str) -> None:
    """A missing permission must be seen, not waited out."""
    booking = book(faulty)
    store.faults.append(("lost", client_error("AccessDeniedException")))
    with pytest.raises(ClientError, match="AccessDenied"):
        {
            "book": lambda: book(faulty),
            "settle": lambda: faulty.cancel(booking),
            "block": lambda: Notices(faulty).block("window", NOW_MS),
        }[verb]()


@pytest.mark.parametrize(("failures", "arrives"), [(3, True), (4, False)])
def test_a_read_is_repeated_a_few_times(faulty: Ledger, store: FakeDynamoDB, failures: int, arrives: bool) -> None:
    """Reading twice does no harm; an outage is raised in the end."""
    left, whole = [failures], store.get_item

    def failing(**arguments: Any) -> Any:
        left[0] -= 1
        if left[0] >= 0:
            raise EndpointConnectionError(endpoint_url="http://ledger")
        return whole(**arguments)

    store.get_item = failing  # type: ignore[method-assign]
    if arrives:
        assert faulty.read(["window"])["window"].version == 0
    else:
        with pytest.raises(EndpointConnectionError):
            faulty.read(["window"])


def test_a_read_that_is_not_allowed_is_raised_at_once(faulty: Ledger, store: FakeDynamoDB) -> None:
    """Repeating would only hide it longer."""
    calls: list[int] = []

    def denied(**_: Any) -> Any:
        calls.append(1)
        raise client_error("AccessDeniedException")

    store.get_item = denied  # type: ignore[method-assign]
    with pytest.raises(ClientError, match="AccessDenied"):
        faulty.read(["window"])
    assert len(calls) == 1


def test_a_booking_that_arrives_late_is_void(faulty: Ledger, store: FakeDynamoDB, clock: Time) -> None:
    """A slow reply must not move the call into a second that it was not booked for."""
    whole = store.update_item

    def slow(**arguments: Any) -> Any:
        reply = whole(**arguments)
        clock.now_ms += 2000
        return reply | {"ResponseMetadata": {"HTTPHeaders": {}}}

    store.update_item = slow  # type: ignore[method-assign]
    booking = book(faulty)
    assert booking.is_void(clock.now_ms)
    assert booking.open_s == NOW


def test_a_new_limit_joins_an_item_that_does_not_know_it(store: FakeDynamoDB, clock: Time) -> None:
    """A deployment adds `rpd`: the next booking rolls, and settles what older ones did not book."""
    older = catalog_of(window=[("tpm", 10_000, "sliding_window")])
    newer = catalog_of(window=[("tpm", 10_000, "sliding_window"), ("rpd", 3, "token_bucket")])
    before = Ledger(store, "Ledger", older, ServiceClock(clock), clock.sleep)  # type: ignore[arg-type]
    after = Ledger(store, "Ledger", newer, ServiceClock(clock), clock.sleep)  # type: ignore[arg-type]
    booking = book(before)
    assert book(after, 10).start_ms == NOW_MS
    after.settle(booking, Outcome({"tpm": 100, "rpd": 1}, Counters(calls=1)))
    assert (used(after), used(after, "rpd")) == (110, 2)


def test_a_full_item_stays_small_and_its_writes_legal(store: FakeDynamoDB, clock: Time) -> None:
    """Two limits, a booking in every second of the past and of the horizon, then all of it removed at once.

    The size is DynamoDB's: the names' bytes, and for a number half its digits and one. A write unit is 1,024.
    """
    catalog = catalog_of(m=[("tpm", 62 * 65_521, "sliding_window"), ("rpm", 62, "sliding_window")])
    ledger = Ledger(store, "Ledger", catalog, ServiceClock(clock), clock.sleep)  # type: ignore[arg-type]
    for _ in range(62):
        clock.now_ms += 1000
        book(ledger, 65_521, "m")
    for ahead in range(1, 61):
        assert book(ledger, 65_521, "m").open_s == clock.now_ms // 1000 + ahead
    item = store.items["m"]
    size = sum(len(name) + len(next(iter(value.values()))) // 2 + 2 for name, value in item.items())
    assert len(item) > 240
    assert size < 3 * 1024
    clock.now_ms += 200_000
    book(ledger, 1, "m")
    assert len(store.items["m"]) < 20
    assert store.longest <= 4096
