"""ShadowCall: a candidate answers a call too, once, from spare quota; nobody sees its answer, and the log compares."""

from __future__ import annotations

from typing import Any

from functions import parts
from functions.call_watcher import CallWatcher
from rota.observability import logger
from rota.shadow import FEATURE, USER, ShadowEvent, comparison, is_spare


@logger.inject_lambda_context(clear_state=True)
def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Take what `CallWatcher.shadow` hands over. Answers the line that was logged."""
    asked = ShadowEvent.model_validate(event)
    watcher = CallWatcher(USER, FEATURE, asked.decision, keep_under="")
    text = _answer(asked, watcher, context) if _is_spare(asked) else None
    line = comparison(asked, watcher.records[-1] if watcher.records else None, text)
    logger.info("shadow call", extra=line)
    return line


def _is_spare(asked: ShadowEvent) -> bool:
    ledger = parts.ledger()
    return is_spare(ledger.account(asked.model), ledger.clock.now_ms())


def _answer(asked: ShadowEvent, watcher: CallWatcher, context: Any) -> str | None:
    """The candidate's text, whatever it is worth; None when it was not called, or failed."""

    def remaining_ms() -> int:
        return 0 if watcher.records else context.get_remaining_time_in_millis()  # refused once is enough

    return parts.gateway(watcher).aside(asked.request, asked.call, str, remaining_ms)
