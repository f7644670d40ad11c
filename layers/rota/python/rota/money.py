"""Money as items and counters hold it: whole billionths of a US dollar."""

from __future__ import annotations

NANO = 1_000_000_000


def nanousd(usd: float) -> int:
    """Dollars as whole billionths."""
    return round(usd * NANO)


def usd(nano: int) -> float:
    """Billionths as dollars."""
    return nano / NANO


def dollars(nano: int) -> str:
    """Billionths in words: `$0.95`, `$0.00001`. Two decimals, and up to nine where there is more to say."""
    whole, _, rest = f"{usd(nano):.9f}".partition(".")
    return f"${whole}.{rest.rstrip('0').ljust(2, '0')}"
