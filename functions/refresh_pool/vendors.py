"""How each kind of provider is asked for its quotas: Service Quotas for Bedrock, one call's headers for the others.

`ListServiceQuotas` gives *applied* values and leaves a quota out for which the account has none, as botocore documents
it: AWS's default holds then. So the defaults are listed too, but only for what the first list does not
have, and never preferred to an applied value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Literal

import boto3
from botocore.config import Config

from functions import parts
from rota.accounts import Account
from rota.catalog import BedrockProvider, Model, OpenAICompatibleProvider
from rota.discovery import DEFAULTS, HEADERS, SERVICE_QUOTAS, Finding, Found, findings
from rota.errors import ModelUnavailableError, NoCapacityError, ProviderError
from rota.header_call import TIMEOUT_S, WAIT_MS, ask_for_quota
from rota.observability import logger
from rota.quota_names import Entry, match

if TYPE_CHECKING:
    from mypy_boto3_service_quotas import ServiceQuotasClient

PATIENT = Config(retries={"mode": "standard", "total_max_attempts": 6}, connect_timeout=3, read_timeout=10)
"""Listing Bedrock's quotas takes a dozen pages, and Service Quotas throttles early."""
SPARE_MS = 10_000

Looked = tuple[Model, list[Finding]]
Listing = Literal["list_service_quotas", "list_aws_default_service_quotas"]


def look(provider: str, remaining_ms: Callable[[], int]) -> Iterator[Looked]:
    """The findings for each model of a provider. Raises what the vendor's client raises."""
    config = parts.catalog().providers[provider]
    models = [model for model in parts.catalog().models if model.provider == provider]
    accounts = parts.ledger().read(model.id for model in models)
    if config.kind == "bedrock":
        return _service_quotas(config, models, accounts)
    return _headers(config, models, accounts, remaining_ms)


def _service_quotas(config: BedrockProvider, models: list[Model], accounts: Mapping[str, Account]) -> Iterator[Looked]:
    client = boto3.client(
        "service-quotas",
        region_name=config.region,
        endpoint_url=parts.settings().quotas_endpoint or None,
        config=PATIENT,
    )
    applied, defaults = _listed(client, "list_service_quotas"), None
    for model in models:
        matched = match(model, applied)
        found = {kind: Found(amount, SERVICE_QUOTAS) for kind, amount in matched.amounts.items()}
        unclear = dict(matched.ambiguous)
        if any(limit.kind.value not in found | unclear for limit in model.limits):
            if defaults is None:
                defaults = _listed(client, "list_aws_default_service_quotas")
            fallback = match(model, defaults)
            known = found | unclear
            found |= {k: Found(amount, DEFAULTS) for k, amount in fallback.amounts.items() if k not in known}
            unclear |= {k: names for k, names in fallback.ambiguous.items() if k not in known}
        why = {kind: f"several quotas bear its name: {'; '.join(names)}" for kind, names in unclear.items()}
        missing = "Service Quotas has none of this name; `quota_name` in rota.yaml may give AWS's spelling"
        yield model, findings(model, accounts[model.id], found, why, missing)


def _listed(client: ServiceQuotasClient, listing: Listing) -> list[Entry]:
    pages = client.get_paginator(listing).paginate(ServiceCode="bedrock")
    return [Entry(quota["QuotaName"], int(quota["Value"])) for page in pages for quota in page["Quotas"]]


def _headers(
    config: OpenAICompatibleProvider,
    models: list[Model],
    accounts: Mapping[str, Account],
    remaining_ms: Callable[[], int],
) -> Iterator[Looked]:
    for model in models:
        found, why = _asked(config, model, accounts[model.id], remaining_ms())
        yield model, findings(model, accounts[model.id], found, {}, why)


def _asked(
    config: OpenAICompatibleProvider, model: Model, account: Account, remaining_ms: int
) -> tuple[dict[str, Found], str]:
    """What one call's headers say, by kind of limit, and why the other kinds are not known."""
    requests = {"day": "rpd", "minute": "rpm"}.get(config.request_limit_per or "", "")
    if not requests:
        return {}, "the provider has no `request_limit_per` in rota.yaml: its headers are not asked for"
    if remaining_ms < WAIT_MS + TIMEOUT_S * 1000 + SPARE_MS:
        return {}, "no time was left to ask"
    try:
        hint = ask_for_quota(parts.ledger(), parts.provider(model.provider), model, account)
    except ModelUnavailableError as error:
        logger.warning("model unavailable", extra={"event": "model_unavailable", "model": model.id, "why": str(error)})
        return {}, f"{error.code}: {error}"
    except (NoCapacityError, ProviderError) as error:
        return {}, f"{error.code}: {error}"
    said = {"tpm": hint.limit_tokens, requests: hint.limit_requests}
    found = {kind: Found(amount, HEADERS) for kind, amount in said.items() if amount is not None}
    return found, "the vendor's headers do not name it"
