"""Budgets are never overspent, whoever else reserves at the same time, and give back what was not used."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from rota.errors import BudgetSpentError
from rota.money import nanousd
from rota.outcomes.budgets import TRIES, Budgets, Reservation, limits_of
from rota.outcomes.table import OutcomesTable
from rota.policy import Budget
from tests.fixtures.fake_dynamodb import client_error
from tests.fixtures.outcomes import TABLE, FakeOutcomes, outcomes_table

NOW = 1_795_183_200_000
MONTH = "budget#2026-11"
CENT = nanousd(0.01)
EACH_USER = Budget(per="user", month_usd=1)
ADA = Budget(per="user", name="ada", month_usd=5)
CHAT = Budget(per="feature", name="chat", month_usd=2)
EVERYBODY = Budget(per="all", month_usd=10)
LOST = ReadTimeoutError(endpoint_url="http://outcomes")
THROTTLED = client_error("ThrottlingException")


@pytest.fixture
def table() -> FakeOutcomes:
    """A table in memory."""
    return FakeOutcomes()


def budgets(dynamodb: Any, *of: Budget) -> Budgets:
    """The budgets of one process, which does not sleep."""
    return Budgets(dynamodb, TABLE, of, sleep=lambda _: None)


@pytest.fixture
def on_moto() -> Iterator[Any]:
    """Moto's DynamoDB."""
    with outcomes_table() as dynamodb:
        yield dynamodb


def test_what_is_reserved_is_settled_to_what_was_spent(on_moto: Any) -> None:
    """Each budget that applies holds it; afterwards each has what it cost."""
    mine = budgets(on_moto, EACH_USER, CHAT, EVERYBODY)
    reservation = mine.reserve("bob", "chat", 30 * CENT, NOW)
    assert reservation.budgets == ("user#bob", "feature#chat", "all")
    assert [each["spent_usd"] for each in mine.standing("bob", "chat", NOW)] == [0.3, 0.3, 0.3]
    assert mine.settle(reservation, 12 * CENT)
    assert mine.standing("bob", "chat", NOW)[0] == {
        "budget": "user bob",
        "limit_usd": 1.0,
        "spent_usd": 0.12,
        "month": "2026-11",
        "ends": "2026-12-01",
    }
    [item] = on_moto.query(
        TableName=TABLE,
        KeyConditionExpression="pk = :pk AND sk = :sk",
        ExpressionAttributeValues={":pk": {"S": MONTH}, ":sk": {"S": "all"}},
    )["Items"]
    assert item == {
        "pk": {"S": MONTH},
        "sk": {"S": "all"},
        "spent": {"N": str(12 * CENT)},
        "expires_s": {"N": "1830297600"},
    }


def test_a_spent_budget_refuses_and_says_whose_it_is(on_moto: Any) -> None:
    """In words for a person, and in numbers; a smaller call may still fit, to the last billionth."""
    mine = budgets(on_moto, EACH_USER)
    mine.reserve("bob", "chat", 95 * CENT, NOW)
    with pytest.raises(BudgetSpentError) as refused:
        mine.reserve("bob", "chat", 5 * CENT + 1, NOW)
    assert str(refused.value) == (
        "the budget of user bob for 2026-11 has no room for this call: $0.95 of $1.00 are spent or held, "
        "the call may cost $0.050000001; the next month begins on 2026-12-01 (UTC)"
    )
    assert (refused.value.budget, refused.value.spent_usd, refused.value.limit_usd) == ("user bob", 0.95, 1.0)
    assert (refused.value.code, refused.value.http_status) == ("budget_spent", 402)
    mine.reserve("bob", "chat", 5 * CENT, NOW)
    assert mine.standing("bob", "chat", NOW)[0]["spent_usd"] == 1.0


def test_one_call_above_the_whole_budget_is_refused_at_once(on_moto: Any) -> None:
    """Also when nothing was spent yet, and no item made."""
    mine = budgets(on_moto, EACH_USER)
    with pytest.raises(BudgetSpentError, match=r"\$0.00 of \$1.00"):
        mine.reserve("bob", "chat", 101 * CENT, NOW)
    assert on_moto.scan(TableName=TABLE)["Items"] == []


def test_where_no_budget_applies_nothing_is_written(table: FakeOutcomes) -> None:
    """Neither before the call nor after it; and what costs nothing is held nowhere."""
    mine = budgets(table, ADA, CHAT)
    reservation = mine.reserve("bob", "search", 30 * CENT, NOW)
    assert mine.settle(reservation, 12 * CENT)
    assert mine.settle(mine.reserve("ada", "chat", 0, NOW), 0)
    assert mine.settle(Reservation("2026-11", CENT, ("all",)), CENT)
    assert (reservation.budgets, table.writes, table.reads) == ((), 0, 0)


