"""Money as items and counters hold it: whole billionths of a US dollar."""

from __future__ import annotations

NANO = 1_000_000_000


def nanousd(usd: float) -> int:
    """Dollars as whole billionths."""
    return round(usd * NANO)


def usd(nano: int) -> float:
    """Billionths as dollars."""
    return nano / NANO
