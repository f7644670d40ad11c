"""OpenAI's chat completions over urllib3: Groq, OpenAI, Together, Ollama and vLLM differ only by configuration."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from typing import Any

import urllib3
from urllib3.exceptions import HTTPError

from rota.errors import ProviderUnavailableError
from rota.providers.base import Completion, ModelCall
from rota.providers.deadline_http import deadline_pool
from rota.providers.openai_errors import translate_failure, translate_response
from rota.providers.rate_limit_headers import quota_hint
from rota.usage import Usage

CONNECT_TIMEOUT_S = 5.0
"""A vendor that does not even accept a connection within this time counts as down."""

_POOLED_CONNECTIONS = 64
_CHARACTERS_PER_TOKEN = 3
_STOP_REASONS = {"stop": "end", "length": "length", "content_filter": "filtered"}


class OpenAICompatible:
    """One vendor or server.

    `base_url` ends before `/chat/completions`; `api_key` may be empty for a server without keys; `output_parameter`
    is the vendor's name for the bound on output tokens; `parameters` holds extra request fields per model id, for
    instance `{"gpt-oss-20b": {"reasoning_effort": "low"}}`.
    """

    def __init__(
        self,
        provider: str,
        base_url: str,
        api_key: str = "",
        output_parameter: str = "max_completion_tokens",
        parameters: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self._provider = provider
        self._url = base_url.rstrip("/") + "/chat/completions"
        self._headers = {"content-type": "application/json", "accept": "application/json", "user-agent": "rota"}
        if api_key:
            self._headers["authorization"] = f"Bearer {api_key}"
        self._output_parameter = output_parameter
        self._parameters = parameters or {}
        self._pool = deadline_pool(_POOLED_CONNECTIONS)

    def prepare(self, timeout_s: float) -> None:
        """Nothing: the connection pool exists."""

    def complete(self, model: str, vendor_model: str, call: ModelCall, timeout_s: float) -> Completion:
        """See `Provider.complete`; `timeout_s` bounds the whole exchange, however slowly the server answers."""
        started_s = time.monotonic()
        try:
            response = self._post(self._body(model, vendor_model, call), timeout_s)
        except HTTPError as error:
            raise translate_failure(error, self._provider, model) from error
        if response.status != 200:
            raise translate_response(response.status, response.headers, response.data, self._provider, model)
        latency_ms = round((time.monotonic() - started_s) * 1000)
        try:
            return _completion(response, call, latency_ms)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise ProviderUnavailableError(
                f"the answer is not a chat completion ({type(error).__name__}: {error})",
                provider=self._provider,
                model=model,
                status=response.status,
            ) from error

    def _post(self, body: dict[str, Any], timeout_s: float) -> urllib3.BaseHTTPResponse:
        timeout = urllib3.Timeout(connect=min(CONNECT_TIMEOUT_S, timeout_s), total=timeout_s)
        encoded = json.dumps(body).encode()
        return self._pool.request(
            "POST", self._url, body=encoded, headers=self._headers, timeout=timeout, redirect=False, retries=False
        )

    def _body(self, model: str, vendor_model: str, call: ModelCall) -> dict[str, Any]:
        messages = [{"role": "system", "content": call.system}] if call.system else []
        body: dict[str, Any] = {
            "model": vendor_model,
            "messages": [*messages, *({"role": turn.role, "content": turn.text} for turn in call.turns)],
            "temperature": call.temperature,
            self._output_parameter: call.max_output_tokens,
        }
        if call.json_schema is not None:
            # Not `strict`: that refuses schemas with optional properties, and the caller checks the output anyway.
            schema = {"name": "answer", "schema": call.json_schema}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        return {**body, **self._parameters.get(model, {})}


def _completion(response: urllib3.BaseHTTPResponse, call: ModelCall, latency_ms: int) -> Completion:
    body = json.loads(response.data)
    choice = body["choices"][0]
    text = choice["message"].get("content") or ""
    return Completion(
        text=text,
        usage=_usage(body.get("usage"), call, text),
        stop_reason=_STOP_REASONS.get(choice.get("finish_reason"), "other"),
        latency_ms=latency_ms,
        quota=quota_hint(response.headers),
    )


def _usage(usage: Mapping[str, Any] | None, call: ModelCall, text: str) -> Usage:
    """`prompt_tokens` includes the cached ones, Rota's `input_tokens` does not.

    A server that reports no usage is charged by the length of the texts, on the high side: nothing unspent is given
    back to the ledger on its word.
    """
    if not usage or usage.get("prompt_tokens") is None:
        estimated = _high_estimate(call.system) + sum(_high_estimate(turn.text) for turn in call.turns)
        return Usage(input_tokens=estimated, output_tokens=_high_estimate(text))
    details = usage.get("prompt_tokens_details") or {}
    cached = min(int(details.get("cached_tokens") or 0), int(usage["prompt_tokens"]))
    return Usage(int(usage["prompt_tokens"]) - cached, int(usage.get("completion_tokens") or 0), cached)


def _high_estimate(text: str) -> int:
    return math.ceil(len(text) / _CHARACTERS_PER_TOKEN)
