"""What a policy is: something that gets a call answered, in its own way and in its own time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Setting:
    """Where a policy works: its vendors' models (see `PoolModel`), their address and what processes share.

    `process` is this process's number, `slots` how many calls it may have under way, `redis_port` 0 and
    `dynamodb` empty where there is none.
    """

    models: Sequence[Mapping[str, Any]]
    algorithm: str
    url: str
    options: Mapping[str, Any]
    process: int
    slots: int
    redis_port: int
    dynamodb: str
    table: str
    catalog: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ask:
    """One call: its prompt (`input_tokens` as vendors count it) and its largest output. `index` is its number."""

    index: int
    prompt: str
    input_tokens: int
    max_output_tokens: int


@dataclass(frozen=True, slots=True)
class Done:
    """Answered. `latency_s` is what the answering attempt took at the vendor; tokens as the vendor reported them."""

    latency_s: float
    tokens: int


@dataclass(frozen=True, slots=True)
class Parked:
    """Not yet: call again at `until_s` (epoch seconds) with `pending`. No thread is held meanwhile."""

    until_s: float
    pending: Any


class Policy(Protocol):
    """One process's way of calling; `call` is used by many threads at once.

    Its constructor builds clients and does whatever its library leaves for the first call, for processes are compared
    warm: what that costs is counted apart.
    """

    def call(self, ask: Ask, pending: Any) -> Done | Parked:
        """Make the call, however long it takes. What it raises means that it gave up: it will be asked again."""
        ...


def eligible(models: Sequence[Mapping[str, Any]], ask: Ask) -> list[Mapping[str, Any]]:
    """The models whose context holds the call."""
    needed = ask.input_tokens + ask.max_output_tokens
    return [model for model in models if model["context_tokens"] >= needed]
