"""Cost allocation: what each user spent in a month, by feature, query type and model.

    every settled call   ADD to usage#<month>#<user>, <feature>#<query type>#<model>          one write
    a process that meets a user for the first time in a month, before that   PUT usage#<month>, <user>

The second item only says that the user has figures, so that all users of a month can be found: their totals are the
sums of their rows, which is exact, breaks down by everything, and costs the calls nothing. Written first, it is there
whatever crashes; remembered by the process, it is at most one more write per process, user and month.
Reading a user is one query, reading everybody one query per user.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from rota.money import usd
from rota.outcomes.months import expiry_of, month_of
from rota.outcomes.table import OutcomesTable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MOST_REMEMBERED = 10_000
"""Users that a process remembers to have named in a month."""


@dataclass(frozen=True, slots=True)
class UsageKey:
    """Whom and what a call is charged to. Only `feature` may contain `#`."""

    user: str
    feature: str
    query_type: str
    model: str


@dataclass(frozen=True, slots=True)
class UsageTotals:
    """Counters of calls. `input_tokens` include cached ones, `latency_ms` is a sum.

    `fallbacks` are answers of another model than the first choice, `failures` calls without an answer of use,
    `escalations` answers that were asked for again one tier up.
    """

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_nanousd: int = 0
    latency_ms: int = 0
    fallbacks: int = 0
    failures: int = 0
    escalations: int = 0

    def __add__(self, other: UsageTotals) -> UsageTotals:
        return UsageTotals(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))


UsageRow = tuple[UsageKey, UsageTotals]


class UsageCounters:
    """The counters on DynamoDB. A call counted twice, as by a repeated request, stands twice."""

    def __init__(self, dynamodb: DynamoDBClient, table: str) -> None:
        self._table = OutcomesTable(dynamodb, table)
        self._named: set[tuple[str, str]] = set()

    def add(self, key: UsageKey, totals: UsageTotals, now_ms: int) -> None:
        """Count a call, or several."""
        month = month_of(now_ms)
        self._name(month, key.user)
        row = f"{key.feature}#{key.query_type}#{key.model}"
        self._table.add(f"usage#{month}#{key.user}", row, asdict(totals), expiry_of(month))

    def of_user(self, user: str, month: str) -> Iterator[UsageRow]:
        """A user's rows of a month."""
        for item in self._table.query(f"usage#{month}#{user}"):
            counts = {each.name: item.get(each.name, 0) for each in fields(UsageTotals)}
            yield UsageKey(user, *item["sk"].rsplit("#", 2)), UsageTotals(**counts)

    def of_all(self, month: str) -> Iterator[UsageRow]:
        """Everybody's rows of a month, user by user."""
        for item in self._table.query(f"usage#{month}"):
            yield from self.of_user(item["sk"], month)

    def _name(self, month: str, user: str) -> None:
        if (month, user) not in self._named:
            self._table.put(f"usage#{month}", user, {"expires_s": expiry_of(month)})
            if len(self._named) >= MOST_REMEMBERED:
                self._named.clear()
            self._named.add((month, user))


def usage_view(month: str, rows: Iterable[UsageRow], *, by_user: bool = False) -> dict[str, Any]:
    """What GET /v1/usage shows: totals of all rows, and by feature, query type, model (and user), dearest first."""
    rows = list(rows)
    view: dict[str, Any] = {"month": month, "total": _shown(sum((totals for _, totals in rows), UsageTotals()))}
    if by_user:
        view["by_user"] = _by(rows, lambda key: key.user)
    return view | {
        "by_feature": _by(rows, lambda key: key.feature),
        "by_query_type": _by(rows, lambda key: key.query_type),
        "by_model": _by(rows, lambda key: key.model),
    }


def _by(rows: list[UsageRow], name_of: Callable[[UsageKey], str]) -> dict[str, Any]:
    groups: dict[str, UsageTotals] = {}
    for key, totals in rows:
        groups[name_of(key)] = groups.get(name_of(key), UsageTotals()) + totals
    dearest = sorted(groups.items(), key=lambda group: (-group[1].cost_nanousd, group[0]))
    return {name: _shown(totals) for name, totals in dearest}


def _shown(totals: UsageTotals) -> dict[str, Any]:
    shown = asdict(totals)
    latency_ms, cost_nanousd = shown.pop("latency_ms"), shown.pop("cost_nanousd")
    return shown | {"cost_usd": usd(cost_nanousd), "mean_latency_ms": round(latency_ms / max(1, totals.calls))}
