"""`rota experiments`: the arms of each experiment side by side, with what can be said of them."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from cli.api import Api
from cli.figures import interval, money, percent
from cli.table import table_lines
from cli.target import current_target

Arm = Mapping[str, Any]


def main(options: argparse.Namespace) -> int:
    """Run the command; see `rota experiments --help`."""
    reply = Api(current_target()).get("experiments")
    if options.json:
        print(json.dumps(reply, indent=2))
        return 0
    for at, experiment in enumerate(reply["experiments"]):
        for line in (*([""] if at else []), *experiment_lines(experiment)):
            print(line)
    if not reply["experiments"]:
        print("There are no experiments: they stand in rota.yaml below `experiments`.")
    return 0


def experiment_lines(experiment: Mapping[str, Any]) -> Iterator[str]:
    """One experiment: a column for each arm."""
    arms = experiment["arms"]
    yield f"{experiment['name']}, divided by {experiment['subject']}\n"
    heading = ["", *(arm["arm"] for arm in arms)]
    yield from table_lines([heading, *([title, *map(shown, arms)] for title, shown in ROWS)], "  ")


def _difference(arm: Arm) -> str:
    """In percentage points, to the first arm."""
    if "decided" not in arm:
        return "compared with"
    if arm["success_difference"] is None:
        return "–"
    low, high = (100 * bound for bound in arm["difference_interval"])
    return f"{100 * arm['success_difference']:+.1f} points ({low:+.1f} to {high:+.1f})"


def _verdict(arm: Arm) -> str:
    if "decided" not in arm:
        return ""
    if not arm["decided"]:
        return "not decided"
    return "decided: better" if arm["success_difference"] > 0 else "decided: worse"


def _latency(arm: Arm) -> str:
    return _mean(arm["mean_latency_ms"], arm["latency_interval_ms"], lambda ms: f"{ms / 1000:.2f} s")


def _cost(arm: Arm) -> str:
    return _mean(arm["mean_cost_usd"], arm["cost_interval_usd"], lambda usd: money(1000 * usd))


def _mean(mean: float | None, bounds: tuple[float, float] | None, shown: Callable[[float], str]) -> str:
    if mean is None:
        return "–"
    return shown(mean) + (f" ({shown(max(0, bounds[0]))} to {shown(bounds[1])})" if bounds else "")


ROWS: tuple[tuple[str, Callable[[Arm], str]], ...] = (
    ("of the subjects", lambda arm: f"{arm['percent']:g} %"),
    ("calls", lambda arm: f"{arm['calls']:,}"),
    ("answered", lambda arm: f"{arm['ok']:,}, {percent(arm['success_rate'])}"),
    ("  95 % interval", lambda arm: interval(arm["success_interval"])),
    ("difference", _difference),
    ("", _verdict),
    ("mean latency", _latency),
    ("cost of 1,000", _cost),
    ("fallbacks", lambda arm: f"{arm['fallbacks']:,}"),
    ("rated good, bad", lambda arm: f"{arm['rated_good']:,}, {arm['rated_bad']:,}"),
)
