"""What a caller wants of a model, as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from rota.catalog import Model
from rota.learned import USUAL_FACTOR, USUAL_SHARE, Learned
from rota.pricing import booked_amounts, used_amounts
from rota.usage import Usage

if TYPE_CHECKING:
    from rota.policy import Need, Task
    from rota.routing.complexity import Complexity
    from rota.schemas import Degree, Tier, UserTier


@dataclass(frozen=True, slots=True)
class Claim:
    """What a call asks of one model: units to book per limit and those it is likely to use, and its terms."""

    amounts: Mapping[str, int]
    expected: Mapping[str, int]
    max_output_tokens: int
    timeout_ms: int


@dataclass(frozen=True, slots=True)
class Stakes:
    """Who asks, and what hangs on the answer."""

    user: str = ""
    user_tier: UserTier = "free"
    feature: str = ""
    value: Degree = "low"
    error_tolerance: Degree = "medium"
    business_impact: Degree = "low"


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One call to be routed: its task and its size in tokens.

    `model`, `tier` and `named_pool` are what the caller asked for, of which at most one is given; `pool` is where a
    step of a job goes when neither the caller nor a rule says otherwise (empty: where `routing.default` sends it).
    `least_tier` keeps it off lower tiers, after bad feedback for instance. `text` is what is to be classified,
    unless `complexity` is known already. `rotation` is the caller's place in a series (batch 0, 1, 2, …), which
    `rotate` turns into a model; `subjects` are the ids that experiments divide by. Bulk calls leave room for
    interactive ones (see `admission`); a call that may wait no longer than `max_wait_ms` goes elsewhere, or is refused,
    and may take no longer than `timeout_ms` itself. `excluded` are models that must not serve it.
    """

    task: Task
    pool: str
    input_tokens: int
    max_output_tokens: int
    rotation: int = 0
    model: str | None = None
    tier: Tier | Literal["auto"] | None = None
    named_pool: str | None = None
    least_tier: Tier = 1
    priority: Literal["bulk", "interactive"] = "bulk"
    needs: tuple[Need, ...] = ()
    stakes: Stakes = field(default_factory=Stakes)
    text: str = field(default="", repr=False)
    complexity: Complexity | None = None
    subjects: Mapping[str, str] = field(default_factory=dict)
    max_wait_ms: int | None = None
    timeout_ms: int | None = None
    excluded: tuple[str, ...] = ()

    def price_usd(self, model: Model) -> float:
        """What the call may cost on `model` at most, in dollars."""
        price = model.price
        return (self.input_tokens * price.input_usd + self.max_output_tokens * price.output_usd) / 1e6

    def amounts(self, model: Model) -> Mapping[str, int]:
        """Units per limit that `model` would reserve if nothing were known of it."""
        return booked_amounts(model, self.input_tokens, self.max_output_tokens)

    def usage(self, learned: Learned) -> Usage:
        """What the call is likely to use on a model."""
        inputs = learned.expected_input(self.input_tokens)
        outputs = learned.expected_output(self.max_output_tokens, self.priority == "bulk")
        return Usage(
            round(self.input_tokens * USUAL_FACTOR) if inputs is None else inputs,
            round(self.max_output_tokens * USUAL_SHARE) if outputs is None else outputs,
        )

    def claim(self, model: Model, learned: Learned, timeout_ms: int) -> Claim:
        """What to book on `model`, after what its calls have taught; `timeout_ms` is the longest a call may take.

        Only notes may be cut short by a bound that is learned; what a person reads may take all that its step allows.
        """
        bulk = self.priority == "bulk"
        output_tokens = learned.output_tokens(self.max_output_tokens) if bulk else self.max_output_tokens
        likely = self.usage(learned)
        usage = Usage(likely.input_tokens, min(likely.output_tokens, output_tokens) if model.refunds else output_tokens)
        amounts = booked_amounts(model, learned.input_tokens(self.input_tokens), output_tokens)
        expected = used_amounts(model, usage)
        return Claim(
            amounts,
            {kind: min(units, expected[kind]) for kind, units in amounts.items()},
            output_tokens,
            learned.timeout_ms(output_tokens, min(timeout_ms, self.timeout_ms or timeout_ms)),
        )
