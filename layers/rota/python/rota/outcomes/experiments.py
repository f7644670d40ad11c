"""Outcomes by experiment and arm: counters that calls add to, and what can be said of them.

Numbers stay far below DynamoDB's 38 digits (and the 28 of Python's decimals, in which emulators add): a call of ten
minutes is 3.6e11 ms², one of $10 is 1e20 nanodollars², so there is room for 10⁷ of the dearest and 10¹⁶ of the longest.
An arm takes a thousand calls a second.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from rota.money import NANO
from rota.outcomes.intervals import Interval, newcombe, normal, wilson
from rota.outcomes.months import expiry_of, month_of
from rota.outcomes.table import OutcomesTable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from rota.policy import Experiment


@dataclass(frozen=True, slots=True)
class ArmTotals:
    """Sums over calls: `n` of them, `ok` answered; `*_squares` sum squares (ms², nanodollars²), for intervals."""

    n: int = 0
    ok: int = 0
    fallbacks: int = 0
    cost_nanousd: int = 0
    cost_squares: int = 0
    latency_ms: int = 0
    latency_squares: int = 0
    rated_good: int = 0
    rated_bad: int = 0


def one_call(*, ok: bool, fallback: bool, cost_nanousd: int, latency_ms: int) -> ArmTotals:
    """The counters of one call."""
    return ArmTotals(
        n=1,
        ok=int(ok),
        fallbacks=int(fallback),
        cost_nanousd=cost_nanousd,
        cost_squares=cost_nanousd**2,
        latency_ms=latency_ms,
        latency_squares=latency_ms**2,
    )


class ExperimentResults:
    """The counters on DynamoDB."""

    def __init__(self, dynamodb: DynamoDBClient, table: str) -> None:
        self._table = OutcomesTable(dynamodb, table)

    def add(self, name: str, arm: str, totals: ArmTotals, now_ms: int) -> None:
        """Count `one_call`, or a rating as ArmTotals(rated_bad=1). They are kept for 13 months after the last one."""
        self._table.add(f"experiment#{name}", arm, asdict(totals), expiry_of(month_of(now_ms)))

    def arms(self, name: str) -> dict[str, ArmTotals]:
        """What was counted so far, by arm."""
        return {
            item["sk"]: ArmTotals(**{each.name: item.get(each.name, 0) for each in fields(ArmTotals)})
            for item in self._table.query(f"experiment#{name}")
        }


def results(experiment: Experiment, arms: Mapping[str, ArmTotals]) -> list[dict[str, Any]]:
    """The experiment's arms in its order, the first being what the others are compared with.

    Shares with Wilson's interval, their difference from the first arm's with Newcombe's, means with the normal one
    (None for fewer than two calls); all 95 %. `decided` says that the interval of the difference excludes zero.
    """
    first = arms.get(experiment.arms[0].name, ArmTotals())
    return [
        {
            "arm": arm.name,
            "percent": arm.percent,
            **_of_one(totals),
            **({} if at == 0 else _difference(totals, first)),
        }
        for at, arm in enumerate(experiment.arms)
        for totals in (arms.get(arm.name, ArmTotals()),)
    ]


def _of_one(totals: ArmTotals) -> dict[str, Any]:
    n, latency = totals.n, normal(totals.latency_ms, totals.latency_squares, totals.n)
    cost = normal(totals.cost_nanousd, totals.cost_squares, totals.n)
    return {
        "calls": n,
        "ok": totals.ok,
        "fallbacks": totals.fallbacks,
        "rated_good": totals.rated_good,
        "rated_bad": totals.rated_bad,
        "success_rate": totals.ok / n if n else None,
        "success_interval": wilson(totals.ok, n),
        "mean_latency_ms": totals.latency_ms / n if n else None,
        "latency_interval_ms": latency,
        "mean_cost_usd": totals.cost_nanousd / n / NANO if n else None,
        "cost_interval_usd": _scaled(cost, NANO),
    }


def _difference(totals: ArmTotals, first: ArmTotals) -> dict[str, Any]:
    low, high = newcombe((totals.ok, totals.n), (first.ok, first.n))
    both = totals.n and first.n
    return {
        "success_difference": totals.ok / totals.n - first.ok / first.n if both else None,
        "difference_interval": (low, high),
        "decided": low > 0 or high < 0,
    }


def _scaled(interval: Interval | None, by: int) -> Interval | None:
    return interval and (interval[0] / by, interval[1] / by)
