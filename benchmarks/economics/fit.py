"""Fits the weights of `rota.routing.complexity` to the labelled requests of development.jsonl, and checks by halves.

Run: python -m benchmarks.economics.fit

Proportional odds, by gradient descent: P(simple) = σ(k (0.3 − score)) and P(simple or medium) = σ(k (0.7 − score)) with
score = Σ weight × signal. The check fits on one half of the requests and judges the other, both ways, for five
divisions.
"""

from __future__ import annotations

import json
import math
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rota.policy import Level, Thresholds
from rota.routing.complexity import WEIGHTS, Complexity, graded, score, signals

LEVELS: tuple[Level, ...] = ("simple", "medium", "complex")
COUNTS = {"simple": 1.4, "medium": 1.0, "complex": 1.5}
"""Simple requests are rarer in the set than in traffic; complex ones cost most where they go wrong."""
SEED_SIGNALS = ("length", "reasoning", "code", "steps")
LEAST = 0.1
"""The least weight of the seed's signals, wanted or not."""
ROUNDS, RATE, RIDGE, START = 400, 2.0, 0.001, 6.0
DIVISIONS = 5
DEVELOPMENT = Path(__file__).with_name("development.jsonl")
THRESHOLDS = Thresholds()


@dataclass(frozen=True, slots=True)
class Row:
    """A request's signals and the level that it was labelled."""

    signals: Mapping[str, float]
    level: Level


def main() -> None:
    """Print the weights and the check."""
    lines = DEVELOPMENT.read_text("utf-8").splitlines()
    rows = [Row(signals(item["text"]), item["difficulty"]) for item in map(json.loads, lines)]
    print(f"{'':<11}{'fitted':>8}{'in code':>9}")
    for name, weight in fitted(rows).items():
        print(f"{name:<11}{weight:>8.2f}{WEIGHTS[name]:>9.2f}")
    judged = [each for seed in range(DIVISIONS) for each in _by_halves(rows, random.Random(seed))]
    right = sum(row.level == found.level for row, found in judged)
    low, high = THRESHOLDS.unsure
    unsure = [row.level == found.level for row, found in judged if low <= found.confidence <= high]
    print(
        f"\nby halves: {100 * right / len(judged):.1f} % right; {100 * len(unsure) / len(judged):.1f} % unsure,",
        end=" ",
    )
    print(
        f"of those {100 * sum(unsure) / len(unsure):.0f} % right\n\n{'labelled':<10}"
        + "".join(f"{level:>9}" for level in LEVELS)
    )
    table = Counter((row.level, found.level) for row, found in judged)
    for level in LEVELS:
        print(f"{level:<10}" + "".join(f"{table[level, found] / DIVISIONS:>9.1f}" for found in LEVELS))


def fitted(rows: Sequence[Row]) -> dict[str, float]:
    """The weights that make the labels likeliest, each as k × weight while it is looked for."""
    k, slopes = START, {name: START * weight for name, weight in WEIGHTS.items()}
    total = sum(COUNTS[row.level] for row in rows)
    for _ in range(ROUNDS):
        downhill, shrink = {name: RIDGE * slope for name, slope in slopes.items()}, 0.0
        for row in rows:
            by_slope, by_k = _gradient(sum(slopes[name] * value for name, value in row.signals.items()), k, row.level)
            share = COUNTS[row.level] / total
            shrink += share * by_k
            for name, value in row.signals.items():
                downhill[name] += share * by_slope * value
        k -= RATE * shrink
        slopes = {name: slope - RATE * downhill[name] for name, slope in slopes.items()}
        slopes |= {name: max(slopes[name], LEAST * k) for name in SEED_SIGNALS}
    return {name: round(slope / k, 2) for name, slope in slopes.items()}


def _gradient(at: float, k: float, level: Level) -> tuple[float, float]:
    """Of −log P(level), by k × score (which is `at`) and by k."""
    cuts = (0.0, THRESHOLDS.simple_below, THRESHOLDS.complex_from, 0.0)
    up_to = (0.0, *(1 / (1 + math.exp(at - k * cut)) for cut in cuts[1:3]), 1.0)
    slope = [share * (1 - share) for share in up_to]
    i = LEVELS.index(level)
    likely = max(up_to[i + 1] - up_to[i], 1e-9)
    return (slope[i + 1] - slope[i]) / likely, (slope[i] * cuts[i] - slope[i + 1] * cuts[i + 1]) / likely


def _by_halves(rows: Sequence[Row], chance: random.Random) -> list[tuple[Row, Complexity]]:
    halves: tuple[list[Row], list[Row]] = ([], [])
    for level in LEVELS:
        of_level = [row for row in rows if row.level == level]
        chance.shuffle(of_level)
        halves[0].extend(of_level[::2])
        halves[1].extend(of_level[1::2])
    return [
        (row, graded(score(row.signals, weights), THRESHOLDS, row.signals))
        for half, other in (halves, halves[::-1])
        for weights in (fitted(other),)
        for row in half
    ]


if __name__ == "__main__":
    main()
