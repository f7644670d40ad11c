"""What really went over one model's counter: the figures that tests and benchmarks assert on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from local.simulated.quotas import MINUTE_S


@dataclass(slots=True)
class CountedCall:
    """An admitted call; `tokens` is its reservation until it ends, then what it used."""

    at_s: float
    tokens: int
    settled: bool = False


@dataclass
class Tally:
    """Counters of one model since the start or the last reset."""

    calls: int = 0
    rejected: int = 0
    completed: int = 0
    concurrent: int = 0
    concurrent_peak: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    reserved_tokens: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    admitted: list[CountedCall] = field(default_factory=list)

    def admit(self, now_s: float, reserved_tokens: int) -> CountedCall:
        """A call passed the quotas and is under way."""
        call = CountedCall(now_s, reserved_tokens)
        self.admitted.append(call)
        self.reserved_tokens += reserved_tokens
        self.concurrent += 1
        self.concurrent_peak = max(self.concurrent_peak, self.concurrent)
        return call

    def settle(self, call: CountedCall, input_tokens: int, output_tokens: int, counted_tokens: int) -> None:
        """A call was answered; `counted_tokens` is what its quota keeps of it."""
        call.tokens, call.settled = counted_tokens, True
        self.completed += 1
        self.input_tokens += input_tokens
        self.output_tokens += output_tokens

    def leave(self) -> None:
        """A call is over, answered or not."""
        self.concurrent -= 1

    def report(self, now_s: float) -> dict[str, Any]:
        """Everything as JSON; windows are vendor time, and tokens count at the moment their call was admitted."""
        times = [call.at_s for call in self.admitted]
        windows: Counter[str] = Counter()
        for call in self.admitted:
            windows[str(int(call.at_s // MINUTE_S))] += call.tokens
        return {
            "calls": self.calls,
            "admitted": len(self.admitted),
            "completed": self.completed,
            "refused": dict(self.refused),
            "rejected": self.rejected,
            "refusals": self.refused.total(),
            "faults": dict(self.faults),
            "concurrent": self.concurrent,
            "concurrent_peak": self.concurrent_peak,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "reserved_tokens": self.reserved_tokens,
            "used_tokens": sum(call.tokens for call in self.admitted),
            "tokens_per_window": dict(windows),
            "tokens_last_60s": sum(call.tokens for call in self.admitted if call.at_s > now_s - MINUTE_S),
            "max_tokens_60s": busiest(times, [call.tokens for call in self.admitted]),
            "max_calls_60s": busiest(times, [1] * len(times)),
        }


def busiest(times_s: Sequence[float], units: Sequence[int], window_s: float = MINUTE_S) -> int:
    """The most units that any half-open window of that length holds; `times_s` ascending."""
    most = total = first = 0
    for at, at_s in enumerate(times_s):
        total += units[at]
        while times_s[first] <= at_s - window_s:
            total -= units[first]
            first += 1
        most = max(most, total)
    return most
