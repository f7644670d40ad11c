"""ServeApi: everything below /v1/, behind the authorizer. Whatever happens, the reply is JSON in one shape."""

from __future__ import annotations

from typing import Any

from functions.serve_api.problems import problem_of, report
from functions.serve_api.requests import check_transport
from functions.serve_api.routes import app
from rota.observability import logger


@logger.inject_lambda_context(correlation_id_path="requestContext.requestId", clear_state=True)
def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Take an HTTP API event (payload 2.0); answer its response. Never raises: a raised error would leak."""
    try:
        check_transport(event)
        return app.resolve(event, context)
    except Exception as error:  # noqa: BLE001 - the last resort; the error is reported without its text
        report(error)
        return problem_of(error).as_reply((event.get("requestContext") or {}).get("requestId", ""))
