"""Which pile a plan stands for: the same one, and one that has grown or lost a little; no other."""

from __future__ import annotations

import pytest

from rota.earlier_plan import EarlierPlan, closest


def names(first: int, last: int) -> list[str]:
    """Titles of so many documents."""
    return [f"2026-{number:05d}.md" for number in range(first, last)]


def plan(*titles: str) -> EarlierPlan:
    """A plan for these documents, which looks for the first one's title."""
    return EarlierPlan.of(titles, {"focus": [titles[0]], "outline": []})


@pytest.mark.parametrize("count", [1, 3, 40, 10_000])
def test_a_pile_that_has_grown_by_less_than_itself_has_its_plan(count: int) -> None:
    """In whatever order; one that has doubled more than once is another."""
    made = plan(*names(0, count))
    for last in (count, count + count // 2):
        assert closest([made], reversed(names(0, last))) == made
    assert closest([made], names(0, 3 * count)) == EarlierPlan()
    assert closest([made], names(count, 2 * count)) == EarlierPlan()


def test_a_pile_that_moves_on_has_its_plan_until_half_of_it_is_gone() -> None:
    """Judged by what the plan was made for, however often it was used since."""
    made = plan(*names(0, 100))
    assert closest([made], names(30, 130)) == made
    assert closest([made], names(60, 160)) == EarlierPlan()


def test_of_several_piles_the_most_alike_one_counts() -> None:
    """Several inboxes with the same question; documents that share a title are told apart by their number."""
    a, b, c = plan(*names(0, 10)), plan(*names(5, 15)), plan("Docs", "Docs", "Docs")
    assert closest([a, b, c], names(4, 14)) == b
    assert closest([a, b, c], names(0, 11)) == a
    assert closest([a, b, c], ["Docs"] * 4) == c
    assert closest([a, b, c], ["Docs"]) == EarlierPlan()
    assert closest([], names(0, 3)) == closest([a], []) == EarlierPlan()
