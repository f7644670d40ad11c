"""How far a share or a mean measured on a few calls can be believed: 95 % intervals, without a statistics package.

Shares: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", J. Am. Stat. Assoc. 22
(1927) 209-212. Their differences: R. G. Newcombe, "Interval estimation for the difference between independent
proportions", Statist. Med. 17 (1998) 873-890, method 10. Both keep their promise for few calls and shares near 0 and 1.
"""

from __future__ import annotations

from math import sqrt

Z = 1.96
"""Standard errors to both sides that hold 95 % of a normal distribution."""

Interval = tuple[float, float]


def wilson(successes: int, n: int, z: float = Z) -> Interval:
    """The interval of a share of `n` tries; (0, 1) for none."""
    if n == 0:
        return 0.0, 1.0
    share, spread = successes / n, z * z / n
    middle = share + spread / 2
    half = z * sqrt(share * (1 - share) / n + spread / (4 * n))
    low, high = (middle - half) / (1 + spread), (middle + half) / (1 + spread)
    # Exact at the ends, where rounding would leave a trace.
    return (0.0 if successes == 0 else low), (1.0 if successes == n else high)


def newcombe(first: tuple[int, int], second: tuple[int, int], z: float = Z) -> Interval:
    """The interval of the difference first − second of two shares, each (successes, n); (-1, 1) when one has no try."""
    if not first[1] or not second[1]:
        return -1.0, 1.0
    p, q = first[0] / first[1], second[0] / second[1]
    (p_low, p_high), (q_low, q_high) = wilson(*first, z), wilson(*second, z)
    return p - q - sqrt((p - p_low) ** 2 + (q_high - q) ** 2), p - q + sqrt((p_high - p) ** 2 + (q - q_low) ** 2)


def normal(total: int, squares: int, n: int, z: float = Z) -> Interval | None:
    """The interval of a mean from a sum and a sum of squares, for large `n`; None for fewer than two."""
    if n < 2:
        return None
    # In whole numbers until the end: sums of squares are large, and their difference from the square of the sum small.
    variance = max(0, n * squares - total * total) / (n * (n - 1))
    half = z * sqrt(variance / n)
    return total / n - half, total / n + half
