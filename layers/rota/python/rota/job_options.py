"""The options that a job goes on with, in its item: as asked, and with what its plan has changed.

The item is what every step reads anyway; what was asked for is kept beside what took its place, so that planning once
more begins from there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rota.attributes import typed

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ASKED, LATEST = "asked", "latest_s"
IT_EXISTS = "attribute_exists(job_id)"


def as_asked(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that the caller gave, whatever was planned since."""
    given = {name: value for name, value in options.items() if name not in (ASKED, LATEST)}
    return {name: value for name, value in {**given, **options.get(ASKED, {})}.items() if value is not None}


def as_planned(asked: Mapping[str, Any], planned: Mapping[str, Any], latest_s: Mapping[str, int]) -> dict[str, Any]:
    """The options to go on with: `planned`, the `asked` ones that these replaced, and by step the latest start.

    `latest_s` is in seconds since the job was created; empty for a job without a deadline.
    """
    replaced = {name: asked.get(name) for name, value in planned.items() if asked.get(name) != value}
    added = {ASKED: replaced} if replaced else {}
    return {**planned, **added, **({LATEST: dict(latest_s)} if latest_s else {})}


def put_options(dynamodb: DynamoDBClient, table: str, job_id: str, options: Mapping[str, Any]) -> None:
    """Let a job go on with these options. A repeated write changes nothing."""
    dynamodb.update_item(
        TableName=table,
        Key=typed({"job_id": job_id}),
        UpdateExpression="SET options = :options",
        ConditionExpression=IT_EXISTS,
        ExpressionAttributeValues=typed({":options": json.dumps(dict(options))}),
    )
