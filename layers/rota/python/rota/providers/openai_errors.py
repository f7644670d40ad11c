"""The one place where errors of OpenAI-compatible vendors become errors of `rota.errors`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from urllib3.exceptions import HTTPError, ReadTimeoutError

from rota.errors import (
    ModelUnavailableError,
    ProviderError,
    ProviderRejectedError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    RateLimitedError,
    RequestTooLargeError,
)
from rota.providers.rate_limit_headers import quota_figures, retry_after_s

_MAX_MESSAGE = 500
_CODES: Mapping[str, type[ProviderError]] = {
    "context_length_exceeded": RequestTooLargeError,
    "model_not_found": ModelUnavailableError,
    "model_decommissioned": ModelUnavailableError,
    "insufficient_quota": ModelUnavailableError,  # OpenAI's 429 for an account without money: waiting does not help
    "json_validate_failed": ProviderUnavailableError,  # Groq's 400: the model broke the schema, another may keep it
}
_STATUSES: Mapping[int, type[ProviderError]] = {
    401: ModelUnavailableError,  # a wrong key stops this provider, not the pool
    403: ModelUnavailableError,
    404: ModelUnavailableError,
    408: ProviderTimeoutError,
    413: RequestTooLargeError,
    424: ProviderUnavailableError,
    429: RateLimitedError,
    498: ProviderUnavailableError,  # Groq: no flex capacity
}
_TOO_LONG = re.compile(r"maximum context length|reduce the length of the messages|prompt is too long", re.IGNORECASE)


def translate_failure(error: HTTPError, provider: str, model: str) -> ProviderError:
    """An exchange that broke before a whole answer was there."""
    # Without a connection the vendor never saw the call: it is down rather than slow.
    kind = ProviderTimeoutError if isinstance(error, ReadTimeoutError) else ProviderUnavailableError
    return kind(str(error)[:_MAX_MESSAGE], provider=provider, model=model)


def translate_response(
    status: int, headers: Mapping[str, str], body: bytes, provider: str, model: str
) -> ProviderError:
    """A response other than 200. `limit_tokens` and `used_tokens` are set only by a refusal on tokens per minute."""
    code, message = _code_and_message(body, headers)
    kind = _kind(status, code, message)
    text = f"{status} {message}"[:_MAX_MESSAGE]
    figures = quota_figures(message)
    counted = figures if figures and figures.kind == "tpm" else None
    if kind is RequestTooLargeError and counted:
        return RequestTooLargeError(text, provider=provider, model=model, status=status, limit_tokens=counted.limit)
    if kind is not RateLimitedError:
        return kind(text, provider=provider, model=model, status=status)
    return RateLimitedError(
        text,
        provider=provider,
        model=model,
        status=status,
        retry_after_s=retry_after_s(headers, message),
        limit_tokens=counted.limit if counted else None,
        used_tokens=counted.used if counted else None,
        limit_kind=figures.kind if figures else "",
    )


def _kind(status: int, code: str, message: str) -> type[ProviderError]:
    if code in _CODES:
        return _CODES[code]
    if status == 429 and _can_never_fit(message):
        return RequestTooLargeError
    if status == 400 and _TOO_LONG.search(message):
        return RequestTooLargeError
    if status in _STATUSES:
        return _STATUSES[status]
    return ProviderUnavailableError if status >= 500 else ProviderRejectedError


def _can_never_fit(message: str) -> bool:
    """OpenAI (and Groq once) refuse one request above the whole quota with 429 instead of 413."""
    figures = quota_figures(message)
    return figures is not None and figures.requested > figures.limit


def _code_and_message(body: bytes, headers: Mapping[str, str]) -> tuple[str, str]:
    """The error's code ("" when it has none) and sentence, from the shapes that are about."""
    try:
        error = json.loads(body)
    except ValueError:
        return "", f"an error page of type {headers.get('content-type', 'unknown')}, not JSON"
    if isinstance(error, dict):
        error = error.get("error", error)
    if not isinstance(error, dict):
        return "", str(error)
    return str(error.get("code") or ""), str(error.get("message") or error)
