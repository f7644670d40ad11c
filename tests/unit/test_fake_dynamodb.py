"""The table in memory: what an update may ask to be told."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from tests.fixtures.fake_dynamodb import FakeDynamoDB, Item


def updated(store: FakeDynamoDB, expression: str, asked: str, **values: int) -> Item:
    """The attributes that come back."""
    given = {f":{name}": {"N": str(value)} for name, value in values.items()}
    reply = store.update_item(
        Key={"model": {"S": "m"}},
        UpdateExpression=expression,
        ExpressionAttributeValues=given,
        ReturnValues=asked,
    )
    attributes: Item = reply.get("Attributes", {})
    return attributes


@pytest.mark.parametrize(
    ("asked", "attributes"),
    [
        ("NONE", {}),
        ("ALL_OLD", {"model": "m", "v": "1", "z": "7", "k": "2"}),
        ("ALL_NEW", {"model": "m", "v": "5", "x": "3", "k": "2"}),
        ("UPDATED_OLD", {"v": "1", "z": "7"}),
        ("UPDATED_NEW", {"v": "5", "x": "3"}),
    ],
)
def test_an_update_tells_what_it_is_asked_for(asked: str, attributes: dict[str, str]) -> None:
    """What an attribute was or is; one that was not or is no more is left out."""
    store = FakeDynamoDB()
    updated(store, "SET v = :v, z = :z, k = :k", "NONE", v=1, z=7, k=2)
    told = updated(store, "SET x = :x ADD v :v REMOVE z", asked, x=3, v=4)
    assert {name: next(iter(value.values())) for name, value in told.items()} == attributes


def test_what_was_told_can_be_changed_without_harm() -> None:
    """Replies are copies, also those of a failed condition."""
    store = FakeDynamoDB()
    updated(store, "SET v = :v", "ALL_NEW", v=1)["v"]["N"] = "9"
    with pytest.raises(ClientError) as caught:
        store.update_item(
            Key={"model": {"S": "m"}},
            UpdateExpression="SET v = :v",
            ConditionExpression="v > :v",
            ExpressionAttributeValues={":v": {"N": "5"}},
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    item: Item = dict(caught.value.response)["Item"]  # type: ignore[assignment]
    item["v"]["N"] = "9"
    assert store.items["m"]["v"] == {"N": "1"}
