"""Cost allocation: one write per call, and sums that agree whichever way they are cut."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from rota.outcomes.usage import UsageCounters, UsageKey, UsageRow, UsageTotals, usage_view
from tests.fixtures.outcomes import TABLE, outcomes_table

NOW = 1_795_183_200_000
MONTH = "2026-11"
CALL = UsageTotals(calls=1, input_tokens=3000, output_tokens=200, cost_nanousd=25_500, latency_ms=900)


class Counting:
    """A client that counts its writes."""

    def __init__(self, dynamodb: Any) -> None:
        self._dynamodb, self.writes = dynamodb, 0

    def __getattr__(self, name: str) -> Any:
        self.writes += name in ("put_item", "update_item")
        return getattr(self._dynamodb, name)


@pytest.fixture
def dynamodb() -> Iterator[Counting]:
    """The table of one test."""
    with outcomes_table() as client:
        yield Counting(client)


@pytest.fixture
def counters(dynamodb: Any) -> UsageCounters:
    """The counters of one process."""
    return UsageCounters(dynamodb, TABLE)


def key(user: str = "ada", feature: str = "chat", query_type: str = "code", model: str = "nova-lite") -> UsageKey:
    """Whom and what to charge."""
    return UsageKey(user, feature, query_type, model)


def test_calls_add_up_by_what_they_were_for(counters: UsageCounters) -> None:
    """Same key, same row; another model, another row; another month apart."""
    counters.add(key(), CALL, NOW)
    counters.add(key(), UsageTotals(calls=1, failures=1, latency_ms=100), NOW)
    counters.add(key(model="nova-pro"), UsageTotals(calls=1, cost_nanousd=7, fallbacks=1, escalations=1), NOW)
    counters.add(key(), CALL, NOW + 30 * 86_400_000)
    assert dict(counters.of_user("ada", MONTH)) == {
        key(): UsageTotals(2, 3000, 200, 25_500, 1000, failures=1),
        key(model="nova-pro"): UsageTotals(1, cost_nanousd=7, fallbacks=1, escalations=1),
    }
    assert dict(counters.of_user("ada", "2026-12")) == {key(): CALL}


def test_a_feature_may_contain_the_separator(counters: UsageCounters) -> None:
    """Query types and models cannot, so the row is read back as it was written; nor can users be mistaken."""
    odd = key(user="a#b", feature="c#d#e")
    counters.add(odd, CALL, NOW)
    assert dict(counters.of_user("a#b", MONTH)) == {odd: CALL}
    assert dict(counters.of_user("a", MONTH)) == {}


def test_everybodys_rows_are_found_through_the_month(counters: UsageCounters) -> None:
    """Also when each user was met by another process."""
    for user in ("ada", "bob"):
        counters.add(key(user=user), CALL, NOW)
        counters.add(key(user=user, feature="search"), CALL, NOW)
    assert {each.user for each, _ in counters.of_all(MONTH)} == {"ada", "bob"}
    assert sum((totals for _, totals in counters.of_all(MONTH)), UsageTotals()).calls == 4
    assert list(counters.of_all("2026-10")) == []


def test_a_call_costs_one_write(dynamodb: Counting, counters: UsageCounters) -> None:
    """A process's first of a user in a month one more; a second process again one."""
    for _ in range(100):
        counters.add(key(), CALL, NOW)
    assert dynamodb.writes == 101
    UsageCounters(dynamodb, TABLE).add(key(), CALL, NOW)
    assert dynamodb.writes == 103


def test_a_user_is_named_before_anything_is_counted(dynamodb: Any, counters: UsageCounters) -> None:
    """A process that dies between the two leaves a user without figures, not figures that nobody finds."""
    counters.add(key(), UsageTotals(), NOW)
    [item] = dynamodb.scan(TableName=TABLE)["Items"]
    assert (item["pk"]["S"], item["sk"]["S"]) == (f"usage#{MONTH}", "ada")


def test_every_item_goes_after_thirteen_months(dynamodb: Any, counters: UsageCounters) -> None:
    """Rows and names alike."""
    counters.add(key(), CALL, NOW)
    items = dynamodb.scan(TableName=TABLE)["Items"]
    assert len(items) == 2
    assert {item["expires_s"]["N"] for item in items} == {"1830297600"}  # 1 January 2028


def test_many_rows_come_in_pages(counters: UsageCounters) -> None:
    """More than DynamoDB answers at once are read to the end."""
    for at in range(60):
        counters.add(key(feature=f"{at:04}" + "f" * 900, model="m" * 60), CALL, NOW)
    assert len(list(counters.of_user("ada", MONTH))) == 60


def rows() -> list[UsageRow]:
    """A month of two users."""
    return [
        (key(), UsageTotals(2, 1000, 100, 3_000_000_000, 3000)),
        (key(model="nova-pro", query_type="chat"), UsageTotals(1, 10, 1, 5_000_000_000, 500, failures=1)),
        (key(user="bob", feature="search"), UsageTotals(1, 500, 50, 1_000_000_000, 400, fallbacks=1)),
    ]


def test_the_view_cuts_the_same_sum_four_ways() -> None:
    """The dearest first; latency as a mean."""
    view = usage_view(MONTH, rows(), by_user=True)
    assert view["month"] == MONTH
    assert view["total"] == {
        "calls": 4,
        "input_tokens": 1510,
        "output_tokens": 151,
        "cost_usd": 9.0,
        "mean_latency_ms": 975,
        "fallbacks": 1,
        "failures": 1,
        "escalations": 0,
    }
    for cut in ("by_user", "by_feature", "by_query_type", "by_model"):
        assert sum(group["cost_usd"] for group in view[cut].values()) == 9.0
    assert list(view["by_user"]) == ["ada", "bob"]
    assert list(view["by_model"]) == ["nova-pro", "nova-lite"]
    assert view["by_query_type"]["code"]["calls"] == 3


def test_an_empty_month_has_a_view() -> None:
    """Nothing was spent; other users' names are not in a user's own view."""
    view = usage_view(MONTH, [])
    assert (view["total"]["calls"], view["total"]["mean_latency_ms"], view["by_model"]) == (0, 0, {})
    assert "by_user" not in view
