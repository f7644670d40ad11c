"""What every provider offers: one blocking call that spends tokens exactly once.

A provider never retries (hidden retries spend tokens that the ledger does not see), never sleeps, and translates
its vendor's errors into `rota.errors.ProviderError` in one place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from rota.usage import Usage


@dataclass(frozen=True, slots=True)
class Turn:
    """One earlier message of a conversation."""

    role: Literal["user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True)
class ModelCall:
    """One prompt, after the conversation's earlier turns (which alternate, the first and the prompt being the user's).

    `max_output_tokens` is what was booked; `json_schema` asks for structured output.
    """

    system: str
    prompt: str
    max_output_tokens: int
    temperature: float = 0.2
    json_schema: Mapping[str, Any] | None = None
    history: tuple[Turn, ...] = ()

    @property
    def turns(self) -> tuple[Turn, ...]:
        """The whole conversation."""
        return (*self.history, Turn("user", self.prompt))


@dataclass(frozen=True, slots=True)
class QuotaHint:
    """What rate-limit headers said after a call; None where the vendor is silent. Tokens and requests, seconds."""

    limit_tokens: int | None = None
    remaining_tokens: int | None = None
    reset_tokens_s: float | None = None
    limit_requests: int | None = None
    remaining_requests: int | None = None


@dataclass(frozen=True, slots=True)
class Completion:
    """A model's answer. `stop_reason` is `end`, `length`, `filtered` or `other`; `latency_ms` is wall time."""

    text: str
    usage: Usage
    stop_reason: str
    latency_ms: int
    quota: QuotaHint = field(default_factory=QuotaHint)


class Provider(Protocol):
    """A vendor's wire."""

    def prepare(self, timeout_s: float) -> None:
        """Build what `complete` needs, so that a call leaves at once when its booked start has come."""
        ...

    def complete(self, model: str, vendor_model: str, call: ModelCall, timeout_s: float) -> Completion:
        """Call once. `model` is the id in rota.yaml (for errors), `vendor_model` the id on the wire.

        Raises a `ProviderError` subclass; never anything of the vendor's library.
        """
        ...
