"""Means with bootstrap intervals."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

RESAMPLES = 4000


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean, and between what bounds it lies with 95 % confidence."""

    mean: float
    low: float
    high: float


def interval(values: Sequence[float], seed: int = 1) -> Interval:
    """By the percentiles of RESAMPLES resamples (Efron 1979); raises ValueError without values."""
    if not values:
        raise ValueError("no values to take the mean of")
    drawn, size = random.Random(seed), len(values)
    means = sorted(sum(drawn.choices(values, k=size)) / size for _ in range(RESAMPLES))
    return Interval(sum(values) / size, means[int(RESAMPLES * 0.025)], means[int(RESAMPLES * 0.975)])


def paired(ours: Sequence[float], theirs: Sequence[float]) -> Interval:
    """Our values minus theirs on the same tasks; raises ValueError when their numbers differ."""
    return interval([one - other for one, other in zip(ours, theirs, strict=True)])
