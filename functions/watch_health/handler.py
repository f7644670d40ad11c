"""WatchHealth: judges every model once a minute, and says which left its pools and which came back.

Whoever calls a model finds the verdict in the ledger: its breaker is open there.
"""

from __future__ import annotations

from typing import Any

from functions import parts
from rota.observability import count, logger
from rota.pool_health import Move, look

METRICS = {"model_left_pool": "ModelLeftPool", "model_came_back": "ModelCameBack"}


@logger.inject_lambda_context(clear_state=True)
def handle(_event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Any event will do. Answers what has changed, each change as the log line that tells of it."""
    moves = [_line(move) for move in look(parts.catalog(), parts.ledger())]
    for move in moves:
        logger.warning(move["event"].replace("_", " "), extra=move)
        count(METRICS[move["event"]])
    return {"moves": moves}


def _line(move: Move) -> dict[str, Any]:
    """`why` the model left; what its calls were like in the window, or since it left."""
    return {
        "event": move.event,
        "model": move.model,
        "why": move.why,
        "error_rate": round(move.verdict.error_rate, 4),
        "mean_latency_ms": move.verdict.mean_latency_ms,
        "calls": move.verdict.calls,
        "window_s": move.verdict.window_s,
    }
