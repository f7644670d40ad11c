"""RefreshPool: asks every vendor what it allows now, and writes what has changed into the ledger.

Runs on a schedule, and by hand as `rota models sync`. A vendor that cannot be asked does not keep the others from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from functions import parts
from functions.refresh_pool.vendors import look
from rota.catalog import Model
from rota.discovery import Finding, changes
from rota.ledger_notices import Notices
from rota.observability import count, logger


@logger.inject_lambda_context(clear_state=True)
def handle(_event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Any event will do. Answers every quota (see `rota.discovery.Finding`) and the providers that gave no answer."""
    found: list[Finding] = []
    failed: dict[str, str] = {}
    for name in parts.catalog().providers:
        try:
            for model, findings in look(name, context.get_remaining_time_in_millis):
                _adopt(model, findings)
                found += findings
        except Exception as error:  # noqa: BLE001 - whatever ails this vendor, the next one is asked
            failed[name] = f"{type(error).__name__}: {error}"
            logger.exception("provider not asked", extra={"event": "quotas_unread", "provider": name})
    if failed:
        count("RefreshFailed")
    return {"quotas": [finding.as_dict() for finding in found], "failed": failed}


def _adopt(model: Model, findings: list[Finding]) -> None:
    """Write the model's changed quotas in one request, and say so."""
    if all(finding.found is None for finding in findings):
        why = sorted({str(finding.why) for finding in findings})
        logger.warning("quota unknown", extra={"event": "quota_unknown", "model": model.id, "why": why})
    changed = changes(findings)
    if not changed:
        return
    if not Notices(parts.ledger()).found(model.id, changed):
        logger.warning("quota not written", extra={"event": "quota_unwritten", "model": model.id, "found": changed})
        return
    for line in _lines(findings):
        logger.info("quota changed", extra=line)


def _lines(findings: list[Finding]) -> Iterator[dict[str, Any]]:
    for finding in findings:
        if finding.changed:
            yield {
                "event": "quota_changed",
                "model": finding.model,
                "kind": finding.kind,
                "from": finding.before,
                "to": finding.found,
                "ceiling": finding.ceiling,
                "standing": finding.standing,
                "source": finding.source,
            }
