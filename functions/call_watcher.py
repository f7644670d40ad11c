"""What is done about every model call: a log line and metrics, counters, poor outputs kept, shadows handed over."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from threading import Thread
from typing import TYPE_CHECKING, Any

from functions import parts
from rota.errors import NotFoundError, RateLimitedError
from rota.job_item import model_counters
from rota.ledger_table import TROUBLE, code
from rota.observability import log_model_call, logger
from rota.outcomes.experiments import one_call
from rota.outcomes.usage import UsageKey, UsageTotals
from rota.storage import Bucket

if TYPE_CHECKING:
    from rota.calls import CallRecord, Errand, Finished
    from rota.providers.base import Completion

MOST_HANDED_OVER = 200_000
"""Bytes of a shadow's event: Lambda takes 256 KB when it need not answer."""


@dataclass(slots=True)
class CallWatcher:
    """One request's calls. `decision_id` names the decision in logs and for feedback; `job_id` is None outside jobs.

    `keep_under` is where in the documents bucket poor outputs go.
    """

    user: str
    feature: str
    decision_id: str
    keep_under: str
    job_id: str | None = None
    records: list[CallRecord] = field(default_factory=list)
    _handing_over: list[Thread] = field(default_factory=list)

    def called(self, record: CallRecord) -> None:
        """Count it everywhere. The call is paid for: a counter that cannot be written is told, and no failure."""
        self.records.append(record)
        log_model_call(record, job=self.job_id, decision_id=self.decision_id, user=self.user, feature=self.feature)
        try:
            self._count(record)
        except (NotFoundError, *TROUBLE) as error:
            told = {"event": "call_not_counted", "job": self.job_id, "error": type(error).__name__}
            logger.warning("call not counted", extra=told)

    def decided(self, finished: Finished[Any]) -> None:
        """Store the decision and how it went, so that what is thought of the answer can be put beside it."""
        record = finished.record
        decision = {
            "id": self.decision_id,
            "owner": self.user,
            "feature": self.feature,
            "job": self.job_id,
            "task": record.task,
            **record.decision.as_dict(),
            "model": record.model,
            "model_tier": record.tier,
            "fallback": record.fallback_from is not None,
            "escalated": record.escalated_from is not None,
            "cost_nanousd": sum(each.cost_nanousd for each in self.records),
            "latency_ms": record.latency_ms,
            "wait_ms": record.wait_ms,
            "input_tokens": record.usage.input_tokens + record.usage.cached_tokens,
            "output_tokens": record.usage.output_tokens,
        }
        try:
            parts.outcomes().record(decision)
        except TROUBLE as error:
            told = {"event": "decision_not_stored", "decision": self.decision_id, "error": type(error).__name__}
            logger.warning("decision not stored", extra=told)

    def kept(self, record: CallRecord, text: str) -> None:
        """Keep an output that was not good enough beside the others of its request."""
        key = f"{self.keep_under}{self.decision_id}-{record.attempts}.json"
        body = {"decision": self.decision_id, "model": record.model, "outcome": record.outcome, "text": text}
        Bucket(parts.s3(), parts.settings().documents_bucket).write_json(key, body)

    def shadow(self, model: str, errand: Errand[Any], record: CallRecord, completion: Completion) -> None:
        """Hand the call over to ShadowCall, beside whatever is done next."""
        event = {
            "decision": self.decision_id,
            "model": model,
            "task": errand.request.task,
            "input_tokens": errand.request.input_tokens,
            "call": {**asdict(errand.call), "history": [asdict(turn) for turn in errand.call.history]},
            "primary": {
                "model": record.model,
                "text": completion.text,
                "latency_ms": record.latency_ms,
                "output_tokens": record.usage.output_tokens,
                "cost_nanousd": record.cost_nanousd,
            },
        }
        payload = json.dumps(event).encode()
        if len(payload) > MOST_HANDED_OVER:
            logger.info("too large for a shadow", extra={"event": "shadow_skipped", "model": model, "why": "too large"})
            return
        thread = Thread(target=_hand_over, args=(payload, model))
        thread.start()
        self._handing_over.append(thread)

    def finish(self) -> None:
        """Wait for what was begun beside: an invocation that ends would stop it."""
        for thread in self._handing_over:
            thread.join()

    def _count(self, record: CallRecord) -> None:
        now_ms, ok = parts.ledger().clock.now_ms(), record.outcome == "ok"
        input_tokens = record.usage.input_tokens + record.usage.cached_tokens
        counted = UsageTotals(
            calls=1,
            input_tokens=input_tokens,
            output_tokens=record.usage.output_tokens,
            cost_nanousd=record.cost_nanousd,
            latency_ms=record.latency_ms,
            fallbacks=int(ok and record.fallback_from is not None),
            failures=int(not ok),
            escalations=int(ok and record.escalated_from is not None),
        )
        parts.usage_counters().add(UsageKey(self.user, self.feature, record.task, record.model), counted, now_ms)
        if record.decision.experiment:
            name, _, arm = record.decision.experiment.partition(":")
            outcome = one_call(
                ok=ok, fallback=bool(counted.fallbacks), cost_nanousd=record.cost_nanousd, latency_ms=record.latency_ms
            )
            parts.experiment_results().add(name, arm, outcome, now_ms)
        if self.job_id:
            self._count_for_job(record, self.job_id, input_tokens)

    def _count_for_job(self, record: CallRecord, job_id: str, input_tokens: int) -> None:
        refused = int(record.outcome == RateLimitedError.code)
        counted = model_counters(
            record.model,
            calls=1,
            tokens=record.usage.total_tokens,
            cost_nanousd=record.cost_nanousd,
            refusals=refused,
        )
        parts.jobs().add(
            job_id,
            counted,
            calls=1,
            input_tokens=input_tokens,
            output_tokens=record.usage.output_tokens,
            cost_nanousd=record.cost_nanousd,
            wait_ms=record.wait_ms,
            refusals=refused,
            fallbacks=int(record.outcome == "ok" and record.fallback_from is not None),
        )


def _hand_over(payload: bytes, model: str) -> None:
    try:
        parts.lambda_client().invoke(
            FunctionName=parts.settings().shadow_function, InvocationType="Event", Payload=payload
        )
    except TROUBLE as error:
        told = {"event": "shadow_skipped", "model": model, "why": code(error) or type(error).__name__}
        logger.warning("shadow not handed over", extra=told)
