"""Numbers as people read them."""

from __future__ import annotations

from datetime import datetime


def duration(seconds: float) -> str:
    """`8 s`, `2 min 05 s`, `1 h 02 min`."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


def money(usd: float) -> str:
    """`$1.20`, and more digits where cents would hide it: `$0.0042`."""
    if usd == 0 or usd >= 1:
        return f"${usd:.2f}"
    return f"${usd:.4f}" if usd >= 0.0001 else "under $0.0001"


def amount(count: float) -> str:
    """`950`, `8k`, `100k`, `1.5M`."""
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if count >= size:
            return f"{count / size:.1f}".removesuffix(".0") + letter
    return f"{count:.0f}"


def counted(number: int, noun: str) -> str:
    """`1 document`, `3 documents`, `2 batches`."""
    if number == 1:
        return f"1 {noun}"
    return f"{number:,} {noun}{'es' if noun.endswith(('ch', 's')) else 's'}"


def moment(epoch_ms: int) -> str:
    """Local date and time."""
    return datetime.fromtimestamp(epoch_ms / 1000).astimezone().strftime("%Y-%m-%d %H:%M:%S")
