"""Idempotency keys: the first request under a key owns a job, a repetition gets that job, another body is refused."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rota.attributes import Plain, plain, typed
from rota.errors import ConflictError, InvalidInputError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEPT_S = 86_400
"""How long a key is remembered, in seconds."""

# Condition of the claim, as a sentence. Time-to-live removes items days late, so the age is judged here.
NOBODY_CLAIMED_IT_LATELY = "attribute_not_exists(job_id) OR expires_s <= :now"


@dataclass(frozen=True, slots=True)
class OnceKey:
    """A caller's idempotency key. Raises InvalidInputError unless it is 1 to 128 visible ASCII characters."""

    owner: str
    text: str

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[\x21-\x7e]{1,128}", self.text):
            raise InvalidInputError("Idempotency-Key", "must be 1 to 128 visible ASCII characters without spaces")


class OnceStore:
    """Items `once#<owner>#<key>` of the jobs table."""

    def __init__(self, dynamodb: DynamoDBClient, table: str) -> None:
        self._dynamodb, self._table = dynamodb, table

    def claim(self, key: OnceKey, request: Mapping[str, Any], job_id: str, now_ms: int) -> str:
        """The job that this key stands for: `job_id` when the key is new, otherwise the first request's.

        Raises ConflictError when the first request was another one.
        """
        digest, now_s = digest_of(request), now_ms // 1000
        item: dict[str, Plain] = {
            "job_id": f"once#{key.owner}#{key.text}",
            "job": job_id,
            "digest": digest,
            "expires_s": now_s + KEPT_S,
        }
        try:
            self._dynamodb.put_item(
                TableName=self._table,
                Item=typed(item),
                ConditionExpression=NOBODY_CLAIMED_IT_LATELY,
                ExpressionAttributeValues=typed({":now": now_s}),
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException as refused:
            response: dict[str, Any] = dict(refused.response)
            first = plain(response["Item"])
            if first["digest"] != digest:
                raise ConflictError("this Idempotency-Key was used for another request; take a new one") from refused
            return str(first["job"])
        return job_id


def digest_of(request: Mapping[str, Any]) -> str:
    """SHA-256 of a request's JSON, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()
