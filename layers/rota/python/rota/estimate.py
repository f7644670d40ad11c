"""What a job, and each of its steps, will take, as values; `rota.planning` makes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rota.records import NotesTask


@dataclass(frozen=True, slots=True)
class Load:
    """Calls that take notes, aimed at the same models: how many, and their input and (bounded) output tokens together.

    `written`: they were made for an earlier job, and are not made again. `numbers` are those of their batches, from 0,
    by which models are rotated. `score` is how complex the code is that they read: None where there is none, or none
    that could be analysed.
    """

    task: NotesTask
    calls: int
    input_tokens: int
    output_tokens: int
    score: float | None = None
    written: bool = False
    numbers: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class ModelShare:
    """What one model carries."""

    calls: int
    tokens: int
    cost_usd: float


@dataclass(frozen=True, slots=True)
class StepEstimate:
    """One step of a job: what it uses and costs, `took_s` from its begin to its end, `call_s` one of its calls.

    Steps of one `stage` are done side by side, stages one after the other.
    """

    step: str
    stage: int
    calls: int
    input_tokens: int
    output_tokens: int
    cost_usd: float
    took_s: float
    call_s: float
    models: Mapping[str, ModelShare]


@dataclass(frozen=True, slots=True)
class JobEstimate:
    """What a whole job will take. Tokens are those expected, as vendors count them; `max_output_tokens` is the bound.

    `eta_s` is seconds from now. The notes of `written` batches are there already. `held_usd` is what a budget holds at
    most beyond what is spent, while calls are under way whose costs are not known yet.
    """

    documents: int
    batches: int
    written: int
    calls: int
    input_tokens: int
    output_tokens: int
    max_output_tokens: int
    cost_usd: float
    held_usd: float
    eta_s: float
    models: Mapping[str, ModelShare]
    steps: Sequence[StepEstimate]

    @property
    def mix(self) -> dict[str, float]:
        """The share of the calls by model: 0 to 1, adding up to 1 where there are any."""
        return {name: round(share.calls / self.calls, 4) for name, share in self.models.items() if self.calls}

    def as_dict(self) -> dict[str, Any]:
        """A JSON value with the mix."""
        return {**asdict(self), "mix": self.mix}
