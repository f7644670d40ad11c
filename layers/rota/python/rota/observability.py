"""Logger and metrics, built once per process; the one line per model call from which everything else is derived."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

if TYPE_CHECKING:  # functions that call no model do not pay for importing what does
    from rota.calls import CallRecord

NAMESPACE = "Rota"
NANO = 1_000_000_000
logger = Logger()


def log_model_call(record: CallRecord, *, job: str, user: str, feature: str, query_type: str) -> None:
    """Write the `model_call` line and its metrics. Carries ids and numbers, never text of documents or answers."""
    logger.info(
        "model call",
        extra={
            "event": "model_call",
            "job": job,
            "user": user,
            "feature": feature,
            "query_type": query_type,
            "task": record.task,
            "tier": record.tier,
            "rule": record.rule,
            "model": record.model,
            "provider": record.provider,
            "outcome": record.outcome,
            "fallback_from": record.fallback_from,
            "attempts": record.attempts,
            "input_tokens": record.usage.input_tokens + record.usage.cached_tokens,
            "output_tokens": record.usage.output_tokens,
            "booked_tokens": record.booked_tokens,
            "wait_ms": record.wait_ms,
            "latency_ms": record.latency_ms,
            "cost_usd": record.cost_nanousd / NANO,
            "settled": record.settled,
        },
    )
    _count_call(record)


def count(name: str) -> None:
    """Add one to a metric without dimensions, such as `JobsFinished`."""
    metrics = EphemeralMetrics(namespace=NAMESPACE)
    metrics.add_metric(name, MetricUnit.Count, 1)
    metrics.flush_metrics()


def _count_call(record: CallRecord) -> None:
    metrics = EphemeralMetrics(namespace=NAMESPACE)
    metrics.add_dimension("model", record.model)
    ok = record.outcome == "ok"
    counts = {
        "Calls": 1,
        "InputTokens": record.usage.input_tokens + record.usage.cached_tokens,
        "OutputTokens": record.usage.output_tokens,
        "BookedTokens": record.booked_tokens,
        "UsedTokens": record.usage.total_tokens,
        "Refusals": int(record.outcome == "rate_limited"),
        "Fallbacks": int(ok and record.fallback_from is not None),
        "Failures": int(not ok),
        "CostUsd": record.cost_nanousd / NANO,
    }
    for name, value in counts.items():
        metrics.add_metric(name, MetricUnit.Count, value)
    metrics.add_metric("WaitMs", MetricUnit.Milliseconds, record.wait_ms)
    if ok:
        metrics.add_metric("LatencyMs", MetricUnit.Milliseconds, record.latency_ms)
    metrics.flush_metrics()
