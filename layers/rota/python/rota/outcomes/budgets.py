"""Monthly budgets that no number of processes overspends: the most a call may cost is reserved before it is made.

    reserve   spent += n  if spent <= limit - n      one conditional write per budget that applies
    settle    spent += cost - n                      one more, after the call

Never more than the budget is spent as long as no call costs more than was reserved for it. A process that dies between
the two leaves that one call's reservation in the month; so does a write whose reply was lost, because none is repeated
that may have been made. Whom a budget applies to is told where it stands first: a key's own for its owner, then the
one of rota.yaml that names the user, then the one for each user; likewise for features. A budget counts from when it
is set: where none applies, nothing is written.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from rota.errors import BudgetSpentError
from rota.ledger_table import BACKOFF_S, CONDITION_FAILED, THROTTLES, TROUBLE, code
from rota.money import dollars, usd
from rota.money import nanousd as nanousd_of
from rota.outcomes.months import end_of, expiry_of, month_of
from rota.outcomes.table import OutcomesTable, refusing_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from rota.policy import Budget

TRIES = 4
"""How often a write is made that the service was too busy to take."""

# Conditions of a reservation, as sentences.
NOTHING_IS_SPENT = "attribute_not_exists(spent)"
IT_FITS = "spent <= :room"


@dataclass(frozen=True, slots=True)
class Reservation:
    """What is held for one call, in billionths of a dollar, in each of `budgets`: `user#ada`, `feature#chat`, `all`."""

    month: str
    nanousd: int
    budgets: tuple[str, ...]


class Budgets:
    """The budgets of rota.yaml on DynamoDB.

    `dynamodb` must not retry by itself: a settlement made twice would give back what was never held.
    """

    def __init__(
        self,
        dynamodb: DynamoDBClient,
        table: str,
        budgets: Sequence[Budget],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._table, self._budgets, self._sleep = OutcomesTable(dynamodb, table), budgets, sleep

    def reserve(self, user: str, feature: str, nanousd: int, now_ms: int, own_usd: float | None = None) -> Reservation:
        """Hold the most that a call may cost in every budget that applies, or in none.

        `own_usd` is the budget of the caller's key. Raises BudgetSpentError when one has too little left. What costs
        nothing is held nowhere.
        """
        limits, month, held = limits_of(self._budgets, user, feature, own_usd), month_of(now_ms), list[str]()
        try:
            for budget, limit in limits.items() if nanousd else ():
                self._hold(month, budget, limit, nanousd)
                held.append(budget)
        except BaseException:
            self.settle(Reservation(month, nanousd, tuple(held)), 0)
            raise
        return Reservation(month, nanousd, tuple(limits))

    def settle(self, reservation: Reservation, spent_nanousd: int) -> bool:
        """Replace what was held by what was spent; once, and never raising: the call is paid for.

        False when a budget did not confirm it, in which the reservation may stand as it was.
        """
        change = spent_nanousd - reservation.nanousd
        confirmed = [self._change(reservation.month, budget, change) for budget in reservation.budgets if change]
        return all(confirmed)

    def check(self, user: str, feature: str, now_ms: int, own_usd: float | None = None) -> None:
        """Raise BudgetSpentError when a budget that applies has nothing left at all: before any work is begun."""
        month = month_of(now_ms)
        for budget, limit in limits_of(self._budgets, user, feature, own_usd).items():
            spent = self._table.get(f"budget#{month}", budget).get("spent", 0)
            if spent >= limit:
                raise _refusal(month, budget, limit, spent, 1)

    def standing(self, user: str, feature: str, now_ms: int, own_usd: float | None = None) -> list[dict[str, Any]]:
        """Each budget that applies: {"budget", "limit_usd", "spent_usd" (with what is held), "month", "ends"}."""
        month = month_of(now_ms)
        return [
            {
                "budget": named(budget),
                "limit_usd": usd(limit),
                "spent_usd": usd(self._table.get(f"budget#{month}", budget).get("spent", 0)),
                "month": month,
                "ends": end_of(month).isoformat(),
            }
            for budget, limit in limits_of(self._budgets, user, feature, own_usd).items()
        ]

    def _hold(self, month: str, budget: str, limit: int, nanousd: int) -> None:
        room = limit - nanousd
        condition = f"{NOTHING_IS_SPENT} OR {IT_FITS}" if room >= 0 else IT_FITS
        try:
            self._write(month, budget, nanousd, condition, {":room": room})
        except ClientError as error:
            if code(error) != CONDITION_FAILED:
                raise
            response: dict[str, Any] = dict(error.response)
            raise _refusal(month, budget, limit, refusing_item(response).get("spent", 0), nanousd) from error

    def _change(self, month: str, budget: str, nanousd: int) -> bool:
        try:
            self._write(month, budget, nanousd)
        except TROUBLE:
            return False
        return True

    def _write(
        self, month: str, budget: str, nanousd: int, condition: str = "", values: Mapping[str, int] | None = None
    ) -> None:
        """Add to a budget. Only a write that was not taken is made again."""
        update = "SET expires_s = :expires_s ADD spent :n"
        given = {":n": nanousd, ":expires_s": expiry_of(month), **(values or {})}
        for tries in range(1, TRIES + 1):
            try:
                self._table.update(f"budget#{month}", budget, update, given, condition)
            except ClientError as error:
                if code(error) not in THROTTLES or tries == TRIES:
                    raise
            else:
                return
            self._sleep(random.uniform(0, BACKOFF_S * 2**tries))


def limits_of(budgets: Sequence[Budget], user: str, feature: str, own_usd: float | None = None) -> dict[str, int]:
    """The budgets that apply to a call, by their key, with their limits in billionths of a dollar."""
    limits = {}
    for per, name in (("user", user), ("feature", feature)):
        mine = [b.month_usd for b in budgets if name and b.per == per and b.name == name]
        each = [b.month_usd for b in budgets if name and b.per == per and b.name is None]
        own = [own_usd] if per == "user" and name and own_usd is not None else []
        if own or mine or each:
            limits[f"{per}#{name}"] = nanousd_of(min(own or mine or each))
    everything = [b.month_usd for b in budgets if b.per == "all"]
    return limits | ({"all": nanousd_of(min(everything))} if everything else {})


def named(budget: str) -> str:
    """A budget's key as words: `user ada`, `feature chat`, `all`."""
    return budget.replace("#", " ", 1)


def _refusal(month: str, budget: str, limit: int, spent: int, nanousd: int) -> BudgetSpentError:
    message = (
        f"the budget of {named(budget)} for {month} has no room for this call: {dollars(spent)} of {dollars(limit)} "
        f"are spent or held, the call may cost {dollars(nanousd)}; the next month begins on {end_of(month)} (UTC)"
    )
    return BudgetSpentError(message, budget=named(budget), limit_usd=usd(limit), spent_usd=usd(spent))
