"""Numbers as people read them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

BAR_CHARACTERS = 20


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


def bar(share: float, width: int = BAR_CHARACTERS) -> str:
    """A share from 0 to 1 as a line of `width` characters, drawn to half a character."""
    halves = round(min(1.0, max(0.0, share)) * 2 * width)
    filled = "━" * (halves // 2) + "╸" * (halves % 2)
    return filled.ljust(width, "─")


def percent(share: float | None) -> str:
    """`92.1 %`; a dash for no share at all."""
    return "–" if share is None else f"{100 * share:.1f} %"


def interval(bounds: Sequence[float] | None) -> str:
    """An interval of shares: `90.5 to 93.5 %`."""
    return "–" if bounds is None else f"{100 * bounds[0]:.1f} to {100 * bounds[1]:.1f} %"
