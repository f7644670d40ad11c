"""What a model's own calls teach: tokens per estimated token, output used of its bound, time per token allowed.

Sums and sums of squares ride in the settlement's write. They halve once they are full, so that the last few hundred
calls decide.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

FULL = 512
"""Samples at which the sums are halved."""
ENOUGH = 8
"""Samples below which the static estimates stand."""
LEAST_FACTOR, MOST_FACTOR = 0.5, 2.5
"""Bounds of the correction: languages and code differ by this much from the static estimate, and nothing by more."""
USUAL_FACTOR, USUAL_SHARE = 0.825, 0.6
"""What is expected before anything is known: input ÷ its estimate (four characters a token, where that takes 3.3), and
output ÷ its bound."""
FRAME_TOKENS = 16
"""What vendors put around a prompt, which weighs more in a short one than on average."""
LEAST_TAUGHT = 300
"""Estimated tokens of an input from which on it teaches: "Hi" is one, its frame eight more, and no batch is like it."""
LEAST_SHARE = 0.25
HEADROOM = 1.25
"""How much more output is allowed than calls like this one are likely to use."""
LEAST_TIMEOUT_MS = 2500
"""Shorter delays happen on any network."""
LEAST_SCATTER = 0.25
"""Of the mean: calls that were alike so far will not be for ever."""
FIXED_TOKENS = 500
"""What a call costs in time beside its output, in output tokens: the way, the queue, reading the prompt."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One call: permille of input to its estimate and of output to its bound, microseconds per token allowed.

    `input` is None for one that teaches nothing of it. `bulk` is whether it took notes: a plan or an answer uses
    another share of its bound.
    """

    input: int | None
    output: int
    pace: int
    bulk: bool = True


@dataclass(frozen=True, slots=True)
class Learned:
    """Sums over the samples. A call that timed out counts in the pace alone, with the time that it was given.

    `inputs` of the samples were large enough to tell of their input, whose sums are `input`. `notes` of them are bulk
    calls, whose outputs are `output`; those of all others are `replies`.
    """

    samples: int = 0
    inputs: int = 0
    input: int = 0
    input_squares: int = 0
    notes: int = 0
    output: int = 0
    output_squares: int = 0
    replies: int = 0
    paces: int = 0
    pace: int = 0
    pace_squares: int = 0

    @classmethod
    def of(cls, sample: Sample, timed_out: bool = False) -> Learned:
        """The sums of one sample, to be added."""
        pace = {"paces": 1, "pace": sample.pace, "pace_squares": sample.pace**2}
        if timed_out:
            return cls(**pace)
        taught = pace
        if sample.input is not None:
            taught = {"inputs": 1, "input": sample.input, "input_squares": sample.input**2, **pace}
        if not sample.bulk:
            return cls(1, replies=sample.output, **taught)
        return cls(1, notes=1, output=sample.output, output_squares=sample.output**2, **taught)

    def halved(self) -> Learned:
        """What is taken off once the sums are full; nothing before."""
        if max(self.samples, self.paces) < FULL:
            return Learned()
        return Learned(*(-(getattr(self, field.name) // 2) for field in fields(self)))

    def input_factor(self) -> float | None:
        """Tokens to expect per estimated token, one standard deviation above the mean; None while too few are known."""
        if self.inputs < ENOUGH:
            return None
        mean, deviation = _moments(self.inputs, self.input, self.input_squares)
        return min(MOST_FACTOR, max(LEAST_FACTOR, (mean + deviation) / 1000))

    def input_tokens(self, estimated: int) -> int:
        """Tokens to book for an input: the mean of what such inputs had, and one standard deviation more."""
        factor = self.input_factor()
        return estimated if factor is None else FRAME_TOKENS + math.ceil(estimated * factor)

    def output_tokens(self, bound: int) -> int:
        """The output to allow for notes where a step allows `bound`: less when the model has never come near it."""
        if self.notes < 4 * ENOUGH:
            return bound
        mean, deviation = _moments(self.notes, self.output, self.output_squares)
        share = HEADROOM * (mean + 3 * deviation) / 1000
        return math.ceil(bound * min(1.0, max(LEAST_SHARE, share)))

    def expected_input(self, estimated: int) -> int | None:
        """Input tokens of such a call on average; None while too few are known."""
        if self.inputs < ENOUGH:
            return None
        return FRAME_TOKENS + round(estimated * min(MOST_FACTOR, self.input / self.inputs / 1000))

    def expected_output(self, bound: int, bulk: bool) -> int | None:
        """Output tokens of such a call on average; None while too few are known."""
        count, total = (self.notes, self.output) if bulk else (self.samples - self.notes, self.replies)
        return None if count < ENOUGH else round(bound * min(1.0, total / count / 1000))

    def timeout_ms(self, output_tokens: int, most_ms: int) -> int:
        """How long a call may take: far beyond the usual, and never longer than `most_ms`.

        Six standard deviations above the mean are about twice the 95th percentile of log-normal latencies.
        """
        if self.paces < ENOUGH:
            return most_ms
        mean, deviation = _moments(self.paces, self.pace, self.pace_squares)
        deviations = 6 + 6 * ENOUGH / self.paces  # few samples know little of how far they scatter
        usual_ms = (mean + deviations * max(deviation, LEAST_SCATTER * mean)) * (FIXED_TOKENS + output_tokens) / 1000
        return min(most_ms, max(LEAST_TIMEOUT_MS, math.ceil(usual_ms)))

    def latency_ms(self, output_tokens: int) -> int:
        """How long a call takes on average; 0 while nothing is known."""
        return round(self.pace / self.paces * (FIXED_TOKENS + output_tokens) / 1000) if self.paces else 0


def input_permille(used_tokens: int, estimated: int) -> int | None:
    """Input beside its frame, to its estimate; None when that is too little to tell anything."""
    return 1000 * max(0, used_tokens - FRAME_TOKENS) // estimated if estimated >= LEAST_TAUGHT else None


def pace(latency_ms: int, output_tokens: int) -> int:
    """Microseconds per token allowed."""
    return latency_ms * 1000 // (FIXED_TOKENS + output_tokens)


def _moments(count: int, total: int, squares: int) -> tuple[float, float]:
    mean = total / count
    return mean, math.sqrt(max(0.0, squares / count - mean * mean))
