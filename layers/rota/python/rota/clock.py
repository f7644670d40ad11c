"""Time as the ledger's service sees it, so that callers with wrong clocks still book the same seconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime


def _system_ms() -> int:
    return time.time_ns() // 1_000_000


class ServiceClock:
    """The local clock, moved by the least that agrees with the `Date` headers of the service's replies.

    A header names the second in which the reply was made, so each one bounds the offset from both sides.
    """

    def __init__(self, local_ms: Callable[[], int] = _system_ms) -> None:
        self._local_ms = local_ms
        self._low_ms, self._high_ms = -float("inf"), float("inf")

    def local_ms(self) -> int:
        """The uncorrected clock, epoch milliseconds."""
        return self._local_ms()

    def now_ms(self) -> int:
        """Epoch milliseconds, corrected."""
        return int(self._local_ms() + min(max(0.0, self._low_ms), self._high_ms))

    def observe(self, date: str, sent_ms: int, received_ms: int) -> None:
        """Learn from one reply: its `Date` header and the local times around it. A malformed header is ignored."""
        try:
            second_ms = int(parsedate_to_datetime(date).timestamp() * 1000)
        except (TypeError, ValueError):
            return
        low_ms, high_ms = second_ms - received_ms, second_ms + 1000 - sent_ms
        self._low_ms, self._high_ms = max(self._low_ms, low_ms), min(self._high_ms, high_ms)
        if self._low_ms > self._high_ms:  # the local clock was set anew: start over from this reply
            self._low_ms, self._high_ms = low_ms, high_ms
