"""The two pools of the comparison, with the quotas of the notes that Rota started from, and their pool files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

Wire = Literal["bedrock", "openai_compatible"]
Algorithm = Literal["token_bucket", "sliding_window", "fixed_window"]
ALGORITHMS: tuple[Algorithm, ...] = ("token_bucket", "sliding_window", "fixed_window")

LATENCY = {"base_ms": 300.0, "per_token_ms": 3.0, "sigma": 0.2}
"""Of every model alike, whichever wire it is on: 1.2 s for an answer of 300 tokens."""


@dataclass(frozen=True)
class PoolModel:
    """One simulated model; `tpm` is its quota in tokens per minute, the sizes are in tokens."""

    id: str
    vendor_model: str
    wire: Wire
    tpm: int
    context_tokens: int
    max_output_tokens: int

    def as_json(self) -> dict[str, Any]:
        """For the file that workers read."""
        return asdict(self)


TWO = (
    PoolModel("nova-pro", "amazon.nova-pro-v1:0", "bedrock", 100_000, 300_000, 10_000),
    PoolModel("llama-3", "meta-llama/llama-3-70b", "openai_compatible", 60_000, 8_192, 2_048),
)
FIVE = (
    PoolModel("llama-3.3-70b", "llama-3.3-70b-versatile", "openai_compatible", 64_000, 131_072, 8_192),
    PoolModel("llama-3.1-8b", "llama-3.1-8b-instant", "openai_compatible", 120_000, 131_072, 8_192),
    PoolModel("mixtral-8x7b", "mixtral-8x7b-32768", "openai_compatible", 60_000, 32_768, 8_192),
    PoolModel("llama-3.2-11b", "llama-3.2-11b-vision-preview", "openai_compatible", 60_000, 131_072, 8_192),
    PoolModel("gemma2-9b", "gemma2-9b-it", "openai_compatible", 60_000, 8_192, 4_096),
)
POOLS: Mapping[str, Sequence[PoolModel]] = {"two": TWO, "five": FIVE}


def largest(models: Sequence[PoolModel]) -> PoolModel:
    """The model with the highest quota: the one that somebody with a single model would take."""
    return max(models, key=lambda model: model.tpm)


def vendor_file(models: Sequence[PoolModel], algorithm: Algorithm) -> dict[str, Any]:
    """The pool file of `local.simulated`: these models under this way of counting."""
    return {
        "providers": {wire: {"kind": wire} for wire in _wires(models)},
        "models": [_vendor(m, algorithm) for m in models],
    }


def _wires(models: Sequence[PoolModel]) -> list[str]:
    return sorted({model.wire for model in models})


def _vendor(model: PoolModel, algorithm: Algorithm) -> dict[str, Any]:
    return {
        "id": model.id,
        "provider": model.wire,
        "vendor_model": model.vendor_model,
        "context_tokens": model.context_tokens,
        "max_output_tokens": model.max_output_tokens,
        "limits": [{"kind": "tpm", "amount": model.tpm, "algorithm": algorithm}],
        "refunds": True,
        "latency": LATENCY,
    }


def catalog_file(models: Sequence[PoolModel], algorithm: Algorithm, url: str) -> dict[str, Any]:
    """Rota's pool file for the same models. Its sliding window is how it counts fixed ones, too: that fits both."""
    counted = "token_bucket" if algorithm == "token_bucket" else "sliding_window"
    step = {"pool": "all", "max_output_tokens": 500}
    return {
        "version": 1,
        "providers": {
            "bedrock": {"kind": "bedrock", "region": "us-east-1", "endpoint": url},
            "openai_compatible": {"kind": "openai_compatible", "base_url": f"{url}/openai/v1"},
        },
        "models": [
            {
                "id": model.id,
                "provider": model.wire,
                "vendor_model": model.vendor_model,
                "tier": 1,
                "context_tokens": model.context_tokens,
                "max_output_tokens": model.max_output_tokens,
                "price": {"input_usd": 1, "output_usd": 1},
                "refunds": True,
                "limits": [{"kind": "tpm", "amount": model.tpm, "algorithm": counted}],
            }
            for model in models
        ],
        "pools": {"all": {"models": [model.id for model in models], "strategy": "rotate"}},
        "steps": dict.fromkeys(("plan", "summarize", "synthesize", "answer"), step),
    }
