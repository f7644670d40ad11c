"""Amazon Bedrock's Converse API through boto3, one attempt per call."""

from __future__ import annotations

import math
import re
import threading
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError

from rota.errors import (
    ModelUnavailableError,
    ProviderError,
    ProviderRejectedError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    RateLimitedError,
    RequestTooLargeError,
)
from rota.providers.base import Completion, ModelCall
from rota.providers.structured_output import schema_instruction, without_fence
from rota.usage import Usage

if TYPE_CHECKING:
    from mypy_boto3_bedrock_runtime import BedrockRuntimeClient

CONNECT_TIMEOUT_S = 5.0
"""The endpoint of one's own region answers a SYN in milliseconds, or not at all."""
DAILY_RETRY_AFTER_S = 3600.0
"""Bedrock does not say when its daily quota opens again; looking once an hour is cheap."""

_MAX_CLIENTS = 16
_POOLED_CONNECTIONS = 64
_MAX_MESSAGE = 500
_STOP_REASONS = {
    "end_turn": "end",
    "stop_sequence": "end",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "guardrail_intervened": "filtered",
    "content_filtered": "filtered",
}
_CODES: Mapping[str, type[ProviderError]] = {
    "ThrottlingException": RateLimitedError,
    "ModelNotReadyException": ProviderUnavailableError,  # also a 429, but nobody's quota
    "ModelTimeoutException": ProviderTimeoutError,
    "ModelErrorException": ProviderUnavailableError,
    "AccessDeniedException": ModelUnavailableError,
    "ResourceNotFoundException": ModelUnavailableError,
}
_STATUSES: Mapping[int, type[ProviderError]] = {
    403: ModelUnavailableError,
    404: ModelUnavailableError,
    408: ProviderTimeoutError,
    413: RequestTooLargeError,
    429: RateLimitedError,
}
_FAILURES: tuple[tuple[type[Exception], type[ProviderError]], ...] = (
    (ReadTimeoutError, ProviderTimeoutError),
    (NoCredentialsError, ModelUnavailableError),
    (PartialCredentialsError, ModelUnavailableError),
    (ParamValidationError, ProviderRejectedError),
)
# ValidationException covers everything from a typing error to a long prompt; only its sentence tells them apart.
_VALIDATIONS: tuple[tuple[re.Pattern[str], type[ProviderError]], ...] = (
    (
        re.compile(r"model identifier is invalid|on-demand throughput|end of its life", re.IGNORECASE),
        ModelUnavailableError,
    ),
    (
        re.compile(
            r"too long|too many input tokens|input tokens exceeded|maximum context length|context window"
            r"|exceeds? the (?:model limit|maximum|context)",
            re.IGNORECASE,
        ),
        RequestTooLargeError,
    ),
)


