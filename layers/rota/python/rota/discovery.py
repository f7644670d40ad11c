"""What a vendor was found to allow, beside what rota.yaml says and what the ledger holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from rota.accounts import Account
from rota.catalog import Limit, Model

SERVICE_QUOTAS, DEFAULTS, HEADERS = "service quotas", "service quotas' default", "headers"
"""Where an amount was read."""


@dataclass(frozen=True, slots=True)
class Found:
    """An amount and where it was read."""

    amount: int
    source: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One quota of one model after a look at its vendor.

    `before` is what was known of the vendor's quota (as configured while nothing was), `found` what it allows now, None
    when that is not known, and then `why`. `standing` is what is used of it, never above `ceiling`.
    """

    provider: str
    model: str
    kind: str
    configured: int
    ceiling: int
    before: int
    found: int | None
    standing: int
    changed: bool
    source: str | None = None
    why: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def findings(
    model: Model, account: Account, found: Mapping[str, Found], why: Mapping[str, str], otherwise: str
) -> list[Finding]:
    """One per limit of the model. `why` explains single kinds that are missing in `found`, `otherwise` the rest."""
    return [
        _finding(model, limit, account, found.get(kind), why.get(kind, otherwise))
        for limit in model.limits
        if (kind := limit.kind.value)
    ]


def changes(looked: list[Finding]) -> dict[str, int]:
    """What is to be written: the found amounts by kind that the ledger does not have."""
    return {finding.kind: finding.found for finding in looked if finding.changed and finding.found is not None}


def _finding(model: Model, limit: Limit, account: Account, found: Found | None, why: str) -> Finding:
    kind, standing = limit.kind.value, account.standing
    before = standing.found.get(kind, limit.amount)
    if found is not None:
        standing = replace(standing, found={**standing.found, kind: found.amount})
    return Finding(
        provider=model.provider,
        model=model.id,
        kind=kind,
        configured=limit.amount,
        ceiling=limit.most,
        before=before,
        found=found.amount if found else None,
        standing=standing.amount(limit),
        changed=found is not None and found.amount != before,
        source=found.source if found else None,
        why=None if found else why,
    )
