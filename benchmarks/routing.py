"""Processor time of routing, without any wire: a decision alone, and a whole routed call.

Run: python -m benchmarks.routing

`decision` is `route` on examples/three-tiers.yaml: the text measured, rules, tier, candidates, order. `whole call` is
decision, quote, booking, settlement and record through the dispatcher, on a table in memory that answers at once and a
vendor that does, too; what the table itself takes is measured apart and taken off. Targets: 0.3 ms and 1.5 ms.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from local.state import ROOT
from rota.catalog_file import load_catalog
from rota.dispatch import Dispatcher
from rota.documents.tokens import estimate_tokens
from rota.ledger import Ledger
from rota.providers.base import Completion, ModelCall
from rota.routing.pipeline import route
from rota.routing.request import ModelRequest
from rota.usage import Usage
from tests.fixtures.fake_dynamodb import FakeDynamoDB

TEXTS = {
    "12 words": "What is the difference between a window and a token bucket, briefly?",
    "2,000 characters": "The nightly run was slow again, and the log says little about the reason. " * 27,
    "1,000,000 characters": "The nightly run was slow again, and the log says little about the reason. " * 13_500,
}
ROUNDS, CALLS = 5, 400


class Vendor:
    """Answers at once."""

    def prepare(self, timeout_s: float) -> None:
        """Nothing to prepare."""

    def complete(self, *_: object) -> Completion:
        """The same small answer each time."""
        return Completion("Yes.", Usage(100, 20), "end", 200)


class Timed:
    """A table in memory that adds up the processor time of its own requests."""

    def __init__(self) -> None:
        self.spent_s = 0.0
        self._table = FakeDynamoDB(lambda: time.time() * 1000)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._table, name)
        if not callable(found):
            return found

        def timed(**request: Any) -> Any:
            began = time.process_time()
            try:
                return found(**request)
            finally:
                self.spent_s += time.process_time() - began

        return timed


def main() -> None:
    """See the module."""
    catalog = load_catalog(ROOT / "examples/three-tiers.yaml")
    print(f"{'decision':<22}{'ms':>8}   target 0.3")
    for name, text in TEXTS.items():
        request = ModelRequest("chat", "", estimate_tokens(text[:8000]), 200, text=text)
        print(f"{name:<22}{_best_ms(lambda: route(request, catalog), CALLS):>8.3f}")  # noqa: B023 - called here
    named = ModelRequest("summarize", "summaries", 1000, 200)
    print(f"{'a step, without text':<22}{_best_ms(lambda: route(named, catalog), CALLS):>8.3f}")

    table = Timed()
    ledger = Ledger(table, "Ledger", catalog)  # type: ignore[arg-type]
    vendor = Vendor()
    dispatcher = Dispatcher(catalog, ledger, lambda _: vendor, lambda _: None)
    request = ModelRequest("chat", "", 100, 200, text=TEXTS["12 words"], priority="interactive")
    call = ModelCall("", TEXTS["12 words"], 200)

    def ask() -> None:
        dispatcher.run(request, call, str, lambda: 300_000)

    began, before = time.process_time(), table.spent_s
    for _ in range(CALLS):
        ask()
    spent = time.process_time() - began - (table.spent_s - before)
    print(f"\n{'whole call':<22}{1000 * spent / CALLS:>8.3f}   target 1.5")


def _best_ms(work: Callable[[], object], times: int) -> float:
    """The best round's mean: what the work takes when nothing disturbs it."""
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(times):
            work()
        best = min(best, (time.process_time() - began) / times)
    return 1000 * best


if __name__ == "__main__":
    main()
