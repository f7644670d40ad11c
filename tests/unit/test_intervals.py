"""Intervals agree with the tables of the papers they are taken from."""

from __future__ import annotations

import pytest

from rota.outcomes.intervals import Interval, newcombe, normal, wilson

# R. G. Newcombe, "Two-sided confidence intervals for the single proportion", Statist. Med. 17 (1998) 857, method 3.
SHARES = {(81, 263): (0.2553, 0.3662), (15, 148): (0.0624, 0.1605), (0, 20): (0.0, 0.1611), (1, 29): (0.0061, 0.1718)}
# The same, "Interval estimation for the difference between independent proportions", p. 873, method 10.
DIFFERENCES = {
    ((56, 70), (48, 80)): (0.0524, 0.3339),
    ((9, 10), (3, 10)): (0.1705, 0.8090),
    ((6, 7), (2, 7)): (0.0582, 0.8062),
    ((5, 56), (0, 29)): (-0.0381, 0.1926),
    ((0, 10), (0, 20)): (-0.1611, 0.2775),
    ((0, 10), (0, 10)): (-0.2775, 0.2775),
    ((10, 10), (0, 20)): (0.6791, 1.0),
    ((10, 10), (0, 10)): (0.6075, 1.0),
}


@pytest.mark.parametrize(("counts", "expected"), SHARES.items())
def test_a_shares_interval_is_wilsons(counts: tuple[int, int], expected: Interval) -> None:
    """To the four digits that are printed."""
    assert wilson(*counts) == pytest.approx(expected, abs=6e-5)


@pytest.mark.parametrize(("counts", "expected"), DIFFERENCES.items())
def test_a_differences_interval_is_newcombes(
    counts: tuple[tuple[int, int], tuple[int, int]], expected: Interval
) -> None:
    """To the four digits that are printed; turned round it is the same with the other sign."""
    assert newcombe(*counts) == pytest.approx(expected, abs=6e-5)
    low, high = newcombe(counts[1], counts[0])
    assert (-high, -low) == pytest.approx(expected, abs=6e-5)


def test_nothing_is_known_without_tries() -> None:
    """The whole range, and no mean."""
    assert wilson(0, 0) == (0.0, 1.0)
    assert newcombe((0, 0), (3, 4)) == newcombe((3, 4), (0, 0)) == (-1.0, 1.0)
    assert normal(0, 0, 0) is None
    assert normal(5, 25, 1) is None


def test_an_interval_stays_within_the_possible() -> None:
    """At both ends and for every count; the share lies in it."""
    for n in range(1, 40):
        for successes in range(n + 1):
            low, high = wilson(successes, n)
            assert 0 <= low <= successes / n <= high <= 1


def test_a_means_interval_is_the_normal_one() -> None:
    """Mean 2, sample variance 1, three values: half a width of 1.96 / √3."""
    assert normal(6, 14, 3) == pytest.approx((2 - 1.96 / 3**0.5, 2 + 1.96 / 3**0.5))


def test_equal_values_have_no_width_however_large() -> None:
    """Nanodollars squared cancel to nothing exactly, where floating point would leave millions."""
    value, n = 9_999_999_999, 10**7
    assert normal(value * n, value**2 * n, n) == (value, value)
