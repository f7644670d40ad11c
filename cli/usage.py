"""`rota usage`: what your calls of a month cost, and what is left of your budgets."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from typing import Any

from cli.api import Api
from cli.figures import bar, counted, money, percent
from cli.table import table_lines
from cli.target import current_target

TITLES = ["calls", "tokens in", "out", "cost", "", "of all", "mean", "fallbacks", "failures", "one tier up"]
COUNTS = ("fallbacks", "failures", "escalations")
BAR = 10


def main(options: argparse.Namespace) -> int:
    """Run the command; see `rota usage --help`."""
    view = Api(current_target()).get(f"usage?month={options.month}" if options.month else "usage")
    if options.json:
        print(json.dumps(view, indent=2))
        return 0
    for line in (*usage_lines(view), *_budget_lines(view["budgets"])):
        print(line)
    return 0


def usage_lines(view: Mapping[str, Any]) -> Iterator[str]:
    """The totals of a month, and a table for each way to divide them: `GET /v1/usage` without its budgets."""
    total = view["total"]
    if not total["calls"]:
        yield f"{view['month']}: no calls."
        return
    tokens = f"{total['input_tokens']:,} tokens in, {total['output_tokens']:,} out"
    yield f"{view['month']}: {counted(total['calls'], 'call')} · {tokens} · {money(total['cost_usd'])}"
    for name, groups in view.items():
        if name.startswith("by_"):
            title = name.removeprefix("by_").replace("_", " ")
            rows = [_cells(group, figures, total) for group, figures in groups.items()]
            yield ""
            yield from table_lines([[title, *TITLES], *rows])


def _cells(name: str, figures: Mapping[str, Any], total: Mapping[str, Any]) -> list[str]:
    """Shares are of the cost, or of the calls where nothing costs anything."""
    measure = "cost_usd" if total["cost_usd"] else "calls"
    share = figures[measure] / total[measure]
    return [
        name,
        f"{figures['calls']:,}",
        f"{figures['input_tokens']:,}",
        f"{figures['output_tokens']:,}",
        money(figures["cost_usd"]),
        bar(share, BAR),
        percent(share),
        f"{figures['mean_latency_ms'] / 1000:.1f} s",
        *(f"{figures[count]:,}" if figures[count] else "–" for count in COUNTS),
    ]


def _budget_lines(budgets: list[dict[str, Any]]) -> Iterator[str]:
    if not budgets:
        yield "\nNo budget applies to you."
        return
    yield "\nBudgets, with what is held for calls under way:"
    yield from table_lines([_budget(budget) for budget in budgets], "  ")


def _budget(budget: Mapping[str, Any]) -> list[str]:
    limit, spent = budget["limit_usd"], budget["spent_usd"]
    left = max(0.0, limit - spent)
    return [
        budget["budget"],
        bar(spent / limit if limit else 1, BAR),
        f"{money(spent)} of {money(limit)}",
        f"{money(left)} left" if left else "spent",
        f"until {budget['ends']} (UTC)",
    ]
