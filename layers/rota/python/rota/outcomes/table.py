"""The outcomes table: what calls cost, how they went, what was thought of them. Who keeps what, under which key:

pk                        sk                                           kept         by
usage#<month>#<user>      <feature>#<query type>#<model>               13 months    usage_counters
usage#<month>             <user>                                       13 months    usage_counters
budget#<month>            user#<user> | feature#<feature> | all        13 months    budgets
decisions#<day>           <decision id>                                90 days      outcomes
experiment#<name>         <arm>                                        13 months    experiment_results
recent#<user>             questions                                    an hour      recent
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from rota.attributes import Plain, plain, typed

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class OutcomesTable:
    """Requests to the table, in plain values. `dynamodb` is a boto3 client."""

    def __init__(self, dynamodb: DynamoDBClient, table: str) -> None:
        self._dynamodb, self._table = dynamodb, table

    def get(self, pk: str, sk: str) -> dict[str, Any]:
        """An item as it is now; empty when there is none."""
        key = typed({"pk": pk, "sk": sk})
        return plain(self._dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item", {}))

    def put(self, pk: str, sk: str, values: Mapping[str, Plain | None]) -> None:
        """Write an item, whatever was there."""
        self._dynamodb.put_item(TableName=self._table, Item=typed({"pk": pk, "sk": sk, **values}))

    def add(self, pk: str, sk: str, counts: Mapping[str, int], expires_s: int) -> None:
        """Add to counters atomically, making the item if there is none; nothing is written when all are zero."""
        changes = {name: by for name, by in counts.items() if by}
        if changes:
            adds = ", ".join(f"{name} :{name}" for name in changes)
            values = {":expires_s": expires_s, **{f":{name}": by for name, by in changes.items()}}
            self.update(pk, sk, f"SET expires_s = :expires_s ADD {adds}", values)

    def update(
        self,
        pk: str,
        sk: str,
        update: str,
        values: Mapping[str, Plain],
        condition: str = "",
        names: Mapping[str, str] | None = None,
    ) -> None:
        """One write. A ClientError for a condition that did not hold carries the item, see `refusing_item`."""
        request: dict[str, Any] = {"UpdateExpression": update, "ExpressionAttributeValues": typed(values)}
        if condition:
            request |= {"ConditionExpression": condition, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
        if names:
            request["ExpressionAttributeNames"] = names
        self._dynamodb.update_item(TableName=self._table, Key=typed({"pk": pk, "sk": sk}), **request)

    def query(self, pk: str) -> Iterator[dict[str, Any]]:
        """Every item of a partition, in the order of `sk`."""
        query: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": typed({":pk": pk}),
            "ConsistentRead": True,
        }
        while True:
            reply = self._dynamodb.query(**query)
            yield from (plain(item) for item in reply["Items"])
            if "LastEvaluatedKey" not in reply:
                return
            query["ExclusiveStartKey"] = reply["LastEvaluatedKey"]


def refusing_item(response: Mapping[str, Any]) -> dict[str, Any]:
    """The item that refused a write, from the error's `response`; empty when there was none."""
    return plain(response.get("Item", {}))
