"""Which models are simulated, read from the pool file (rota.yaml) and changed by the admin endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import yaml

from local.simulated.quotas import Limit

_LIMIT_KINDS = ("tpm", "rpm", "itpm", "otpm", "tpd", "rpd")
_ALGORITHMS = ("token_bucket", "sliding_window", "fixed_window")
_WIRES = ("bedrock", "openai_compatible")


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds until an answer: log-normal around `base_ms + per_token_ms x output tokens` with `sigma`."""

    base_ms: float = 300.0
    per_token_ms: float = 4.0
    sigma: float = 0.2


_GROQ_LATENCY = Latency(base_ms=150.0, per_token_ms=1.5)


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """One simulated model. `wire` is the kind of its provider.

    `answers` is `extract` (read the prompt) or `filler` (cheap words, `output_share` of the output asked for, for
    load tests). `quota_name` is what the vendor calls the model in the names of its quotas.
    `schema_wire` says that the wire's own field for structured output is understood.
    """

    id: str
    vendor_model: str
    wire: str
    limits: tuple[Limit, ...] = ()
    context_tokens: int = 128_000
    max_output_tokens: int = 8_000
    output_burndown: float = 1.0
    refunds: bool = False
    latency: Latency = Latency()
    characters_per_token: float = 4.0
    answers: str = "extract"
    output_share: float = 0.6
    schema_wire: bool = True
    quota_name: str | None = None

    def changed(self, changes: Mapping[str, Any]) -> ModelConfig:
        """The same model with other fields, given as JSON. Raises ValueError for what makes no sense."""
        known = {field.name for field in fields(self)}
        if unknown := set(changes) - known:
            raise ValueError(f"unknown fields {sorted(unknown)}; a model has {', '.join(sorted(known))}")
        values = dict(changes)
        if "limits" in values:
            values["limits"] = tuple(_limit(limit) for limit in values["limits"])
        if "latency" in values:
            values["latency"] = replace(self.latency, **values["latency"])
        return _checked(replace(self, **values))

    def as_json(self) -> dict[str, Any]:
        """All fields, in the form that `changed` takes."""
        return asdict(self)


def _limit(limit: Mapping[str, Any]) -> Limit:
    parsed = Limit(kind=limit["kind"], amount=int(limit["amount"]), algorithm=limit["algorithm"])
    if parsed.kind not in _LIMIT_KINDS or parsed.algorithm not in _ALGORITHMS or parsed.amount < 0:
        raise ValueError(f"not a limit: {dict(limit)}; kinds {_LIMIT_KINDS}, algorithms {_ALGORITHMS}")
    return parsed


def _checked(config: ModelConfig) -> ModelConfig:
    if config.wire not in _WIRES or config.answers not in ("extract", "filler"):
        raise ValueError(f"{config.id}: wire is one of {_WIRES}, answers is extract or filler")
    return config


def parse_models(document: Mapping[str, Any]) -> dict[str, ModelConfig]:
    """The models of a parsed pool file by id; fields that only Rota needs are passed over."""
    wires = {name: provider["kind"] for name, provider in document["providers"].items()}
    return {entry["id"]: _parse_model(entry, wires[entry["provider"]]) for entry in document["models"]}


def _parse_model(entry: Mapping[str, Any], wire: str) -> ModelConfig:
    known = {field.name for field in fields(ModelConfig)}
    base = ModelConfig(
        id=entry["id"],
        vendor_model=entry["vendor_model"],
        wire=wire,
        latency=Latency() if wire == "bedrock" else _GROQ_LATENCY,
        # AWS documents structured output for other families, not for Nova.
        schema_wire="amazon.nova" not in entry["vendor_model"],
    )
    return base.changed({name: value for name, value in entry.items() if name in known})


def load_models(path: Path) -> dict[str, ModelConfig]:
    """Read them from a pool file, YAML or JSON."""
    return parse_models(yaml.safe_load(path.read_text("utf-8")))