def test_the_next_month_begins_anew(table: FakeOutcomes) -> None:
    """What was reserved on the last of a month is settled there, however late."""
    mine, december = budgets(table, EACH_USER), NOW + 20 * 86_400_000
    reservation = mine.reserve("bob", "chat", 100 * CENT, NOW)
    mine.reserve("bob", "chat", 100 * CENT, december)
    mine.settle(reservation, 40 * CENT)
    assert table.number(MONTH, "user#bob", "spent") == 40 * CENT
    assert table.number("budget#2026-12", "user#bob", "spent") == 100 * CENT


@pytest.mark.parametrize(
    ("user", "feature", "own_usd", "expected"),
    [
        ("bob", "search", None, {"user#bob": 1, "all": 10}),
        ("bob", "chat", None, {"user#bob": 1, "feature#chat": 2, "all": 10}),
        ("ada", "", None, {"user#ada": 5, "all": 10}),
        ("ada", "", 0.5, {"user#ada": 0.5, "all": 10}),
        ("bob", "", 20, {"user#bob": 20, "all": 10}),
        ("", "", None, {"all": 10}),
        ("", "", 20, {"all": 10}),
    ],
)
def test_the_closest_budget_applies(user: str, feature: str, own_usd: float | None, expected: dict[str, float]) -> None:
    """A key's own before the one that names the user, that before the one of each; the one of all always."""
    limits = limits_of((EACH_USER, ADA, CHAT, EVERYBODY), user, feature, own_usd)
    assert {name: limit / nanousd(1) for name, limit in limits.items()} == expected
    assert list(limits) == list(expected)


def test_of_two_for_the_same_the_smaller_applies() -> None:
    """A file that says two things is read carefully."""
    twice = (EVERYBODY, Budget(per="all", month_usd=3), Budget(per="feature", month_usd=4), CHAT)
    assert limits_of(twice, "", "chat") == {"feature#chat": nanousd(2), "all": nanousd(3)}


def test_when_the_second_refuses_the_first_gets_its_own_back(table: FakeOutcomes) -> None:
    """The user's budget is as it was, and another feature of theirs has all of it."""
    mine = budgets(table, ADA, CHAT)
    mine.reserve("bob", "chat", 199 * CENT, NOW)
    with pytest.raises(BudgetSpentError, match="feature chat"):
        mine.reserve("ada", "chat", 2 * CENT, NOW)
    assert table.number(MONTH, "user#ada", "spent") == 0
    assert mine.reserve("ada", "search", 500 * CENT, NOW).budgets == ("user#ada",)


def reserves(table: FakeOutcomes, nanousd_each: int) -> bool:
    """One process that wants to make a call: whether it may."""
    try:
        budgets(table, EACH_USER, EVERYBODY).reserve("bob", "chat", nanousd_each, NOW)
    except BudgetSpentError:
        return False
    return True


def test_a_thousand_processes_never_spend_more_than_there_is(table: FakeOutcomes) -> None:
    """Each wants 3 cents of a dollar: exactly 33 get them, in whatever order they come."""
    with ThreadPoolExecutor(20) as pool:
        granted = sum(pool.map(lambda _: reserves(table, 3 * CENT), range(1000)))
    assert granted == 33
    for budget in ("user#bob", "all"):
        assert table.number(MONTH, budget, "spent") == 99 * CENT


def test_all_that_look_at_the_same_moment_do_not_all_get_it(table: FakeOutcomes) -> None:
    """Sixteen meet ahead of their first request, a dollar holds three of them.

    Whoever reads what is spent and writes then spends 4.80 of it, as the same meeting shows.
    """
    meeting, met = threading.Barrier(16), threading.local()

    def meet() -> None:
        if not hasattr(met, "once"):
            met.once = True
            meeting.wait(10)

    def reads_then_writes(_: int) -> bool:
        room = nanousd(1) - table.number(MONTH, "user#eve", "spent")
        meeting.wait(10)
        if room >= 30 * CENT:
            OutcomesTable(table, TABLE).add(MONTH, "user#eve", {"spent": 30 * CENT}, 1)
        return room >= 30 * CENT

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(reads_then_writes, range(16))) == 16
    assert table.number(MONTH, "user#eve", "spent") == 480 * CENT
    table.ahead = meet
    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(lambda _: reserves(table, 30 * CENT), range(16))) == 3
    assert table.number(MONTH, "user#bob", "spent") == 90 * CENT


