"""Calendar months and days of UTC, as text that sorts: `2026-11`, `2026-11-24`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from rota.errors import InvalidInputError

KEPT_DAYS = 396
"""How long after its end a month's figures are kept: 13 months."""


def month_of(now_ms: int) -> str:
    """The month of a moment (epoch milliseconds)."""
    return datetime.fromtimestamp(now_ms / 1000, UTC).strftime("%Y-%m")


def checked_month(text: str) -> str:
    """The same text. Raises InvalidInputError unless it is a month such as `2026-11`."""
    if not re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])", text):
        raise InvalidInputError("month", "must be a month such as 2026-11")
    return text


def end_of(month: str) -> date:
    """The first day after a month."""
    return (_first_day(month) + timedelta(days=31)).replace(day=1)


def days_of(month: str) -> Iterator[str]:
    """Every day of a month, in order."""
    day = _first_day(month)
    while day < end_of(month):
        yield day.isoformat()
        day += timedelta(days=1)


def expiry_of(month: str) -> int:
    """When a month's figures may go, in epoch seconds."""
    end = end_of(month) + timedelta(days=KEPT_DAYS)
    return int(datetime(end.year, end.month, end.day, tzinfo=UTC).timestamp())


def _first_day(month: str) -> date:
    return date.fromisoformat(f"{month}-01")
