"""Amounts of money in sentences."""

from __future__ import annotations

import pytest

from rota.errors import BudgetSpentError
from rota.estimate import JobEstimate
from rota.money import dollars, nanousd
from rota.outcomes.budgets import Budgets
from rota.outcomes.job_budget import JobBudget
from rota.planning.reasons import Limits, Missed
from tests.fixtures.job_stack import OUTCOMES, job_stack

NOW_MS = 1_800_000_000_000


@pytest.mark.parametrize(
    ("amount", "said"),
    [
        (0, "$0.00"),
        (1e-9, "$0.000000001"),
        (0.00001, "$0.00001"),
        (0.02, "$0.02"),
        (0.5, "$0.50"),
        (1, "$1.00"),
        (100_000, "$100000.00"),
    ],
)
def test_dollars_are_never_in_powers_of_ten(amount: float, said: str) -> None:
    """`1e-05` is no amount of money to a person."""
    assert dollars(nanousd(amount)) == said


def test_limits_say_what_little_they_are() -> None:
    """In the sentence of a plan that a tiny budget changed."""
    counts = dict.fromkeys(("documents", "batches", "written", "calls", "input_tokens", "output_tokens"), 0)
    estimate = JobEstimate(**counts, max_output_tokens=0, cost_usd=0.001, held_usd=0.0, eta_s=1.0, models={}, steps=())
    said = Limits(None, None, 0.00001).sentence([Missed.BUDGET], estimate, 1_000)
    assert said == "the budget of $0.00001 leaves room for 8 of 1,000 tokens"


def test_a_refused_call_of_a_job_says_what_little_there_was() -> None:
    """Spent, allowed and asked for: billionths are written out."""
    with job_stack() as stack:
        budget = JobBudget(Budgets(stack.dynamodb, OUTCOMES, ()), "j-1", 0.00001, NOW_MS)
        budget.reserve("ada", "api", 9_000, NOW_MS)
        with pytest.raises(BudgetSpentError) as refused:
            budget.reserve("ada", "api", 1_001, NOW_MS)
    assert str(refused.value) == (
        "what this job may cost has no room for another call: $0.000009 of $0.00001 are spent or held, "
        "the call may cost $0.000001001"
    )
