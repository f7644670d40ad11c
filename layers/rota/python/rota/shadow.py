"""A candidate beside the model that answered: what is asked of it, and the line that compares the two.

answered ──► CallWatcher.shadow ──► ShadowEvent ──► one call, from spare quota only ──► comparison, logged
"""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict

from rota.accounts import Account
from rota.calls import CallRecord
from rota.chat_output import schema_check
from rota.errors import InvalidOutputError
from rota.money import usd
from rota.policy import Task
from rota.providers.base import ModelCall
from rota.quality.similarity import similarity
from rota.routing.request import ModelRequest, Stakes
from rota.schemas import Strict

USER, FEATURE = "rota", "shadow"
"""Whom shadows are charged to: budgets and counters know them by these names."""
MAX_WAIT_MS = 1_000
"""What cannot start within this time has no spare quota."""


class Primary(Strict):
    """The answer that was given. Its text is compared with the candidate's, and goes nowhere else."""

    model: str
    text: str
    latency_ms: int
    output_tokens: int
    cost_nanousd: int


class ShadowEvent(Strict):
    """A call that `primary` has answered, and the `model` that is to answer it too."""

    model_config = ConfigDict(hide_input_in_errors=True)  # an error goes into the log, and texts must not

    decision: str
    model: str
    task: Task
    input_tokens: int
    call: ModelCall
    primary: Primary

    @property
    def request(self) -> ModelRequest:
        """The candidate or nothing, now or never."""
        return ModelRequest(
            task=self.task,
            pool="",
            model=self.model,
            input_tokens=self.input_tokens,
            max_output_tokens=self.call.max_output_tokens,
            priority="interactive",  # who is bulk may be cut short, and takes a place in the queue
            stakes=Stakes(user=USER, feature=FEATURE),
            max_wait_ms=MAX_WAIT_MS,
        )


def is_spare(account: Account, now_ms: int) -> bool:
    """Whether nobody waits for this model's quota: room that opens meanwhile is for those who queue."""
    return account.tail_ms <= now_ms


def comparison(asked: ShadowEvent, record: CallRecord | None, text: str | None) -> dict[str, Any]:
    """The `shadow_call` line: ids and numbers, never text. `record` is None when the candidate was not called.

    `outcome` is `ok`, `skipped` or the error's code; what there is nothing to say of is None, so that means are taken
    over calls. `valid` says whether the answer conforms to the schema that was asked for.
    """
    primary = asked.primary
    return {
        "event": "shadow_call",
        "decision": asked.decision,
        "task": asked.task,
        "candidate": asked.model,
        "primary": primary.model,
        "outcome": record.outcome if record else "skipped",
        "latency_ms": record.latency_ms if record else None,
        "primary_latency_ms": primary.latency_ms,
        "cost_usd": usd(record.cost_nanousd) if record else None,
        "primary_cost_usd": usd(primary.cost_nanousd),
        "output_tokens": record.usage.output_tokens if record else None,
        "primary_output_tokens": primary.output_tokens,
        "valid": None if text is None else _valid(asked, text),
        "similarity": None if text is None else round(similarity(text, primary.text), 4),
    }


def _valid(asked: ShadowEvent, text: str) -> bool | None:
    if asked.call.json_schema is None:
        return None
    try:
        schema_check(asked.call.json_schema)(text)
    except InvalidOutputError:
        return False
    return True
