"""How busy the machine was during a run: what disturbs it, from wherever it comes."""

from __future__ import annotations

from pathlib import Path

_STAT = Path("/proc/stat")


class Load:
    """Between its making and `busy`, where Linux tells."""

    def __init__(self) -> None:
        self._begin = _ticks()

    def busy(self) -> float | None:
        """The share of all cores that was busy, 0 to 1."""
        end = _ticks()
        if self._begin is None or end is None or end[0] == self._begin[0]:
            return None
        return round(1 - (end[1] - self._begin[1]) / (end[0] - self._begin[0]), 3)


def _ticks() -> tuple[int, int] | None:
    """All clock ticks since boot, and the idle ones of them."""
    if not _STAT.exists():
        return None
    ticks = [int(word) for word in _STAT.read_text().splitlines()[0].split()[1:]]
    return sum(ticks), ticks[3] + ticks[4]
