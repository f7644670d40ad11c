"""What one caller tells all others: breaker, live quotas, tickets. The table is moto's or in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import boto3
import pytest
from botocore.exceptions import ReadTimeoutError
from moto import mock_aws

from rota.accounts import PROBE_S, Account, Counters
from rota.booking import Booking
from rota.clock import ServiceClock
from rota.errors import (
    ModelUnavailableError,
    NoCapacityError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    RateLimitedError,
)
from rota.ledger import Ledger
from rota.ledger_notices import GONE_MS, OPEN_MS, PROBE_AGAIN_MS, Notices
from rota.ledger_writes import Outcome
from rota.tickets import NOBODYS, Ticket, queue
from tests.fixtures.fake_dynamodb import FakeDynamoDB
from tests.fixtures.ledger_world import catalog_of

NOW_MS = 1_763_640_000_250
CATALOG = catalog_of(m=[("tpm", 10_000, "sliding_window"), ("rpm", 60, "token_bucket")])
DOWN = ProviderUnavailableError("503", provider="vendor", model="m", status=503)
SILENT = ProviderTimeoutError("no answer", provider="vendor", model="m")
GONE = ModelUnavailableError("404", provider="vendor", model="m", status=404)


class Time(ServiceClock):
    """Time that passes only when the ledger sleeps; moto's real dates teach it nothing."""

    def __init__(self) -> None:
        super().__init__(lambda: self.at_ms)
        self.at_ms = NOW_MS

    def observe(self, date: str, sent_ms: int, received_ms: int) -> None:
        """Ignore it."""

    def sleep(self, seconds: float) -> None:
        """Pass without waiting."""
        self.at_ms += int(seconds * 1000)


@pytest.fixture
def clock() -> Time:
    """The test's time."""
    return Time()


