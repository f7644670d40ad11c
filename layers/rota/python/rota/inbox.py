"""An inbox: files dropped under `inbox/<name>/`, gathered for a few quiet seconds, then read as one job.

    file ──► arrive   last_ms, files + 1  ──► generation g ──► one waiting execution per generation
    file ──► arrive   last_ms, files + 1  ──► generation g     (the same one)
    ·· QUIET_MS without a file ··
    execution ──► look ──► close g if nothing arrived since the look ──► job      the next file opens g + 1

Two callers cannot both close a generation, and a file that arrives while one tries keeps it open. What was read is
known by a fingerprint (`inbox_files`), so an event that S3 delivers again much later starts nothing.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from rota.attributes import plain, typed

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

OWNER = "inbox"
"""Owner of the jobs that inboxes start: keys issued for this owner see them."""
PREFIX = "inbox/"
QUESTION = "question.txt"
QUIET_MS = 4_000
"""How long no file may arrive before a generation is closed."""
OVERDUE_MS = 300_000
"""A generation still open this long after its last file has lost its execution."""
LONGEST_NAME = 200

# Conditions of the writes, as sentences.
IT_IS_STILL_THIS_GENERATION = "generation = :generation"
NOTHING_ARRIVED_SINCE = "last_ms = :seen AND files = :files"


@dataclass(frozen=True, slots=True)
class Inbox:
    """An inbox's item. `job_id` and `digest` are what the last closed generation became ("" for no job)."""

    generation: int = 1
    last_ms: int = 0
    files: int = 0
    job_id: str = ""
    digest: str = ""

    def quiet_at_ms(self) -> int:
        """When the generation may be closed if nothing more arrives, epoch milliseconds."""
        return self.last_ms + QUIET_MS


class InboxStore:
    """Items `inbox#<name>` of the jobs table. They are never removed: generations name executions, once each."""

    def __init__(self, dynamodb: DynamoDBClient, table: str) -> None:
        self._dynamodb, self._table = dynamodb, table
        self._refused = dynamodb.exceptions.ConditionalCheckFailedException

    def read(self, name: str) -> Inbox:
        """The inbox as it is now; one that never saw a file is at generation 1 with none."""
        reply = self._dynamodb.get_item(TableName=self._table, Key=_key(name), ConsistentRead=True)
        return _inbox(plain(reply.get("Item", {})))

    def arrive(self, name: str, files: int, now_ms: int) -> int:
        """Note that files have come; returns the generation that will read them."""
        reply = self._dynamodb.update_item(
            TableName=self._table,
            Key=_key(name),
            UpdateExpression="SET last_ms = :now, generation = if_not_exists(generation, :first) ADD files :files",
            ExpressionAttributeValues=typed({":now": now_ms, ":first": 1, ":files": files}),
            ReturnValues="ALL_OLD",
        )
        before = _inbox(plain(reply.get("Attributes", {})))
        if before.files and now_ms - before.last_ms > OVERDUE_MS:
            return self._abandon(name, before.generation)
        return before.generation

    def _abandon(self, name: str, generation: int) -> int:
        """Move the files of a generation whose execution died to the next: execution names cannot be used again."""
        try:
            self._update(name, "SET generation = :next", IT_IS_STILL_THIS_GENERATION, generation, {})
        except self._refused as refused:
            response: dict[str, Any] = dict(refused.response)
            return _inbox(plain(response["Item"])).generation
        return generation + 1

    def close(self, name: str, seen: Inbox, job_id: str, digest: str) -> bool:
        """Close the generation that was seen. False when a file arrived since, or somebody else closed it."""
        try:
            self._update(
                name,
                "SET generation = :next, files = :none, job_id_started = :job, digest = :digest",
                f"{IT_IS_STILL_THIS_GENERATION} AND {NOTHING_ARRIVED_SINCE}",
                seen.generation,
                {":none": 0, ":job": job_id, ":digest": digest, ":seen": seen.last_ms, ":files": seen.files},
            )
        except self._refused:
            return False
        return True

    def _update(self, name: str, update: str, condition: str, generation: int, values: dict[str, Any]) -> None:
        self._dynamodb.update_item(
            TableName=self._table,
            Key=_key(name),
            UpdateExpression=update,
            ConditionExpression=condition,
            ExpressionAttributeValues=typed({":generation": generation, ":next": generation + 1, **values}),
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )


def inbox_of(event_key: str) -> str | None:
    """The inbox that an object key of an S3 event (URL-encoded) belongs to; None for folders and other objects."""
    key = unquote_plus(event_key)
    name, slash, path = key.removeprefix(PREFIX).partition("/")
    if not key.startswith(PREFIX) or not slash or not path or path.endswith("/"):
        return None
    return name if 0 < len(name) <= LONGEST_NAME and name.isprintable() else None


def execution_name(name: str, generation: int) -> str:
    """The name under which a generation's execution is started; at most 80 characters of those that logging allows."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,60}", name):
        name = hashlib.sha256(name.encode()).hexdigest()[:32]
    return f"inbox-{name}-{generation}"


def _key(name: str) -> dict[str, Any]:
    return typed({"job_id": f"inbox#{name}"})


def _inbox(item: dict[str, Any]) -> Inbox:
    return Inbox(
        generation=item.get("generation", 1),
        last_ms=item.get("last_ms", 0),
        files=item.get("files", 0),
        job_id=item.get("job_id_started", ""),
        digest=item.get("digest", ""),
    )
