"""Months of UTC, their days and their ends."""

from __future__ import annotations

import pytest

from rota.errors import InvalidInputError
from rota.outcomes.months import checked_month, days_of, end_of, expiry_of, month_of

LAST_OF_NOVEMBER = 1_796_083_199_999


def test_a_month_ends_at_midnight_utc() -> None:
    """To the millisecond."""
    assert (month_of(LAST_OF_NOVEMBER), month_of(LAST_OF_NOVEMBER + 1)) == ("2026-11", "2026-12")


@pytest.mark.parametrize(
    ("month", "days", "end"),
    [("2026-11", 30, "2026-12-01"), ("2026-12", 31, "2027-01-01"), ("2028-02", 29, "2028-03-01")],
)
def test_days_and_end(month: str, days: int, end: str) -> None:
    """Also over the year's end and in a leap year."""
    listed = list(days_of(month))
    assert (len(listed), listed[0], str(end_of(month))) == (days, f"{month}-01", end)
    assert listed == sorted(set(listed))


def test_figures_are_kept_for_thirteen_months() -> None:
    """So that a month can be compared with the same of the year before."""
    assert month_of(expiry_of("2026-11") * 1000) == "2028-01"


def test_the_month_is_read_from_a_query() -> None:
    """A month passes, everything else names the field."""
    assert checked_month("2026-11") == "2026-11"
    for text in ("", "2026", "2026-13", "2026-00", "2026-1", "26-11", "2026-11-01", "2026-11\n", "usage#2026-11"):
        with pytest.raises(InvalidInputError) as refused:
            checked_month(text)
        assert refused.value.field == "month"
