"""The vendors' quotas, counted as they describe it. Time is an argument in vendor seconds; nothing here waits.

Bedrock: 60-second windows; a call reserves `input + max_tokens` when it starts and at its end keeps
`input + output x burndown`. Groq: a bucket that refills continuously at limit / 60 (or 86,400) per second, which
is what its refusals compute: (5034 used + 1443 requested - 6000) / 100 per second = "try again in 4.77s".
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

DAY_S = 86_400.0
MINUTE_S = 60.0


@dataclass(frozen=True, slots=True)
class Limit:
    """One quota of a model: `kind` is tpm, rpm, itpm, otpm, tpd or rpd."""

    kind: str
    amount: int
    algorithm: str

    @property
    def window_s(self) -> float:
        """A minute or a day."""
        return DAY_S if self.kind.endswith("d") else MINUTE_S

    def units(self, input_tokens: int, output_tokens: int) -> int:
        """What a call of these sizes counts against this quota."""
        if self.kind.startswith("r"):
            return 1
        return (0 if self.kind == "otpm" else input_tokens) + (0 if self.kind == "itpm" else output_tokens)


@dataclass(slots=True)
class Charge:
    """Units that an admitted call holds since `at_s`."""

    at_s: float
    units: float


class Meter(Protocol):
    """One way of counting one quota."""

    limit: Limit

    def used(self, now_s: float) -> float:
        """Units that count now."""
        ...

    def wait_s(self, now_s: float, units: float) -> float:
        """Seconds until that many units fit: 0 when they do, infinity when they never can."""
        ...

    def charge(self, now_s: float, units: float) -> Charge:
        """Take the units, whether they fit or not."""
        ...

    def settle(self, now_s: float, charge: Charge, units: float) -> None:
        """Replace what was reserved by what was used."""
        ...


class SlidingWindow:
    """Whatever was charged within the last window counts."""

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self._charges: deque[Charge] = deque()
        self._total = 0.0

    def used(self, now_s: float) -> float:
        """See `Meter.used`."""
        while self._charges and self._charges[0].at_s <= now_s - self.limit.window_s:
            self._total -= self._charges.popleft().units
        return self._total

    def wait_s(self, now_s: float, units: float) -> float:
        """See `Meter.wait_s`: until enough of the oldest charges have left the window."""
        excess = self.used(now_s) + units - self.limit.amount
        if excess <= 0:
            return 0.0
        for charge in self._charges:
            excess -= charge.units
            if excess <= 0:
                return charge.at_s + self.limit.window_s - now_s
        return math.inf

    def charge(self, now_s: float, units: float) -> Charge:
        """See `Meter.charge`."""
        charge = Charge(now_s, units)
        self._charges.append(charge)
        self._total += units
        return charge

    def settle(self, now_s: float, charge: Charge, units: float) -> None:
        """The charge keeps its place in time; one that has left the window is history."""
        self.used(now_s)
        if charge.at_s > now_s - self.limit.window_s:
            self._total += units - charge.units
            charge.units = units


class FixedWindow:
    """Counters that start again at every full window of the vendor's clock."""

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self._window = 0.0
        self._total = 0.0

    def _start_of(self, now_s: float) -> float:
        return math.floor(now_s / self.limit.window_s) * self.limit.window_s

    def used(self, now_s: float) -> float:
        """See `Meter.used`."""
        if self._start_of(now_s) != self._window:
            self._window, self._total = self._start_of(now_s), 0.0
        return self._total

    def wait_s(self, now_s: float, units: float) -> float:
        """See `Meter.wait_s`: until the window turns."""
        if self.used(now_s) + units <= self.limit.amount:
            return 0.0
        return math.inf if units > self.limit.amount else self._window + self.limit.window_s - now_s

    def charge(self, now_s: float, units: float) -> Charge:
        """See `Meter.charge`."""
        self._total = self.used(now_s) + units
        return Charge(now_s, units)

    def settle(self, now_s: float, charge: Charge, units: float) -> None:
        """Corrects the window in which the call started, while that one lasts."""
        self.used(now_s)
        if self._start_of(charge.at_s) == self._window:
            self._total += units - charge.units


class TokenBucket:
    """A level that drains at amount / window per second; a call must fit above it.

    Without `refunds` an unused part of a reservation stays charged.
    """

    def __init__(self, limit: Limit, refunds: bool) -> None:
        self.limit = limit
        self._refunds = refunds
        self._level = 0.0
        self._at_s = 0.0

    @property
    def rate(self) -> float:
        """Units that drain per second."""
        return self.limit.amount / self.limit.window_s

    def used(self, now_s: float) -> float:
        """See `Meter.used`."""
        self._level = max(0.0, self._level - (now_s - self._at_s) * self.rate)
        self._at_s = now_s
        return self._level

    def wait_s(self, now_s: float, units: float) -> float:
        """See `Meter.wait_s`: until the excess has drained."""
        if units > self.limit.amount:
            return math.inf
        return max(0.0, (self.used(now_s) + units - self.limit.amount) / self.rate)

    def charge(self, now_s: float, units: float) -> Charge:
        """See `Meter.charge`."""
        self._level = self.used(now_s) + units
        return Charge(now_s, units)

    def settle(self, now_s: float, charge: Charge, units: float) -> None:
        """A refund cannot fill the bucket above its brim; an overrun is charged in any case."""
        difference = units - charge.units
        if difference > 0 or self._refunds:
            self._level = max(0.0, self.used(now_s) + difference)


@dataclass(frozen=True, slots=True)
class Refusal:
    """The quota that refused a call: what it counts, allows, holds and was asked for, and when the call would fit."""

    kind: str
    limit: int
    used: float
    requested: int
    wait_s: float


class Quotas:
    """All quotas of one model: a call starts when every one of them admits it, and is charged to all or none."""

    def __init__(self, limits: Sequence[Limit], refunds: bool) -> None:
        self._meters = [_meter(limit, refunds) for limit in limits]

    def admit(self, now_s: float, input_tokens: int, reserved_output_tokens: int) -> list[Charge] | Refusal:
        """Charge the reservation, or tell which quota keeps the call waiting longest."""
        asked = [(meter, meter.limit.units(input_tokens, reserved_output_tokens)) for meter in self._meters]
        refused = [(meter.wait_s(now_s, units), meter, units) for meter, units in asked]
        wait_s, meter, units = max(refused, key=lambda entry: entry[0], default=(0.0, None, 0))
        if wait_s > 0 and meter is not None:
            return Refusal(meter.limit.kind, meter.limit.amount, meter.used(now_s), units, wait_s)
        return [meter.charge(now_s, units) for meter, units in asked]

    def settle(self, now_s: float, charges: Sequence[Charge], input_tokens: int, output_tokens: int) -> None:
        """Let what was used stand in place of the reservation."""
        for meter, charge in zip(self._meters, charges, strict=True):
            meter.settle(now_s, charge, meter.limit.units(input_tokens, output_tokens))

    def state(self, now_s: float) -> Mapping[str, tuple[int, float]]:
        """Limit and used units by kind."""
        return {meter.limit.kind: (meter.limit.amount, meter.used(now_s)) for meter in self._meters}


def _meter(limit: Limit, refunds: bool) -> Meter:
    if limit.algorithm == "token_bucket":
        return TokenBucket(limit, refunds)
    return FixedWindow(limit) if limit.algorithm == "fixed_window" else SlidingWindow(limit)
