"""Every way of calling models that is compared: its name, its label, the module that does it, and its options.

A module is imported by the processes of its own runs alone, so that nobody pays for another's libraries.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class PolicyKind:
    """`single` policies know one model only, the largest, put behind the wire that they speak."""

    name: str
    label: str
    module: str
    options: Mapping[str, Any] = field(default_factory=dict)
    single: str = ""
    redis: bool = False
    ledger: bool = False


def _router(name: str, label: str, strategy: str) -> list[PolicyKind]:
    options = {"strategy": strategy}
    return [
        PolicyKind(f"litellm-{name}", f"LiteLLM {label}", "litellm_router", options),
        PolicyKind(f"litellm-{name}-redis", f"LiteLLM {label}, Redis", "litellm_router", options, redis=True),
    ]


_KINDS = (
    PolicyKind("rota", "Rota", "rota", ledger=True),
    PolicyKind("round-robin", "round-robin, fallback", "round_robin"),
    *_router("shuffle", "shuffle", "simple-shuffle"),
    *_router("usage", "usage-v2", "usage-based-routing-v2"),
    *_router("latency", "latency", "latency-based-routing"),
    *_router("busy", "least-busy", "least-busy"),
    PolicyKind(
        "litellm-enforced-redis",
        "LiteLLM usage-v2, enforced, Redis",
        "litellm_router",
        {"strategy": "usage-based-routing-v2", "checks": ["enforce_model_rate_limits"]},
        redis=True,
    ),
    PolicyKind("boto3-standard", "one model, boto3 standard", "boto3_retries", {"mode": "standard"}, "bedrock"),
    PolicyKind("boto3-adaptive", "one model, boto3 adaptive", "boto3_retries", {"mode": "adaptive"}, "bedrock"),
    PolicyKind("groq-sdk", "one model, groq SDK", "groq_retries", single="openai_compatible"),
)
POLICIES: Mapping[str, PolicyKind] = {kind.name: kind for kind in _KINDS}