def test_another_that_comes_between_leaves_no_room(table: FakeOutcomes) -> None:
    """Ahead of every single request of one process, another one takes what is left: the first is refused.

    A process that had read the room before would write all the same.
    """
    other, meddling = budgets(table, EACH_USER), [45 * CENT, 40 * CENT]

    def take() -> None:
        if meddling:
            table.ahead = lambda: None
            other.reserve("bob", "chat", meddling.pop(), NOW)
            table.ahead = take

    table.ahead = take
    mine = budgets(table, EACH_USER)
    mine.reserve("bob", "chat", 10 * CENT, NOW)
    with pytest.raises(BudgetSpentError):
        mine.reserve("bob", "chat", 10 * CENT, NOW)
    assert table.number(MONTH, "user#bob", "spent") == 95 * CENT


def test_calls_in_any_order_sum_up_exactly(table: FakeOutcomes) -> None:
    """Thousands of reservations and settlements, interleaved: never above the limit, at the end what was spent."""
    rng, mine = random.Random(7), budgets(table, EACH_USER, CHAT, EVERYBODY)
    open_calls: list[Reservation] = []
    spent = refusals = 0
    for _ in range(3000):
        if open_calls and rng.random() < 0.5:
            reservation = open_calls.pop(rng.randrange(len(open_calls)))
            cost = rng.randint(0, reservation.nanousd)
            mine.settle(reservation, cost)
            spent += cost
        else:
            try:
                open_calls.append(mine.reserve("bob", "chat", rng.randint(1, 2 * CENT), NOW))
            except BudgetSpentError:
                refusals += 1
        held = sum(each.nanousd for each in open_calls)
        assert [table.number(MONTH, budget, "spent") for budget in ("user#bob", "feature#chat", "all")] == 3 * [
            spent + held
        ]
        assert spent + held <= nanousd(1)
    assert refusals > 100


def test_a_call_dearer_than_reserved_is_charged_all_the_same(table: FakeOutcomes) -> None:
    """The month shows what was spent; the next call is refused."""
    mine = budgets(table, EACH_USER)
    assert mine.settle(mine.reserve("bob", "chat", 99 * CENT, NOW), 103 * CENT)
    with pytest.raises(BudgetSpentError, match=r"\$1.03 of \$1.00"):
        mine.reserve("bob", "chat", 1, NOW)


@pytest.mark.parametrize("fate", ["lost", "performed"])
def test_a_reply_that_is_lost_never_frees_money(table: FakeOutcomes, fate: str) -> None:
    """A reservation whose reply is lost fails the call and may stay; a settlement's is not made twice."""
    mine = budgets(table, EACH_USER)
    table.faults.append((fate, LOST))
    with pytest.raises(ReadTimeoutError):
        mine.reserve("bob", "chat", 10 * CENT, NOW)
    stays = table.number(MONTH, "user#bob", "spent")
    assert stays == (10 * CENT if fate == "performed" else 0)
    reservation = mine.reserve("bob", "chat", 20 * CENT, NOW)
    table.faults.append((fate, LOST))
    assert not mine.settle(reservation, 5 * CENT)
    assert table.number(MONTH, "user#bob", "spent") == stays + (5 * CENT if fate == "performed" else 20 * CENT)


def test_when_the_second_is_lost_the_first_is_given_back(table: FakeOutcomes) -> None:
    """Whatever goes wrong, the call is not made, and a budget that answered holds nothing for it."""
    mine = budgets(table, ADA, EVERYBODY)
    table.faults.extend([("performed", None), ("lost", LOST)])  # the first goes well
    with pytest.raises(ReadTimeoutError):
        mine.reserve("ada", "chat", 10 * CENT, NOW)
    assert table.number(MONTH, "user#ada", "spent") == table.number(MONTH, "all", "spent") == 0


def test_a_busy_table_is_asked_again(table: FakeOutcomes) -> None:
    """A throttled write was not made, so making it again is safe; not for ever."""
    mine = budgets(table, EACH_USER)
    table.faults.extend([("lost", THROTTLED)] * (TRIES - 1))
    reservation = mine.reserve("bob", "chat", 10 * CENT, NOW)
    table.faults.extend([("lost", THROTTLED)] * (TRIES - 1))
    assert mine.settle(reservation, 4 * CENT)
    assert table.number(MONTH, "user#bob", "spent") == 4 * CENT
    table.faults.extend([("lost", THROTTLED)] * TRIES)
    with pytest.raises(ClientError):
        mine.reserve("bob", "chat", 10 * CENT, NOW)


def test_before_any_work_a_spent_budget_is_told(table: FakeOutcomes) -> None:
    """While anything is left the work may begin; looking holds nothing."""
    mine = budgets(table, EACH_USER)
    mine.check("bob", "chat", NOW)
    reservation = mine.reserve("bob", "chat", 100 * CENT, NOW)
    with pytest.raises(BudgetSpentError, match="user bob"):
        mine.check("bob", "chat", NOW)
    mine.settle(reservation, 100 * CENT - 1)
    mine.check("bob", "chat", NOW)
    assert table.number(MONTH, "user#bob", "spent") == 100 * CENT - 1
