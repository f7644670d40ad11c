"""The only reader of the environment. Field names in capitals, prefixed with ROTA_, are the variables."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from rota.errors import InvalidInputError


@dataclass(frozen=True, slots=True)
class Settings:
    """Where a function finds its parts; an empty string means that the function was not given that part.

    `provider_endpoints` maps a provider's id to a base URL that replaces the one in rota.yaml (laptop, tests);
    `simulated_providers` names, joined by commas, those that are only simulated there, so that replies can say so.
    `private_hosts` names, joined by commas, the `host:port` of private places that documents may be fetched from.
    `map_concurrency` is how many batches of a job are under way at once.
    `quotas_endpoint` likewise replaces that of Service Quotas. `summaries_pool` and `synthesis_model` override
    rota.yaml without a deployment of the file.
    """

    stage: str = "local"
    ledger_table: str = ""
    jobs_table: str = ""
    keys_table: str = ""
    outcomes_table: str = ""
    documents_bucket: str = ""
    workflow_arn: str = ""
    inbox_workflow_arn: str = ""
    shadow_function: str = ""
    config: str = ""
    summaries_pool: str = ""
    synthesis_model: str = ""
    simulated_providers: str = ""
    quotas_endpoint: str = ""
    private_hosts: str = ""
    map_concurrency: str = "100"
    provider_endpoints: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read ROTA_* variables; raises InvalidInputError for endpoints that are not a JSON object of strings."""
        env = os.environ if environ is None else environ
        texts = {name: env.get(f"ROTA_{name.upper()}", "") for name in cls.__slots__ if name != "provider_endpoints"}
        texts = {name: text for name, text in texts.items() if text}
        return cls(**texts, provider_endpoints=_endpoints(env.get("ROTA_PROVIDER_ENDPOINTS", "")))


def _endpoints(text: str) -> dict[str, str]:
    try:
        value = json.loads(text or "{}")
    except ValueError:
        value = None
    if not isinstance(value, dict) or not all(isinstance(url, str) for url in value.values()):
        raise InvalidInputError("ROTA_PROVIDER_ENDPOINTS", 'must be a JSON object such as {"groq": "http://…"}')
    return value
