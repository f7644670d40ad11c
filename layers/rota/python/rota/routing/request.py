"""What a caller wants of a model, as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from rota.catalog import Model
from rota.learned import Learned
from rota.pricing import booked_amounts, used_amounts
from rota.usage import Usage


@dataclass(frozen=True, slots=True)
class Claim:
    """What a call asks of one model: units to book per limit and those it is likely to use, and its terms."""

    amounts: Mapping[str, int]
    expected: Mapping[str, int]
    max_output_tokens: int
    timeout_ms: int


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One call to be routed: its task, its size in tokens and the pool that may serve it.

    `rotation` is the caller's place in a series (batch 0, 1, 2, …), which `rotate` turns into a model. `model`
    names one model instead of the pool. Bulk calls leave room for interactive ones (see `dispatch`).
    """

    task: str
    pool: str
    input_tokens: int
    max_output_tokens: int
    rotation: int = 0
    model: str | None = None
    priority: Literal["bulk", "interactive"] = "bulk"

    def amounts(self, model: Model) -> Mapping[str, int]:
        """Units per limit that `model` would reserve if nothing were known of it."""
        return booked_amounts(model, self.input_tokens, self.max_output_tokens)

    def claim(self, model: Model, learned: Learned, timeout_ms: int) -> Claim:
        """What to book on `model`, after what its calls have taught; `timeout_ms` is the longest a call may take.

        Only notes may be cut short by a bound that is learned; what a person reads may take all that its step allows.
        """
        bulk = self.priority == "bulk"
        output_tokens = learned.output_tokens(self.max_output_tokens) if bulk else self.max_output_tokens
        likely_input, likely_output = learned.expected(self.input_tokens, self.max_output_tokens)
        usage = Usage(likely_input, min(likely_output, output_tokens) if model.refunds else output_tokens)
        amounts = booked_amounts(model, learned.input_tokens(self.input_tokens), output_tokens)
        expected = used_amounts(model, usage)
        return Claim(
            amounts,
            {kind: min(units, expected[kind]) for kind, units in amounts.items()},
            output_tokens,
            learned.timeout_ms(output_tokens, timeout_ms),
        )
