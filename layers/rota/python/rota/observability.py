"""Logger and metrics, built once per process; the one line per model call from which everything else is derived."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from rota.money import usd

if TYPE_CHECKING:  # functions that call no model do not pay for importing what does
    from rota.calls import CallRecord
    from rota.routing.decision import Decision

NAMESPACE = "Rota"
logger = Logger()


def log_model_call(record: CallRecord, *, job: str | None, decision_id: str, user: str, feature: str) -> None:
    """Write the `model_call` line and its metrics. Carries ids and numbers, never text of documents or answers."""
    logger.info(
        "model call",
        extra={
            "event": "model_call",
            "job": job,
            "user": user,
            "feature": feature,
            "query_type": record.task,
            "decision": decision_id,
            "task": record.task,
            "tier": record.tier,
            **_routing(record.decision),
            "model": record.model,
            "provider": record.provider,
            "outcome": record.outcome,
            **({"answered": 1} if record.outcome == "ok" else {}),  # Insights counts what is there
            "fallback_from": record.fallback_from,
            "escalated_from": record.escalated_from,
            "repaired": record.repaired,
            "attempts": record.attempts,
            "input_tokens": record.usage.input_tokens + record.usage.cached_tokens,
            "output_tokens": record.usage.output_tokens,
            "booked_tokens": record.booked_tokens,
            "wait_ms": record.wait_ms,
            "latency_ms": record.latency_ms,
            "cost_usd": usd(record.cost_nanousd),
            "settled": record.settled,
        },
    )
    _count_call(record)


def _routing(decision: Decision) -> dict[str, Any]:
    """Why this model: what decided, where that led, how demanding the request was found."""
    complexity = decision.complexity
    return {
        "rule": decision.rule,
        "target": decision.target,
        "aimed_tier": decision.tier,
        "complexity": complexity.level if complexity else None,  # `level` is the logger's own
        "score": complexity.score if complexity else None,
        "confidence": complexity.confidence if complexity else None,
        "experiment": decision.experiment,
        "promoted": decision.promoted,
    }


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
        "Escalations": int(ok and record.escalated_from is not None),
        "Failures": int(not ok),
        "CostUsd": usd(record.cost_nanousd),
    }
    for name, value in counts.items():
        metrics.add_metric(name, MetricUnit.Count, value)
    metrics.add_metric("WaitMs", MetricUnit.Milliseconds, record.wait_ms)
    if ok:
        metrics.add_metric("LatencyMs", MetricUnit.Milliseconds, record.latency_ms)
    metrics.flush_metrics()
