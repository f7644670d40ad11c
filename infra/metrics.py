"""The metrics that functions write, as CDK sees them: namespace `Rota`, by model, or for all of Rota."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

NAMESPACE = "Rota"
EVERYTHING = {"service": "rota"}

MINUTE, HOUR = Duration.minutes(1), Duration.hours(1)


def of_model(name: str, model: str, statistic: str = "Sum", period: Duration = MINUTE) -> cloudwatch.Metric:
    """A metric of one model (its id in rota.yaml)."""
    return _metric(name, {**EVERYTHING, "model": model}, statistic, period)


def of_rota(name: str, period: Duration = MINUTE) -> cloudwatch.Metric:
    """A metric of everything: jobs, exhausted pools."""
    return _metric(name, EVERYTHING, "Sum", period)


def _metric(name: str, dimensions: Mapping[str, str], statistic: str, period: Duration) -> cloudwatch.Metric:
    """Without a label: an alarm on a labelled metric becomes metric math, which the emulator refuses."""
    return cloudwatch.Metric(
        namespace=NAMESPACE, metric_name=name, dimensions_map=dimensions, statistic=statistic, period=period
    )
