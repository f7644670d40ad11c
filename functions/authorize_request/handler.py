"""AuthorizeRequest: who holds this bearer key? Anything but a known, valid key is denied.

A missing header never gets here (the gateway answers 401); a denial is its 403. A fault of the table is raised, which
the gateway answers with 500 and does not remember, as it would a denial.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import boto3

from rota.keys import KeyStore, bearer_of, is_owner
from rota.observability import logger
from rota.settings import Settings


@cache
def keys() -> KeyStore:
    """The keys table of this stack."""
    return KeyStore(boto3.client("dynamodb"), Settings.from_env().keys_table)


@logger.inject_lambda_context(correlation_id_path="requestContext.requestId", clear_state=True)
def handle(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Answer in the simple form of HTTP APIs; `context` of the answer reaches ServeApi, all of it text.

    `budget_usd` is empty for a key without a budget.
    """
    text = bearer_of((event.get("headers") or {}).get("authorization"))
    key = keys().find(text) if text else None
    if key is None or not is_owner(key.owner):
        logger.info("denied", extra={"event": "request_denied", "well_formed": text is not None})
        return {"isAuthorized": False}
    budget_usd = "" if key.budget_usd is None else str(key.budget_usd)
    context = {"owner": key.owner, "key_id": key.key_id, "tier": key.tier, "budget_usd": budget_usd}
    return {"isAuthorized": True, "context": context}
