"""The writes of a model's queue as DynamoDB update requests: pure, one clause per path, top-level names only.

    z  the end of the queue (ms)     zj  whose tickets stand last     zs  where these begin (ms)

Of the first three exactly one holds: the queue is empty, its last tickets are mine, or another's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rota.ledger_writes import Update

# Conditions as sentences.
QUEUE_IS_EMPTY = "attribute_not_exists(z) OR z < :z0"
LAST_ARE_MINE = "zj = :zj"
LAST_ARE_ANOTHERS = "attribute_exists(z) AND (attribute_not_exists(zj) OR zj <> :zj)"
QUEUE_IS_LONGER = "z >= :floor"
QUEUE_IS_NOT_EMPTY = "z > :now"
MINE_BEGIN_LATER = "zs >= :now AND z > zs"
MINE_HAVE_BEGUN = "zs < :now AND z > :now"


def beginning(advance_ms: int, holder: str, empty_ms: int) -> Update:
    """Take the first ticket of a queue that begins at `empty_ms`."""
    times = {":z": advance_ms + empty_ms, ":z0": empty_ms}
    return _update("SET z = :z, zs = :z0, zj = :zj", QUEUE_IS_EMPTY, times, holder)


def joining(advance_ms: int, holder: str) -> Update:
    """Take a ticket behind others of mine."""
    return _update("ADD z :dz", LAST_ARE_MINE, {":dz": advance_ms}, holder)


def following(advance_ms: int, holder: str) -> Update:
    """Take a ticket behind somebody else's."""
    return _update("SET zs = z, zj = :zj ADD z :dz", LAST_ARE_ANOTHERS, {":dz": advance_ms}, holder)


def leaving(advance_ms: int, now_ms: int) -> Sequence[Update]:
    """Take a ticket off the end of the queue again, which is empty at `now_ms`: the first of these that holds."""
    return (
        _update("ADD z :dz", QUEUE_IS_LONGER, {":dz": -advance_ms, ":floor": now_ms + advance_ms}),
        _update("SET z = :now", QUEUE_IS_NOT_EMPTY, {":now": now_ms}),
    )


def abandoning(holder: str, now_ms: int) -> Sequence[Update]:
    """Take all my tickets off the end of the queue, if they stand there: one of these holds at most."""
    now = {":now": now_ms}
    return (
        _update("SET z = zs REMOVE zj", f"{LAST_ARE_MINE} AND {MINE_BEGIN_LATER}", now, holder),
        _update("SET z = :now REMOVE zj", f"{LAST_ARE_MINE} AND {MINE_HAVE_BEGUN}", now, holder),
    )


def _update(expression: str, condition: str, times: Mapping[str, int], holder: str = "") -> Update:
    values = {name: {"N": str(value)} for name, value in times.items()} | ({":zj": {"S": holder}} if holder else {})
    return {
        "UpdateExpression": expression,
        "ConditionExpression": condition,
        "ExpressionAttributeValues": values,
        "ReturnValues": "UPDATED_NEW",
    }
