"""Routing accuracy: right is what nothing and nobody found wrong."""

from __future__ import annotations

from typing import Any

import pytest

from rota.outcomes.accuracy import faults, routing_accuracy
from rota.outcomes.intervals import wilson


def decision(tier: int | None = 1, level: str | None = "simple", *, escalated: bool = False, **feedback: str) -> Any:
    """A decision as it is exported."""
    return {"id": "d-1", "owner": "ada", "tier": tier, "level": level, "escalated": escalated, "feedback": feedback}


@pytest.mark.parametrize(
    ("judged", "wrong"),
    [
        (decision(), set()),
        (decision(user="good"), set()),
        (decision(user="bad"), {"user"}),
        (decision(rephrased="bad", user="good"), {"rephrased"}),
        (decision(frustrated="bad", rephrased="bad"), {"frustrated", "rephrased"}),
        (decision(escalated=True), {"escalated"}),
        (decision(escalated=True, escalated_="good"), {"escalated"}),
        (decision() | {"feedback": {"escalated": "bad"}}, {"escalated"}),
        ({"id": "d-1"}, set()),
    ],
)
def test_what_speaks_against_a_decision(judged: Any, wrong: set[str]) -> None:
    """A bad rating of any source, and an answer that had to be asked for again."""
    assert faults(judged) == wrong


def test_accuracy_is_a_share_by_tier_and_level() -> None:
    """Counts, shares and intervals of all and of each group; reasons are counted each."""
    judged = [
        *[decision() for _ in range(76)],
        *[decision(user="bad") for _ in range(4)],
        *[decision(2, "medium") for _ in range(14)],
        decision(2, "medium", escalated=True, user="bad"),
        *[decision(3, "complex") for _ in range(4)],
        decision(None, None),
    ]
    report = routing_accuracy(iter(judged))
    assert {name: report[name] for name in ("decisions", "right", "accuracy")} == {
        "decisions": 100,
        "right": 95,
        "accuracy": 0.95,
    }
    assert report["interval"] == [round(bound, 4) for bound in wilson(95, 100)]
    assert report["wrong"] == {"user": 5, "escalated": 1}
    assert report["by_tier"]["1"]["accuracy"] == 0.95
    assert report["by_tier"]["2"]["right"] == 14
    assert report["by_level"]["complex"]["interval"][1] == 1.0
    assert list(report["by_tier"]) == ["1", "2", "3", "none"]
    assert sum(group["decisions"] for group in report["by_level"].values()) == 100


def test_without_decisions_nothing_is_claimed() -> None:
    """No share, and the whole range as interval."""
    assert routing_accuracy([]) == {
        "decisions": 0,
        "right": 0,
        "accuracy": None,
        "interval": [0.0, 1.0],
        "wrong": {},
        "by_tier": {},
        "by_level": {},
    }
