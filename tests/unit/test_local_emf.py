"""Embedded metrics in log lines become datums, each once."""

from __future__ import annotations

import json
from typing import Any

from local.emf import MetricPump, metric_datums


def line(value: object = 3, timestamp: int = 1000) -> str:
    """A log line as Powertools writes it: one metric, with and without its model."""
    metrics = [{"Name": "Calls", "Unit": "Count"}]
    directive = {"Namespace": "Rota", "Dimensions": [["service"], ["service", "model"]], "Metrics": metrics}
    about = {"Timestamp": timestamp, "CloudWatchMetrics": [directive]}
    return json.dumps({"_aws": about, "service": "rota", "model": "nova", "Calls": value})


def test_one_datum_for_each_metric_and_dimension_set() -> None:
    """Seconds, not milliseconds; a list of values stays one."""
    datums = list(metric_datums(line([1.0, 2.0])))
    assert [namespace for namespace, _ in datums] == ["Rota", "Rota"]
    assert datums[1][1] == {
        "MetricName": "Calls",
        "Dimensions": [{"Name": "service", "Value": "rota"}, {"Name": "model", "Value": "nova"}],
        "Timestamp": 1.0,
        "Values": [1.0, 2.0],
        "Unit": "Count",
    }


def test_other_lines_are_nothing() -> None:
    """Plain text, other JSON, and what only looks like a metric."""
    for message in ("START RequestId", '{"level": "INFO"}', '"_aws"', '{"_aws": 3}', '{"_aws": {}'):
        assert list(metric_datums(message)) == []


class Logs:
    """Log groups with events, as the two calls of the pump see them; like the emulator it gives events no ids."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def describe_log_groups(self, **_: Any) -> dict[str, Any]:
        """One group."""
        return {"logGroups": [{"logGroupName": "/rota/local/x"}]}

    def get_paginator(self, _: str) -> Logs:
        """Itself."""
        return self

    def paginate(self, *, startTime: int, **_: Any) -> list[dict[str, Any]]:  # noqa: N803 - boto3's name
        """One page of what is not older."""
        return [{"events": [event for event in self.events if event["timestamp"] >= startTime]}]


class CloudWatch:
    """Keeps what was put."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def put_metric_data(self, *, MetricData: list[Any], **_: Any) -> None:  # noqa: N803 - boto3's name
        """Note the size."""
        self.sizes.append(len(MetricData))


def test_every_event_counts_once_also_when_it_comes_late_or_twice_alike() -> None:
    """Two equal lines of one moment are two; a line that arrives out of order within the overlap is not missed."""
    logs, cloudwatch = Logs(), CloudWatch()
    pump = MetricPump(logs, cloudwatch, "/rota/local/")  # type: ignore[arg-type]
    same = {"logStreamName": "a", "timestamp": 5000, "message": line()}
    logs.events = [same, dict(same)]
    assert pump.pump() == 4
    assert pump.pump() == 0
    logs.events.append({"logStreamName": "b", "timestamp": 4000, "message": line()})
    assert pump.pump() == 2
    assert pump.pump() == 0


def test_no_call_puts_more_than_cloudwatch_takes() -> None:
    """1,000 datums a call."""
    logs, cloudwatch = Logs(), CloudWatch()
    logs.events = [{"logStreamName": "a", "timestamp": 1, "message": line()}] * 600
    assert MetricPump(logs, cloudwatch, "/").pump() == 1200  # type: ignore[arg-type]
    assert cloudwatch.sizes == [1000, 200]
