"""Decisions are found by their id alone, rated once by each source, and hold no text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from rota.errors import NotFoundError
from rota.outcomes.decisions import DECISION_ID, OutcomeStore, decision_id_of, new_decision_id
from tests.fixtures.outcomes import TABLE, outcomes_table

NOW = 1_795_183_200_000
DAY_MS = 86_400_000
DECISION = {
    "rule": "experiment:tone:b",
    "tier": 2,
    "level": "medium",
    "score": 0.5,
    "candidates": ["nova-lite", "gpt-oss-20b"],
    "fallbacks": [["nova-pro"]],
    "signals": {"length": 0.0, "code": 1.0},
    "experiment": None,
    "escalated": False,
    "cost_nanousd": 25_500,
}


@pytest.fixture
def dynamodb() -> Iterator[Any]:
    """The table of one test."""
    with outcomes_table() as client:
        yield client


@pytest.fixture
def store(dynamodb: Any) -> OutcomeStore:
    """The decisions of one test."""
    return OutcomeStore(dynamodb, TABLE)


def recorded(store: OutcomeStore, owner: str = "ada", at_ms: int = NOW, **more: Any) -> str:
    """A decision; its id."""
    decision_id = new_decision_id(at_ms)
    store.record({"id": decision_id, "owner": owner, **DECISION, **more})
    return decision_id


def test_a_decision_comes_back_as_it_was_recorded(store: OutcomeStore) -> None:
    """Numbers, lists and objects, and nothing said about it yet."""
    decision_id = recorded(store)
    assert store.get(decision_id, "ada") == {"id": decision_id, "owner": "ada", **DECISION, "feedback": {}}


def test_the_id_says_where_the_item_lies(store: OutcomeStore, dynamodb: Any) -> None:
    """Its day is its partition, so that neither reading nor rating needs an index; it goes 90 days after that day."""
    decision_id = recorded(store)
    [item] = dynamodb.scan(TableName=TABLE)["Items"]
    assert (item["pk"]["S"], item["sk"]["S"]) == ("decisions#2026-11-20", decision_id)
    assert int(item["expires_s"]["N"]) == (NOW // DAY_MS + 91) * 86_400


def test_ids_are_random_well_formed_and_sort_by_day() -> None:
    """A thousand ids, none twice; the day is good until 2149."""
    ids = [new_decision_id(NOW) for _ in range(1000)]
    assert len(set(ids)) == 1000
    assert all(DECISION_ID.fullmatch(each) for each in ids)
    assert max(ids) < new_decision_id(NOW + DAY_MS)
    assert DECISION_ID.fullmatch(new_decision_id(5_600_000_000_000))


def test_a_repeated_step_makes_the_same_decision() -> None:
    """The id of a subject depends on nothing but it and the day."""
    assert decision_id_of("j-1:plan", NOW) == decision_id_of("j-1:plan", NOW + 1)
    assert decision_id_of("j-1:plan", NOW) != decision_id_of("j-1:answer", NOW)
    assert DECISION_ID.fullmatch(decision_id_of("j-1:plan", NOW))


@pytest.mark.parametrize(
    "told",
    [
        {"why": "medium: score 0.50, confidence 0.50"},
        {"prompt": "What is our CEO paid?"},
        {"signals": {"What is our CEO paid?": 1.0, "answer": "a million a year"}},
        {"left_out": {"nova-micro": "its tpm quota admits 8000 at once"}, "list": ["no label either"]},
        {"long": "x" * 129},
        {"two": "lines\nof"},
        {"bytes": b"zebra"},
    ],
)
def test_no_text_is_kept_whatever_is_handed_over(store: OutcomeStore, dynamodb: Any, told: dict[str, Any]) -> None:
    """Names, ids and codes have no blanks; all else that is text is left out, at any depth."""
    recorded(store, **told)
    item = str(dynamodb.scan(TableName=TABLE)["Items"])
    for word in ("medium:", "CEO", "million", "admits", "neither", "xxx", "lines", "zebra"):
        assert word not in item


def test_each_source_rates_once(store: OutcomeStore) -> None:
    """The first word of each stands; a repetition changes nothing and says so."""
    decision_id = recorded(store)
    assert store.feedback(decision_id, "ada", "bad", "rephrased", NOW)
    assert store.feedback(decision_id, "ada", "good", "user", NOW + 1)
    assert not store.feedback(decision_id, "ada", "bad", "user", NOW + 2)
    assert store.get(decision_id, "ada")["feedback"] == {"rephrased": "bad", "user": "good"}


def test_a_decision_recorded_again_keeps_its_ratings(store: OutcomeStore) -> None:
    """A step that is repeated after its answer was rated."""
    decision_id = recorded(store)
    store.feedback(decision_id, "ada", "bad", "user", NOW)
    store.record({"id": decision_id, "owner": "ada", **DECISION, "tier": 3})
    again = store.get(decision_id, "ada")
    assert (again["tier"], again["feedback"]) == (3, {"user": "bad"})


def test_of_ten_that_rate_alike_one_is_told_that_it_was_new(store: OutcomeStore) -> None:
    """Whoever counts ratings counts that one."""
    decision_id = recorded(store)
    assert [store.feedback(decision_id, "ada", "bad", "user", NOW) for _ in range(10)].count(True) == 1


@pytest.mark.parametrize(
    "wrong", ["d-512d000000000000", "d-0000000000000000", "d-ffffffffffffffff", "d-1", "", "x" * 99]
)
def test_what_is_not_there_is_not_found(store: OutcomeStore, dynamodb: Any, wrong: str) -> None:
    """Neither read nor rated, also when it could never be an id; nothing is made by the way."""
    with pytest.raises(NotFoundError):
        store.get(wrong, "ada")
    with pytest.raises(NotFoundError):
        store.feedback(wrong, "ada", "bad", "user", NOW)
    assert dynamodb.scan(TableName=TABLE)["Items"] == []


def test_another_owner_finds_nothing_and_rates_nothing(store: OutcomeStore) -> None:
    """With the words for a decision that does not exist, also when it was rated already."""
    decision_id = recorded(store)
    for _ in range(2):
        for attempt in (
            lambda: store.get(decision_id, "bob"),
            lambda: store.feedback(decision_id, "bob", "bad", "user", NOW),
        ):
            with pytest.raises(NotFoundError, match=f"there is no decision {decision_id}"):
                attempt()
        store.feedback(decision_id, "ada", "good", "user", NOW)
    assert store.get(decision_id, "ada")["feedback"] == {"user": "good"}


def test_a_month_is_exported_day_by_day(store: OutcomeStore) -> None:
    """Everybody's, with what was said, and none of another month."""
    first = recorded(store, at_ms=NOW - 19 * DAY_MS)
    last = recorded(store, owner="bob", at_ms=NOW + 10 * DAY_MS)
    for outside in (NOW - 20 * DAY_MS, NOW + 11 * DAY_MS):
        recorded(store, at_ms=outside)
    middle = [recorded(store) for _ in range(5)]
    store.feedback(last, "bob", "bad", "user", NOW)
    exported = list(store.export("2026-11"))
    assert [each["id"] for each in exported] == [first, *sorted(middle), last]
    assert (exported[-1]["owner"], exported[-1]["feedback"]) == ("bob", {"user": "bad"})


def test_an_ordinary_decision_costs_one_write_unit(store: OutcomeStore, dynamodb: Any) -> None:
    """An item of up to 1 KB."""
    recorded(store, feature="chat", task="code", model="gpt-oss-120b", latency_ms=1234, wait_ms=12, input_tokens=3000)
    [item] = dynamodb.scan(TableName=TABLE)["Items"]
    assert sum(len(name) + len(next(iter(value.values()))) for name, value in item.items()) < 1024
