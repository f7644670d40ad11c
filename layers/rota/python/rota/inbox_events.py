"""S3's object-created events, as they come out of the queue: one note and one execution per inbox and batch."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from rota.executions import Executions
from rota.inbox import InboxStore, execution_name, inbox_of

CREATED = "ObjectCreated:"


class Arrivals:
    """Takes messages of the queue."""

    def __init__(self, inboxes: InboxStore, executions: Executions) -> None:
        self._inboxes, self._executions = inboxes, executions

    def accept(self, messages: Sequence[Mapping[str, Any]], now_ms: int) -> dict[str, Exception]:
        """Note all files; returns the ids of the messages that must come again, each with what went wrong."""
        files: dict[str, Counter[str]] = {}
        failed: dict[str, Exception] = {}
        for message in messages:
            try:
                files[message["messageId"]] = files_by_inbox(message["body"])
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                failed[message["messageId"]] = error
        for name, count in sum(files.values(), Counter()).items():
            try:
                self._arrive(name, count, now_ms)
            except Exception as error:  # noqa: BLE001 - whatever it is, other inboxes of the batch are none the worse
                failed |= dict.fromkeys((message for message, found in files.items() if name in found), error)
        return failed

    def _arrive(self, name: str, files: int, now_ms: int) -> None:
        generation = self._inboxes.arrive(name, files, now_ms)
        self._executions.start(execution_name(name, generation), {"inbox": name, "generation": generation})


def files_by_inbox(body: str) -> Counter[str]:
    """How many files of which inbox a message tells of. Raises ValueError, TypeError or KeyError for another form.

    S3's test event, folders and other prefixes count for nothing.
    """
    message = json.loads(body)
    if message.get("Event") == "s3:TestEvent":
        return Counter()
    names = [
        inbox_of(record["s3"]["object"]["key"])
        for record in message["Records"]
        if record["eventName"].startswith(CREATED)
    ]
    return Counter(name for name in names if name is not None)
