"""Where a listing goes on, as opaque text for the caller. It never carries the owner: that comes from the key."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from rota.errors import InvalidInputError
from rota.job_item import JOB_ID


def cursor_of(key: Mapping[str, Any]) -> str:
    """The cursor after a job, from the last key that the index evaluated."""
    text = json.dumps([key["job_id"], key["created_ms"]])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def key_of(cursor: str, owner: str) -> dict[str, Any]:
    """The index key of a cursor for this owner. Raises InvalidInputError for anything but a cursor of ours."""
    try:
        job_id, created_ms = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        genuine = JOB_ID.fullmatch(job_id) is not None and type(created_ms) is int and 0 <= created_ms < 10**15
    except (ValueError, TypeError):
        genuine = False
    if not genuine:
        raise InvalidInputError("cursor", "is not one that a listing returned; leave it out to start anew")
    return {"owner": owner, "job_id": job_id, "created_ms": created_ms}
