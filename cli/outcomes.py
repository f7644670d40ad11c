"""`rota outcomes`: how often routing was right, everybody's usage, and decisions to learn from, for operators."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from cli.deployment import Deployment, deployment
from cli.errors import CliError
from cli.figures import bar, counted, interval, percent
from cli.table import table_lines
from cli.usage import usage_lines
from rota.outcomes.accuracy import routing_accuracy
from rota.outcomes.decisions import OutcomeStore
from rota.outcomes.months import month_of
from rota.outcomes.usage import UsageCounters, usage_view

TITLES = ["decisions", "right", "", "95 % interval"]
REASONS = {
    "user": "rated bad by the user",
    "rephrased": "asked again in other words",
    "frustrated": "followed by words of frustration",
    "escalated": "had to be written one tier up",
}


def main(options: argparse.Namespace) -> int:
    """Run the command; see `rota outcomes --help`."""
    month = options.month or month_of(int(time.time() * 1000))
    try:
        stack = deployment(options.stage)
        if options.export:
            _export(_store(stack), month)
        else:
            _report(stack, month, options)
    except (BotoCoreError, ClientError) as error:
        raise CliError(f"The outcomes table cannot be read: {error}") from error
    return 0


def _export(store: OutcomeStore, month: str) -> None:
    """A line for each decision, without whose it was."""
    for decision in store.export(month):
        kept = {name: value for name, value in decision.items() if name != "owner"}
        print(json.dumps(kept, separators=(",", ":")))


def _report(stack: Deployment, month: str, options: argparse.Namespace) -> None:
    accuracy = routing_accuracy(_store(stack).export(month))
    usage = None
    if options.users:
        counters = UsageCounters(stack.client("dynamodb"), _table(stack))
        usage = usage_view(month, counters.of_all(month), by_user=True)
    if options.json:
        print(json.dumps({"month": month, "accuracy": accuracy, **({"usage": usage} if usage else {})}, indent=2))
        return
    for line in (*accuracy_lines(month, accuracy), *(("", *usage_lines(usage)) if usage else ())):
        print(line)


def accuracy_lines(month: str, accuracy: Mapping[str, Any]) -> Iterator[str]:
    """What `routing_accuracy` found, in lines."""
    if not accuracy["decisions"]:
        yield f"{month}: no decisions."
        return
    yield (
        f"{month}: {counted(accuracy['decisions'], 'decision')}, {percent(accuracy['accuracy'])} right "
        f"({interval(accuracy['interval'])}), as far as anybody has said"
    )
    for title in ("tier", "level"):
        groups = accuracy[f"by_{title}"]
        yield ""
        yield from table_lines([[title, *TITLES], *(_cells(name, share) for name, share in groups.items())])
    wrong = accuracy["decisions"] - accuracy["right"]
    if not wrong:
        yield "\nNothing was found wrong with any."
        return
    reasons = sorted(accuracy["wrong"].items(), key=lambda reason: -reason[1])
    several = ", some for several reasons" if sum(accuracy["wrong"].values()) > wrong else ""
    yield f"\n{counted(wrong, 'decision')} found wrong{several}:"
    yield from table_lines([[f"{count:,}", REASONS.get(name, name)] for name, count in reasons], "  ")


def _cells(name: str, share: Mapping[str, Any]) -> list[str]:
    right = f"{share['right']:,}, {percent(share['accuracy'])}"
    return [name, f"{share['decisions']:,}", right, bar(share["accuracy"] or 0), interval(share["interval"])]


def _store(stack: Deployment) -> OutcomeStore:
    return OutcomeStore(stack.client("dynamodb"), _table(stack))


def _table(stack: Deployment) -> str:
    """Raises CliError for a stack that was made before there was such a table."""
    if "OutcomesTable" not in stack.outputs:
        raise CliError("This stack keeps no outcomes yet: bring it up to date with `rota up` or `make deploy`.")
    return stack.outputs["OutcomesTable"]
