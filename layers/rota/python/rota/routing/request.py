"""What a caller wants of a model, as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from rota.catalog import Model
from rota.pricing import booked_amounts


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
        """Units per limit to book on `model`."""
        return booked_amounts(model, self.input_tokens, self.max_output_tokens)
