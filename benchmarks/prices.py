"""AWS list prices (us-east-1, November 2026) of what a job uses beside its models, and the sums made of them."""

from __future__ import annotations

from collections.abc import Mapping

MILLION = 1_000_000

UNIT_USD: Mapping[str, float] = {
    "transitions": 25 / MILLION,
    "lambda GB-s": 0.0000133334,
    "lambda requests": 0.20 / MILLION,
    "dynamodb write units": 0.625 / MILLION,
    "dynamodb read units": 0.125 / MILLION,
    "s3 puts and lists": 5 / MILLION,
    "s3 gets": 0.40 / MILLION,
    "log GB": 0.50,
}
"""Dollars per unit: Step Functions Standard, Lambda on arm64, DynamoDB on demand, S3 standard, CloudWatch Logs."""

METRIC_MONTH_USD = 0.30
"""A custom metric (one name with one set of dimensions) for a month."""


def usd(units: Mapping[str, float]) -> dict[str, float]:
    """Dollars by kind of unit; KeyError for a unit without a price."""
    return {kind: amount * UNIT_USD[kind] for kind, amount in units.items()}
