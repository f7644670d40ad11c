"""A booking: the right to make one call."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from rota.accounts import OPENS_AT, Amounts

LATE_MS = 250
"""A booking is void this long after its second: windows are computed for calls that leave in time."""


@dataclass(frozen=True, slots=True)
class Booking:
    """The right to start one call on `model` from `start_ms` on, and what was taken from each limit for it.

    `open_s` is the second it was booked in; it stays the same when the caller gets the booking late in that second.
    `max_output_tokens` and `timeout_ms` are the terms that the caller booked under; `strikes` are the failures in a
    row that stood against the model then, `out_until_s` until when it had left its pools (0: it had not).
    """

    model: str
    start_ms: int
    open_s: int
    amounts: Amounts
    nonce: str
    max_output_tokens: int = 0
    timeout_ms: int = 0
    strikes: int = 0
    out_until_s: int = 0

    @property
    def is_probe(self) -> bool:
        """Whether this call finds out for everybody whether the model is back."""
        return self.strikes >= OPENS_AT or self.out_until_s > 0

    def is_void(self, now_ms: int) -> bool:
        """Whether it is too late to call under this booking."""
        return now_ms > (self.open_s + 1) * 1000 + LATE_MS

    def as_dict(self) -> dict[str, Any]:
        """A JSON value that `Booking(**value)` reads back."""
        return asdict(self)
