"""`rota models`: the pool as it is now."""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

from cli.api import Api
from cli.figures import amount, duration
from cli.table import print_table
from cli.target import current_target

TITLES = [
    "model",
    "provider",
    "tier",
    "next start",
    "calls",
    "refused",
    "errors",
    "latency",
    "booked of quota",
    "used of booked",
    "tokens per estimated",
    "remarks",
    "pools",
]


def main(options: argparse.Namespace) -> int:
    """Run the command; see `rota models --help`."""
    listing = Api(current_target()).get("models")
    if options.json:
        print(json.dumps(listing, indent=2))
        return 0
    print_table([TITLES, *(_cells(model, time.time() * 1000) for model in listing["data"])])
    return 0


def _cells(model: dict[str, Any], now_ms: float) -> list[str]:
    quotas = (f"{amount(limit['booked'])}/{amount(limit['amount'])} {limit['kind']}" for limit in model["limits"])
    ratio = model["learned"]["input_tokens_per_estimated_token"]
    return [
        model["id"],
        f"{model['owned_by']}{' (simulated)' if model['simulated'] else ''}",
        str(model["tier"]),
        _when(model, now_ms),
        str(model["calls"]),
        str(model["refusals"]),
        *_health(model.get("health")),
        ", ".join(quotas),
        f"{100 * model['used_tokens'] / model['booked_tokens']:.0f} %" if model["booked_tokens"] else "–",
        f"{ratio:.2f}" if ratio is not None else "–",
        "; ".join(remarks(model)) or "–",
        ", ".join(model["pools"]),
    ]


def remarks(model: dict[str, Any]) -> list[str]:
    """What makes a model stand otherwise than rota.yaml has it, in words."""
    said = ["disabled"] if model["disabled"] else []
    if model["breaker"] != "closed":
        said.append(f"breaker {model['breaker']} ({model['breaker_reason']})")
    elif (health := model.get("health")) and health["verdict"] not in ("healthy", "unknown"):
        said.append(health["verdict"])
    return said + [remark for limit in model["limits"] if (remark := _remark(limit))]


def _health(health: dict[str, Any] | None) -> list[str]:
    """Share of errors and mean latency of the last minutes."""
    if not health or not health["calls"]:
        return ["–", "–"]
    mean_ms = health["mean_latency_ms"]
    return [f"{100 * health['error_rate']:.1f} %", "–" if mean_ms is None else f"{mean_ms / 1000:.1f} s"]


def _remark(limit: dict[str, Any]) -> str:
    reasons = []
    if limit["set_by_hand"] is not None:
        reasons.append("set by hand")
    elif limit["found"] is not None:
        capped = limit["found"] > limit["ceiling"]
        reasons.append(f"found {amount(limit['found'])}, ceiling" if capped else "found")
    if limit["shrunk_share"] < 1:
        reasons.append(f"shrunk to {100 * limit['shrunk_share']:.0f} %")
    if not reasons or limit["amount"] == limit["configured"]:
        return ""
    return f"{limit['kind']} {amount(limit['amount'])}, not {amount(limit['configured'])} ({', '.join(reasons)})"


def _when(model: dict[str, Any], now_ms: float) -> str:
    if model["disabled"]:
        return "disabled"
    if model.get("next_start_ms") is None:
        return "never: quota too small"
    wait_s = (max(model["next_start_ms"], model.get("blocked_until_ms") or 0) - now_ms) / 1000
    return f"in {duration(wait_s)}" if wait_s >= 1 else "now"
