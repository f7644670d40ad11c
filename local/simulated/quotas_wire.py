"""AWS's Service Quotas for the simulated Bedrock models, as JSON 1.1: what is applied, and AWS's defaults.

As with AWS there is nothing but names to tell whose a quota is, and most of the list is about something else.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from local.simulated.http_server import Request, Response
from local.simulated.models import ModelConfig
from local.simulated.vendor import Vendors
from local.simulated.wire import Rejected

TARGET = "ServiceQuotasV20190624."
PAGE = 10
"""Quotas per page unless asked for fewer: small, so that nobody forgets that there are pages."""

_UNITS = {
    "tpm": "tokens per minute",
    "rpm": "requests per minute",
    "tpd": "tokens per day",
    "rpd": "requests per day",
}
_FAMILIES = (
    (re.compile(r"amazon\.nova-(.+?)-v1:0"), "Amazon Nova {}"),
    (re.compile(r"openai\.(gpt-oss-\d+b)-1:0"), "OpenAI {}"),
    (re.compile(r"anthropic\.(claude-.+?)(?:-20\d{6})?-v1:0"), "Anthropic {} V1"),
    (re.compile(r"meta\.(llama.+?)-v1:0"), "Meta {}"),
)
_CAPITALS = {"gpt": "GPT", "oss": "OSS"}
_PROFILE = re.compile(r"(us|eu|apac|jp|au|ca|us-gov|global)\.(?=[a-z])")
_OTHERS = {
    "(Knowledge Bases) Ingestion job size": 100.0,
    "Batch inference job size (in GB) for Nova Pro V1": 5.0,
    "Minimum number of records per batch inference job for Nova Micro V1": 100.0,
    "Records per batch inference job for Claude Sonnet 4": 50_000.0,
    "Throttle rate limit for CreateBlueprint": 5.0,
}


class QuotasWire:
    """Lists the quotas that the simulated models really have."""

    def __init__(self, vendors: Vendors) -> None:
        self._vendors = vendors
        self._operations: Mapping[str, Callable[[], list[dict[str, Any]]]] = {
            "ListServiceQuotas": self._applied,
            "ListAWSDefaultServiceQuotas": self._defaults,
        }

    def speaks(self, request: Request) -> bool:
        """Whether the request is for this service."""
        return request.headers.get("x-amz-target", "").startswith(TARGET)

    def handle(self, request: Request) -> Response:
        """One page. Any signature passes, none does not."""
        if not request.headers.get("authorization", "").startswith("AWS4-HMAC-SHA256 "):
            raise Rejected(_error(400, "MissingAuthenticationTokenException", "Request is missing a signature"))
        operation = self._operations.get(request.headers["x-amz-target"].removeprefix(TARGET))
        if operation is None:
            raise Rejected(_error(400, "UnknownOperationException", "only quotas are listed here"))
        asked = request.json()
        if asked["ServiceCode"] != "bedrock":
            raise Rejected(_error(400, "NoSuchResourceException", f"no service {asked['ServiceCode']}"))
        return _page(operation(), asked.get("NextToken"), asked.get("MaxResults", PAGE))

    def _applied(self) -> list[dict[str, Any]]:
        mine = {name: amount for config in self._bedrock() for name, amount in _quotas(config)}
        decoys = {name: amount for config in self._bedrock() for name, amount in _look_alikes(config)}
        return [_quota(name, amount) for name, amount in sorted((_OTHERS | decoys | mine).items())]

    def _defaults(self) -> list[dict[str, Any]]:
        """Larger than what is applied, as they are for accounts that AWS does not know yet."""
        return [quota | {"Value": quota["Value"] * 10} for quota in self._applied()]

    def _bedrock(self) -> list[ModelConfig]:
        return [model.config for model in self._vendors.models() if model.config.wire == "bedrock"]


def quota_model(config: ModelConfig) -> str:
    """What AWS calls a model in the names of its quotas."""
    if config.quota_name:
        return config.quota_name
    vendor_model = _PROFILE.sub("", config.vendor_model, count=1)
    for pattern, form in _FAMILIES:
        if found := pattern.fullmatch(vendor_model):
            return form.format(_spelled(found[1]))
    return vendor_model


def _spelled(words: str) -> str:
    """`claude-sonnet-4-5` → `Claude Sonnet 4.5`, `gpt-oss-20b` → `GPT OSS 20B`, `llama3-2-1b` → `Llama 3.2 1B`."""
    apart = re.sub(r"([a-z])(\d)", r"\1-\2", words)
    dotted = re.sub(r"(?<=\b\d)-(?=\d\b)", ".", apart)
    return " ".join(
        _CAPITALS.get(word, word.upper() if word[0].isdigit() else word.capitalize()) for word in dotted.split("-")
    )


def _quotas(config: ModelConfig) -> Iterator[tuple[str, float]]:
    scope = _scope(config)
    for limit in config.limits:
        if unit := _UNITS.get(limit.kind):
            yield f"{scope} model inference {unit} for {quota_model(config)}", float(limit.amount)


def _look_alikes(config: ModelConfig) -> Iterator[tuple[str, float]]:
    """Quotas of the same model by other ways, of a variant of it, and for other kinds of calls."""
    name = quota_model(config)
    for scope in {"On-demand", "Cross-region", "Global cross-region"} - {_scope(config)}:
        yield f"{scope} model inference tokens per minute for {name}", 77_000_000.0
    yield f"{_scope(config)} model inference tokens per minute for {name} 1M Context Length", 1.0
    yield f"Batch inference input file size (in GB) for {name}", 1.0


def _scope(config: ModelConfig) -> str:
    profile = _PROFILE.match(config.vendor_model)
    if not profile:
        return "On-demand"
    return "Global cross-region" if profile[1] == "global" else "Cross-region"


def _quota(name: str, amount: float) -> dict[str, Any]:
    code = f"L-{hashlib.sha256(name.encode()).hexdigest()[:8].upper()}"
    return {
        "ServiceCode": "bedrock",
        "ServiceName": "Amazon Bedrock",
        "QuotaArn": f"arn:aws:servicequotas:us-east-1:000000000000:bedrock/{code}",
        "QuotaCode": code,
        "QuotaName": name,
        "Value": amount,
        "Unit": "None",
        "Adjustable": True,
        "GlobalQuota": False,
        "QuotaAppliedAtLevel": "ACCOUNT",
    }


def _page(quotas: list[dict[str, Any]], token: str | None, size: int) -> Response:
    begin = int(token.removeprefix("from-")) if token else 0
    body: dict[str, Any] = {"Quotas": quotas[begin : begin + size]}
    if begin + size < len(quotas):
        body["NextToken"] = f"from-{begin + size}"
    return Response(200, json.dumps(body).encode(), {"content-type": "application/x-amz-json-1.1"})


def _error(status: int, name: str, message: str) -> Response:
    body = json.dumps({"__type": name, "Message": message}).encode()
    return Response(status, body, {"content-type": "application/x-amz-json-1.1"})