@pytest.fixture(params=["moto", "memory"])
def ledger(request: pytest.FixtureRequest, clock: Time, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    """An empty ledger, twice: as moto understands expressions, and as strict as the service."""
    if request.param == "memory":
        store: Any = FakeDynamoDB(lambda: clock.at_ms)
        yield Ledger(store, "Ledger", CATALOG, clock, clock.sleep)
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
        yield Ledger(client, "Ledger", CATALOG, clock, clock.sleep)


@pytest.fixture
def notices(ledger: Ledger) -> Notices:
    """The same ledger's notices."""
    return Notices(ledger)


def book(ledger: Ledger, tokens: int = 1000, account: Account | None = None) -> Booking:
    """Book on the model as it is now, or as it was known."""
    amounts = {"tpm": tokens, "rpm": 1}
    booking = ledger.book(account or ledger.account("m"), amounts, ledger.clock.now_ms() + 250_000)
    assert isinstance(booking, Booking)
    return booking


def answer(ledger: Ledger, booking: Booking) -> None:
    """The vendor answered, and used what was booked."""
    assert ledger.settle(booking, Outcome(booking.amounts, Counters(calls=1), answered=True))


def refusal(**fields: Any) -> RateLimitedError:
    """A 429."""
    return RateLimitedError("429", provider="vendor", model="m", **fields)


def test_an_outage_opens_the_breaker_until_one_probe_is_answered(ledger: Ledger, notices: Notices, clock: Time) -> None:
    """Five seconds nobody, then one call, and the others only when it is back."""
    known = ledger.account("m")
    failed = book(ledger)
    notices.failed(failed, DOWN, 300)
    probe = book(ledger)
    assert probe.is_probe
    assert 0 <= probe.start_ms - (NOW_MS + OPEN_MS) < 1000
    assert book(ledger).start_ms >= probe.start_ms + PROBE_S * 1000
    clock.at_ms = probe.start_ms
    answer(ledger, probe)
    account = ledger.account("m")
    assert (account.strikes, account.blocked_until_s, account.is_probed) == (0, 0, False)
    assert book(ledger).start_ms == clock.at_ms
    assert book(ledger, account=known).start_ms == clock.at_ms


def test_a_caller_with_an_older_account_does_not_slip_past_an_open_breaker(ledger: Ledger, notices: Notices) -> None:
    """The fast write fails on the strikes alone, whether or not the model is blocked as well."""
    book(ledger)
    stale = ledger.account("m")
    assert stale.plan({"tpm": 10, "rpm": 1}, NOW_MS).fast
    for _ in range(2):
        notices.failed(book(ledger), SILENT, 1500)
    late = book(ledger, 10, stale)
    assert late.is_probe


def test_a_probe_that_fails_keeps_the_breaker_open_for_longer(ledger: Ledger, notices: Notices, clock: Time) -> None:
    """A quarter of a minute; a minute when somebody must put it right."""
    notices.failed(book(ledger), DOWN, 300)
    probe = book(ledger)
    clock.at_ms = probe.start_ms
    notices.failed(probe, DOWN, 300)
    assert 0 <= book(ledger).start_ms - (clock.at_ms + PROBE_AGAIN_MS) < 1000
    notices.failed(probe, GONE, 300)
    assert 0 <= book(ledger).start_ms - (clock.at_ms + GONE_MS) < 1000


def test_one_call_without_an_answer_is_a_strike_and_two_open(ledger: Ledger, notices: Notices) -> None:
    """An answer in between takes the strike away; the silence counts in the model's pace."""
    notices.failed(book(ledger), SILENT, 1500)
    assert not ledger.account("m").is_probed
    answer(ledger, book(ledger))
    assert ledger.account("m").strikes == 0
    for _ in range(2):
        notices.failed(book(ledger), SILENT, 1500)
    account = ledger.account("m")
    assert (account.is_probed, account.learned.paces, account.learned.samples) == (True, 3, 0)


def test_a_refusal_closes_the_breaker_and_shrinks_the_quota_once(ledger: Ledger, notices: Notices) -> None:
    """The vendor is alive. Ten refusals at once are one step."""
    bookings = [book(ledger) for _ in range(10)]
    for booking in bookings[:3]:
        ledger.count_refusal(booking)
        notices.refused(booking, refusal(retry_after_s=7))
    account = ledger.account("m")
    assert (account.counters.refusals, account.standing.shrunk) == (
        3,
        799,
    )  # seven of ten are out, an eighth did not fit
    assert account.blocked_until_s * 1000 >= NOW_MS + 7000
    assert account.limiters["tpm"].amount == 7990
    assert account.whole["tpm"].amount == 10_000


def test_a_day_that_is_spent_blocks_and_says_nothing_of_minutes(ledger: Ledger, notices: Notices) -> None:
    """The quota per minute stays whole."""
    booking = book(ledger)
    ledger.count_refusal(booking)
    notices.refused(booking, refusal(retry_after_s=3600, limit_kind="tpd"))
    account = ledger.account("m")
    assert (account.standing.shrunk, account.blocked_until_s) == (1000, NOW_MS // 1000 + 3601)


def test_a_limit_that_the_vendor_names_stands_at_once(ledger: Ledger, notices: Notices) -> None:
    """In a refusal, in a request that is too large, in a reply's headers; a higher one not above the ceiling."""
    booking = book(ledger)
    ledger.count_refusal(booking)
    notices.refused(booking, refusal(limit_tokens=6000))
    assert ledger.account("m").limiters["tpm"].amount == 6000
    notices.too_large("m", 5000)
    assert ledger.account("m").limiters["tpm"].amount == 5000
    notices.seen("m", 8000)
    assert ledger.account("m").limiters["tpm"].amount == 8000
    notices.seen("m", 90_000)
    account = ledger.account("m")
    assert (account.standing.found, account.limiters["tpm"].amount) == ({"tpm": 90_000}, 10_000)


def test_what_headers_say_again_costs_nothing(ledger: Ledger, notices: Notices) -> None:
    """Only the first sight of a figure is looked up."""
    answer(ledger, book(ledger))
    notices.seen("m", 10_000)
    version = ledger.account("m").version
    notices.seen("m", 10_000)
    notices.seen("m", None)
    assert ledger.account("m").version == version


def test_a_person_sets_quotas_and_disables_models_for_everybody(ledger: Ledger, notices: Notices) -> None:
    """Also for callers that hold an older account, at their next booking."""
    book(ledger, 100)
    stale = ledger.account("m")
    assert notices.set("m", {"tpm": 2000})
    with pytest.raises(NoCapacityError, match="its quota holds 2000 at once"):
        book(ledger, 3000, ledger.account("m"))
    assert notices.set("m", {"tpm": None}, disabled=True)
    with pytest.raises(NoCapacityError, match="m is disabled"):
        book(ledger, 10, stale)
    assert notices.set("m", {}, disabled=False)
    assert book(ledger, 3000).start_ms == NOW_MS


def test_a_call_above_a_shrunk_quota_waits_until_it_has_it_to_itself(ledger: Ledger, notices: Notices) -> None:
    """It fits the quota as configured, which may still be true."""
    first = book(ledger, 4000)
    ledger.count_refusal(first)
    notices.refused(first, refusal(retry_after_s=0))
    assert ledger.account("m").limiters["tpm"].amount == 5000
    small = book(ledger, 1000)
    large = book(ledger, 9000)
    assert large.start_ms >= small.start_ms + 60_000
    assert not ledger.account("m").is_over(large.amounts, large.start_ms)


def test_tickets_are_numbered_by_time(ledger: Ledger, clock: Time) -> None:
    """Ten calls of 2,500 on a full window of 10,000: four fit into each minute after it."""
    for _ in range(4):
        book(ledger, 2500)
    amounts = {"tpm": 2500, "rpm": 1}
    dues = []
    for _ in range(10):
        due_ms = ledger.queue(queue(ledger.account("m"), amounts, amounts, clock.at_ms, 0))
        assert due_ms is not None
        dues.append((due_ms - NOW_MS) // 1000)
    assert dues == sorted(dues)
    assert [dues.count(due) for due in sorted(set(dues))] == [4, 4, 2]
    assert min(dues) == 61


def test_a_ticket_knows_what_others_will_give_back(ledger: Ledger, clock: Time) -> None:
    """Three calls of 3,000 are under way and will use a third: the next is due when they have been settled."""
    for _ in range(3):
        book(ledger, 3000)
    amounts, expected = {"tpm": 3000, "rpm": 1}, {"tpm": 1000, "rpm": 1}
    due_ms = ledger.queue(queue(ledger.account("m"), amounts, expected, clock.at_ms, 2000))
    assert due_ms == clock.at_ms + 2000


def test_two_who_begin_a_queue_at_once_stand_behind_each_other(ledger: Ledger, clock: Time) -> None:
    """Both saw it empty; the second's condition fails, and it joins."""
    for _ in range(3):
        book(ledger, 3000)
    amounts = {"tpm": 6000, "rpm": 1}
    seen = queue(ledger.account("m"), amounts, amounts, clock.at_ms, 0)
    first, second = ledger.queue(seen), ledger.queue(seen)
    assert first is not None
    assert second is not None
    assert second - first == 62_000


def full(ledger: Ledger) -> None:
    """A window of 10,000 that is booked up."""
    for _ in range(4):
        book(ledger, 2500)


def take(ledger: Ledger, holder: str = NOBODYS) -> tuple[Ticket, int]:
    """A ticket for a quarter of the window, and when its turn comes."""
    amounts = {"tpm": 2500, "rpm": 1}
    seen = queue(ledger.account("m"), amounts, amounts, ledger.clock.now_ms(), 0)
    due_ms = ledger.queue(seen, holder)
    assert due_ms is not None
    return Ticket("m", seen.advance_ms, holder), due_ms


def test_who_gives_up_a_ticket_leaves_its_time_to_those_who_come_next(ledger: Ledger, clock: Time) -> None:
    """Never more than there is: time has emptied the queue meanwhile."""
    full(ledger)
    tickets = [take(ledger) for _ in range(12)]
    for ticket, _ in tickets[4:]:
        assert ledger.leave_queue(ticket)
    assert take(ledger)[1] == tickets[4][1]
    assert ledger.leave_queue(Ticket("m", 3_600_000))
    assert ledger.account("m").tail_ms == clock.at_ms
    assert not ledger.leave_queue(tickets[0][0])


def test_a_stopped_job_gives_its_tickets_up_behind_which_nobody_stands(ledger: Ledger) -> None:
    """Whoever comes next has the first of their turns; what lies before another job's tickets stays as it is."""
    full(ledger)
    other = take(ledger, "j-1")
    begins_ms = ledger.account("m").tail_ms - other[0].advance_ms
    first = [take(ledger, "j-2") for _ in range(3)]
    between = take(ledger, "j-1")
    last = [take(ledger, "j-2") for _ in range(20)]
    ledger.abandon_queues("j-1")
    ledger.abandon_queues("j-3")
    assert other[1] <= first[0][1] <= between[1] <= last[0][1] < last[-1][1]
    for _ in range(2):
        ledger.abandon_queues("j-2")
        assert ledger.account("m").tail_ms == begins_ms + 5 * other[0].advance_ms
    assert take(ledger, "j-4")[1] == last[0][1]


def test_a_stopped_job_whose_turn_has_begun_leaves_an_empty_queue(ledger: Ledger, clock: Time) -> None:
    """What has passed of its time is past."""
    full(ledger)
    for _ in range(20):
        take(ledger, "j-1")
    clock.at_ms += 90_000
    ledger.abandon_queues("j-1")
    account = ledger.account("m")
    assert (account.tail_ms, account.tail_holder) == (clock.at_ms, "")
    ledger.abandon_queues("j-1")
    assert ledger.account("m").tail_ms == clock.at_ms


def test_a_ticket_that_may_have_been_given_up_is_not_given_up_twice(ledger: Ledger) -> None:
    """Once more would take others' off."""
    full(ledger)
    for _ in range(4):
        take(ledger)
    tail_ms, update = ledger.account("m").tail_ms, ledger.table.update

    def silent(model: str, request: Any) -> Any:
        update(model, request)
        raise ReadTimeoutError(endpoint_url="x")

    with patch.object(ledger.table, "update", silent):
        assert not ledger.leave_queue(Ticket("m", 15_000))
    assert ledger.account("m").tail_ms == tail_ms - 15_000


def test_the_quota_of_a_day_does_not_set_the_pace_of_the_queue(clock: Time) -> None:
    """A call of 3,000 is a twentieth of this day, and half a minute of this minute."""
    catalog = catalog_of(m=[("tpm", 6000, "token_bucket"), ("tpd", 60_000, "token_bucket")])
    store: Any = FakeDynamoDB(lambda: clock.at_ms)
    ledger = Ledger(store, "Ledger", catalog, clock, clock.sleep)
    amounts = {"tpm": 3000, "tpd": 3000}
    assert isinstance(ledger.book(ledger.account("m"), amounts, NOW_MS), Booking)
    dues = [ledger.queue(queue(ledger.account("m"), amounts, amounts, clock.at_ms, 0)) for _ in range(3)]
    assert [round(((due or 0) - NOW_MS) / 1000) for due in dues] == [2, 32, 62]
