"""A job's own budget beside the monthly ones: one more counter, so that no number of children overspends it.

The most that a call may cost is reserved in the job's counter, under the month in which the job was created, before it
is reserved in the others; see `budgets`. While calls are under way the counter holds their bounds, and so may refuse
one that would have fitted in the end.
"""

from __future__ import annotations

from dataclasses import dataclass

from rota.errors import BudgetSpentError
from rota.money import dollars
from rota.money import nanousd as nanousd_of
from rota.outcomes.budgets import Budgets, Reservation
from rota.outcomes.months import month_of


@dataclass(frozen=True, slots=True)
class JobReservation(Reservation):
    """What is held for one call in the monthly budgets, and in its job's."""

    of_job: Reservation | None = None


class JobBudget(Budgets):
    """The budgets of a stack for the calls of one job that may cost `limit_usd`."""

    def __init__(self, budgets: Budgets, job_id: str, limit_usd: float, created_ms: int) -> None:
        self._table, self._budgets, self._sleep = budgets._table, budgets._budgets, budgets._sleep
        self._key, self._limit, self._month = f"job#{job_id}", nanousd_of(limit_usd), month_of(created_ms)

    def reserve(
        self, user: str, feature: str, nanousd: int, now_ms: int, own_usd: float | None = None
    ) -> JobReservation:
        """See `Budgets.reserve`."""
        own = Reservation(self._month, nanousd, (self._key,) if nanousd else ())
        if nanousd:
            self._hold_own(nanousd)
        try:
            found = super().reserve(user, feature, nanousd, now_ms, own_usd)
        except BaseException:
            super().settle(own, 0)
            raise
        return JobReservation(found.month, found.nanousd, found.budgets, own)

    def settle(self, reservation: Reservation, spent_nanousd: int) -> bool:
        """See `Budgets.settle`."""
        confirmed = super().settle(reservation, spent_nanousd)
        own = reservation.of_job if isinstance(reservation, JobReservation) else None
        return (own is None or super().settle(own, spent_nanousd)) and confirmed

    def _hold_own(self, nanousd: int) -> None:
        try:
            self._hold(self._month, self._key, self._limit, nanousd)
        except BudgetSpentError as error:
            message = (
                f"what this job may cost has no room for another call: {dollars(nanousd_of(error.spent_usd))} of "
                f"{dollars(self._limit)} are spent or held, the call may cost {dollars(nanousd)}"
            )
            raise BudgetSpentError(
                message, budget=error.budget, limit_usd=error.limit_usd, spent_usd=error.spent_usd
            ) from error
