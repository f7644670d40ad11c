"""How busy the machine is: what disturbs a run, from wherever it comes."""

from __future__ import annotations

import time
from pathlib import Path

QUIET = 0.6
"""Below this share of busy cores another cell may start without disturbing those that run."""
_LOOK_S = 3.0
_PATIENCE_S = 120.0
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


def wait_until_quiet() -> None:
    """Return when less than QUIET of the cores is busy, or after two minutes: the busyness is noted in any case."""
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        load = Load()
        time.sleep(_LOOK_S)
        if (load.busy() or 0.0) < QUIET:
            return


def _ticks() -> tuple[int, int] | None:
    """All clock ticks since boot, and the idle ones of them."""
    if not _STAT.exists():
        return None
    ticks = [int(word) for word in _STAT.read_text().splitlines()[0].split()[1:]]
    return sum(ticks), ticks[3] + ticks[4]
