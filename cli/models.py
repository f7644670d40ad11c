"""`rota models`: the pool as it is now."""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

from cli.api import Api
from cli.figures import amount, duration
from cli.target import current_target

TITLES = ["model", "provider", "tier", "next start", "calls", "refused", "booked of quota", "pools"]


def main(options: argparse.Namespace) -> int:
    """Run the command; see `rota models --help`."""
    listing = Api(current_target()).get("models")
    if options.json:
        print(json.dumps(listing, indent=2))
        return 0
    rows = [TITLES, *(_cells(model, time.time() * 1000) for model in listing["data"])]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    return 0


def _cells(model: dict[str, Any], now_ms: float) -> list[str]:
    quotas = (f"{amount(limit['booked'])}/{amount(limit['amount'])} {limit['kind']}" for limit in model["limits"])
    return [
        model["id"],
        f"{model['owned_by']}{' (simulated)' if model['simulated'] else ''}",
        str(model["tier"]),
        _when(model, now_ms),
        str(model["calls"]),
        str(model["refusals"]),
        ", ".join(quotas),
        ", ".join(model["pools"]),
    ]


def _when(model: dict[str, Any], now_ms: float) -> str:
    if model.get("next_start_ms") is None:
        return "never: quota too small"
    wait_s = (max(model["next_start_ms"], model.get("blocked_until_ms") or 0) - now_ms) / 1000
    return f"in {duration(wait_s)}" if wait_s >= 1 else "now"