class Bedrock:
    """Bedrock in one region.

    `endpoint` replaces the regional one (a VPC endpoint, a simulated Bedrock); `parameters` holds
    `additionalModelRequestFields` per model id. Credentials come from boto3's usual chain.
    """

    def __init__(
        self,
        provider: str,
        region: str,
        endpoint: str | None = None,
        parameters: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self._provider = provider
        self._region = region
        self._endpoint = endpoint
        self._parameters = parameters or {}
        self._session = boto3.session.Session(region_name=region)
        self._creating = threading.Lock()
        self._client_for = lru_cache(maxsize=_MAX_CLIENTS)(self._create_client)

    def prepare(self, timeout_s: float) -> None:
        """Create the client, which takes a tenth of a second, and far longer on a busy machine."""
        self._client(timeout_s)

    def complete(self, model: str, vendor_model: str, call: ModelCall, timeout_s: float) -> Completion:
        """See `Provider.complete`; `timeout_s` bounds each silence of the endpoint (boto3 knows no total)."""
        try:
            client = self._client(timeout_s)
            started_s = time.monotonic()
            response: Mapping[str, Any] = client.converse(**self._request(model, vendor_model, call))
            latency_ms = round((time.monotonic() - started_s) * 1000)
            return _completion(response, call, latency_ms)
        # botocore's parser error is no BotoCoreError; LookupErrors come from an answer without the promised fields.
        except (ClientError, BotoCoreError, ResponseParserError, LookupError, TypeError, ValueError) as error:
            raise translate(error, self._provider, model) from error

    def _client(self, timeout_s: float) -> BedrockRuntimeClient:
        with self._creating:  # a session may not create clients in two threads at once
            return self._client_for(round_down_s(timeout_s))

    def _create_client(self, read_timeout_s: float) -> BedrockRuntimeClient:
        """boto3 has one read time-out per client, so there is a client per time-out."""
        config = Config(
            retries={"total_max_attempts": 1, "mode": "standard"},
            connect_timeout=min(CONNECT_TIMEOUT_S, read_timeout_s),
            read_timeout=read_timeout_s,
            max_pool_connections=_POOLED_CONNECTIONS,
        )
        return self._session.client(
            "bedrock-runtime", region_name=self._region, endpoint_url=self._endpoint, config=config
        )

    def _request(self, model: str, vendor_model: str, call: ModelCall) -> dict[str, Any]:
        system = [call.system] if call.system else []
        if call.json_schema is not None:
            system.append(schema_instruction(call.json_schema))
        request: dict[str, Any] = {
            "modelId": vendor_model,
            "messages": [{"role": turn.role, "content": [{"text": turn.text}]} for turn in call.turns],
            # Unset, maxTokens is the model's maximum, and Bedrock reserves it from the quota.
            "inferenceConfig": {"maxTokens": call.max_output_tokens, "temperature": call.temperature},
        }
        if system:
            request["system"] = [{"text": "\n\n".join(system)}]
        if extra := self._parameters.get(model):
            request["additionalModelRequestFields"] = dict(extra)
        return request


def round_down_s(timeout_s: float) -> float:
    """`timeout_s` with two significant digits, never longer: few distinct values mean few clients."""
    step = 10.0 ** (math.floor(math.log10(timeout_s)) - 1)
    return round(math.floor(round(timeout_s / step, 6)) * step, 6)


def _completion(response: Mapping[str, Any], call: ModelCall, latency_ms: int) -> Completion:
    # gpt-oss and others put `reasoningContent` blocks before the text.
    blocks = response["output"]["message"]["content"]
    text = "".join(block["text"] for block in blocks if "text" in block)
    usage = response["usage"]
    return Completion(
        text=without_fence(text) if call.json_schema is not None else text,
        usage=Usage(
            input_tokens=usage["inputTokens"] + usage.get("cacheWriteInputTokens", 0),
            output_tokens=usage["outputTokens"],
            cached_tokens=usage.get("cacheReadInputTokens", 0),
        ),
        stop_reason=_STOP_REASONS.get(response["stopReason"], "other"),
        latency_ms=latency_ms,
    )


def translate(error: Exception, provider: str, model: str) -> ProviderError:
    """The one place where errors of boto3 and Bedrock become errors of `rota.errors`."""
    response: Mapping[str, Any] = error.response if isinstance(error, ClientError) else {}
    status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    message = str(response.get("Error", {}).get("Message") or error)
    kind = _kind(error, str(response.get("Error", {}).get("Code", "")), status, message)
    text = f"{status} {message}"[:_MAX_MESSAGE] if status else message[:_MAX_MESSAGE]
    if kind is not RateLimitedError:
        return kind(text, provider=provider, model=model, status=status)
    daily = "per day" in message
    return RateLimitedError(
        text,
        provider=provider,
        model=model,
        status=status,
        retry_after_s=DAILY_RETRY_AFTER_S if daily else None,
        limit_kind=("r" if "requests" in message else "t") + ("pd" if daily else "pm"),
    )


def _kind(error: Exception, code: str, status: int, message: str) -> type[ProviderError]:
    if not isinstance(error, ClientError):
        return next((kind for cause, kind in _FAILURES if isinstance(error, cause)), ProviderUnavailableError)
    if code == "ValidationException":
        return next((kind for sentence, kind in _VALIDATIONS if sentence.search(message)), ProviderRejectedError)
    other = ProviderUnavailableError if status >= 500 else ProviderRejectedError
    return _CODES.get(code) or _STATUSES.get(status) or other
