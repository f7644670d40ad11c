"""Turns metrics in log lines (embedded metric format) into CloudWatch metrics, which AWS does by itself.

    python -m local.emf --endpoint http://127.0.0.1:4566 --log-groups /rota/local/

Ends by itself when the endpoint does not answer for a while.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, HTTPClientError

from local.aws import local_session

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch.client import CloudWatchClient
    from mypy_boto3_logs.client import CloudWatchLogsClient
    from mypy_boto3_logs.type_defs import FilteredLogEventTypeDef

Identity = tuple[str, int, int]

POLL_S = 2.0
GIVE_UP_AFTER = 15
DATUMS_A_CALL = 1000
"""What PutMetricData takes."""
OVERLAP_MS = 2000
"""Lines of functions that end together may arrive out of order."""


def main(argv: Sequence[str] | None = None) -> None:
    """Poll until the emulator is gone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--log-groups", required=True, help="prefix of the log groups' names")
    options = parser.parse_args(argv)
    session = local_session()
    pump = MetricPump(
        session.client("logs", endpoint_url=options.endpoint),
        session.client("cloudwatch", endpoint_url=options.endpoint),
        options.log_groups,
    )
    failures = 0
    while failures < GIVE_UP_AFTER:
        try:
            pump.pump()
            failures = 0
        except (ClientError, HTTPClientError, OSError):
            failures += 1
        time.sleep(POLL_S)


class MetricPump:
    """Reads each log group from where it stopped last and puts the metrics it finds."""

    def __init__(self, logs: CloudWatchLogsClient, cloudwatch: CloudWatchClient, prefix: str) -> None:
        self._logs = logs
        self._cloudwatch = cloudwatch
        self._prefix = prefix
        self._from_ms: dict[str, int] = {}
        self._seen: dict[str, set[Identity]] = {}

    def pump(self) -> int:
        """One round; returns how many datums it put."""
        datums: dict[str, list[dict[str, Any]]] = {}
        for group in self._logs.describe_log_groups(logGroupNamePrefix=self._prefix)["logGroups"]:
            for message in self._new_messages(group["logGroupName"]):
                for namespace, datum in metric_datums(message):
                    datums.setdefault(namespace, []).append(datum)
        for namespace, values in datums.items():
            for start in range(0, len(values), DATUMS_A_CALL):
                batch: Any = values[start : start + DATUMS_A_CALL]
                self._cloudwatch.put_metric_data(Namespace=namespace, MetricData=batch)
        return sum(map(len, datums.values()))

    def _new_messages(self, group: str) -> Iterator[str]:
        """Events since shortly before the newest one of the last round, without those of the last round."""
        start, seen = self._from_ms.get(group, 0), self._seen.get(group, set())
        pages = self._logs.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=start)
        events = {identity: event for page in pages for identity, event in _identified(page["events"])}
        newest = max((event["timestamp"] for event in events.values()), default=0)
        self._from_ms[group] = max(start, newest - OVERLAP_MS)
        self._seen[group] = {key for key, event in events.items() if event["timestamp"] >= self._from_ms[group]}
        yield from (event["message"] for key, event in events.items() if key not in seen)


def _identified(events: Sequence[FilteredLogEventTypeDef]) -> Iterator[tuple[Identity, FilteredLogEventTypeDef]]:
    """The emulator gives events no ids: this one is its place among those of its stream and millisecond."""
    places: Counter[tuple[str, int]] = Counter()
    for event in events:
        place = event["logStreamName"], event["timestamp"]
        places[place] += 1
        yield (*place, places[place]), event


def metric_datums(message: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """(namespace, datum) for every metric and dimension set of a log line; nothing for any other line."""
    if '"_aws"' not in message:
        return
    try:
        line = json.loads(message)
        directives = line["_aws"]["CloudWatchMetrics"]
    except (ValueError, KeyError, TypeError):
        return
    for directive in directives:
        for dimensions in directive.get("Dimensions") or [[]]:
            named = [{"Name": name, "Value": str(line[name])} for name in dimensions]
            for metric in directive["Metrics"]:
                values = line[metric["Name"]]
                yield (
                    directive["Namespace"],
                    {
                        "MetricName": metric["Name"],
                        "Dimensions": named,
                        "Timestamp": line["_aws"]["Timestamp"] / 1000,
                        "Values": values if isinstance(values, list) else [values],
                        "Unit": metric.get("Unit", "None"),
                    },
                )


if __name__ == "__main__":
    main()
