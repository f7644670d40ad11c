"""How often routing was right: decisions that nothing and nobody found wrong afterwards, as a share with its interval.

Wrong is a decision whose output had to be asked for again one tier up (`escalated` in the record or among its
feedback), or that was rated bad, whoever said so: the user, a question put again, words of frustration. It is an upper
bound: a user who says nothing counts as satisfied.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from rota.outcomes.intervals import wilson


def routing_accuracy(decisions: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Of decisions as `OutcomeStore.export` yields them: in all, by `tier`, by `level`, and what was wrong how often.

    Each group is {"decisions", "right", "accuracy", "interval"}: the share (None without decisions) and its 95 %
    interval. A decision may be wrong for several reasons.
    """
    groups: dict[str, Counter[str]] = {"all": Counter(), "tier": Counter(), "level": Counter()}
    right: dict[str, Counter[str]] = {name: Counter() for name in groups}
    reasons: Counter[str] = Counter()
    for decision in decisions:
        wrong = faults(decision)
        reasons.update(wrong)
        for name, seen in groups.items():
            label = str(decision.get(name) or "none") if name != "all" else name
            seen[label] += 1
            right[name][label] += not wrong
    shares = {name: _shares(groups[name], right[name]) for name in groups}
    total = shares["all"].get("all") or _share(0, 0)
    return {**total, "wrong": dict(reasons), "by_tier": shares["tier"], "by_level": shares["level"]}


def faults(decision: Mapping[str, Any]) -> set[str]:
    """What speaks against a decision: sources of bad ratings, and `escalated`."""
    bad = {source for source, rating in decision.get("feedback", {}).items() if rating == "bad"}
    return bad | ({"escalated"} if decision.get("escalated") else set())


def _shares(seen: Mapping[str, int], right: Mapping[str, int]) -> dict[str, dict[str, Any]]:
    return {label: _share(right[label], seen[label]) for label in sorted(seen)}


def _share(right: int, n: int) -> dict[str, Any]:
    return {
        "decisions": n,
        "right": right,
        "accuracy": round(right / n, 4) if n else None,
        "interval": [round(bound, 4) for bound in wilson(right, n)],
    }
