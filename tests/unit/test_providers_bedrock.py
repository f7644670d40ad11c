"""What goes out to Bedrock, what is read of its answers, and the translation of every error."""

from __future__ import annotations

import json
import socket
import time
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
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
from rota.providers.bedrock import DAILY_RETRY_AFTER_S, Bedrock, round_down_s, translate
from rota.usage import Usage
from tests.unit.canned_vendor import CannedVendor, http_answer

CALL = ModelCall(system="Be brief.", prompt="What is a quota?", max_output_tokens=50)


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any credentials do: nothing checks the signature."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")


def converse_answer(*content: dict[str, Any], stop: str = "end_turn", **usage: int) -> dict[str, Any]:
    """A Converse response with these content blocks."""
    return {
        "output": {"message": {"role": "assistant", "content": list(content)}},
        "stopReason": stop,
        "usage": {"inputTokens": 100, "outputTokens": 7, "totalTokens": 107, **usage},
        "metrics": {"latencyMs": 12},
    }


def ask(vendor: CannedVendor, call: ModelCall = CALL, timeout_s: float = 5, **options: Any) -> Completion:
    """One call through a fresh client."""
    return Bedrock("bedrock", "us-east-1", vendor.url, **options).complete("nova", "amazon.nova:0", call, timeout_s)


def test_the_request_says_what_was_booked() -> None:
    """maxTokens is always set: without it Bedrock reserves the model's maximum."""
    with CannedVendor(http_answer(200, converse_answer({"text": "hi"}))) as vendor:
        completion = ask(vendor, parameters={"nova": {"reasoning_effort": "low"}})
    ((start, headers, body),) = vendor.requests
    assert start.startswith("POST /model/amazon.nova%3A0/converse ")
    assert headers["authorization"].startswith("AWS4-HMAC-SHA256 ")
    assert body == {
        "messages": [{"role": "user", "content": [{"text": "What is a quota?"}]}],
        "system": [{"text": "Be brief."}],
        "inferenceConfig": {"maxTokens": 50, "temperature": 0.2},
        "additionalModelRequestFields": {"reasoning_effort": "low"},
    }
    assert (completion.text, completion.stop_reason) == ("hi", "end")


def test_reasoning_is_left_out_and_cache_reads_are_apart() -> None:
    """Cache writes count as input (they take quota), cache reads do not."""
    blocks = ({"reasoningContent": {"reasoningText": {"text": "hm"}}}, {"text": "a"}, {"text": "b"})
    answer = converse_answer(*blocks, stop="max_tokens", cacheReadInputTokens=30, cacheWriteInputTokens=20)
    with CannedVendor(http_answer(200, answer)) as vendor:
        completion = ask(vendor)
    assert (completion.text, completion.stop_reason) == ("ab", "length")
    assert completion.usage == Usage(input_tokens=120, output_tokens=7, cached_tokens=30)


def test_a_schema_goes_into_the_system_prompt() -> None:
    """Nova takes no outputConfig; the fence that models put around JSON is taken off."""
    schema = {"type": "object"}
    with CannedVendor(http_answer(200, converse_answer({"text": '```json\n{"a": 1}\n```'}))) as vendor:
        completion = ask(vendor, ModelCall("", "Plan.", 50, json_schema=schema))
    ((_, _, body),) = vendor.requests
    assert "outputConfig" not in body
    assert json.dumps(schema, separators=(",", ":")) in body["system"][0]["text"]
    assert json.loads(completion.text) == {"a": 1}


def refused(code: str, status: int, message: str = "no") -> ClientError:
    """boto3's exception for an error response."""
    return ClientError(
        {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        "Converse",
    )


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (refused("ThrottlingException", 429, "Too many tokens, please wait before trying again."), RateLimitedError),
        (refused("ModelNotReadyException", 429), ProviderUnavailableError),
        (refused("ModelTimeoutException", 408), ProviderTimeoutError),
        (refused("ModelErrorException", 424), ProviderUnavailableError),
        (refused("InternalServerException", 500), ProviderUnavailableError),
        (refused("ServiceUnavailableException", 503), ProviderUnavailableError),
        (refused("AccessDeniedException", 403), ModelUnavailableError),
        (refused("UnrecognizedClientException", 403), ModelUnavailableError),
        (refused("ResourceNotFoundException", 404), ModelUnavailableError),
        (refused("ValidationException", 400, "Input is too long for requested model."), RequestTooLargeError),
        (
            refused("ValidationException", 400, "prompt is too long: 200049 tokens > 200000 maximum"),
            RequestTooLargeError,
        ),
        (
            refused(
                "ValidationException", 400, "Input Tokens Exceeded: Number of input tokens exceeds maximum length."
            ),
            RequestTooLargeError,
        ),
        (
            refused("ValidationException", 400, "The maximum tokens you requested exceeds the model limit of 2048."),
            RequestTooLargeError,
        ),
        (refused("ValidationException", 400, "The provided model identifier is invalid."), ModelUnavailableError),
        (
            refused("ValidationException", 400, "Invocation of model ID x with on-demand throughput isn’t supported."),
            ModelUnavailableError,
        ),
        (refused("ValidationException", 400, "expected maxLength: 2048, actual: 2051"), ProviderRejectedError),
        (refused("SomethingNew", 418), ProviderRejectedError),
        (refused("SomethingNew", 502), ProviderUnavailableError),
        (ReadTimeoutError(endpoint_url="x"), ProviderTimeoutError),
        (ConnectTimeoutError(endpoint_url="x"), ProviderUnavailableError),
        (EndpointConnectionError(endpoint_url="x"), ProviderUnavailableError),
        (ConnectionClosedError(endpoint_url="x"), ProviderUnavailableError),
        (ResponseParserError("no JSON"), ProviderUnavailableError),
        (KeyError("output"), ProviderUnavailableError),
        (NoCredentialsError(), ModelUnavailableError),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else str(value)[-60:],
)
def test_every_error_is_translated(error: Exception, kind: type[ProviderError]) -> None:
    """The class decides what the dispatcher does next."""
    translated = translate(error, "bedrock", "nova")
    assert type(translated) is kind
    assert (translated.provider, translated.model) == ("bedrock", "nova")
    assert str(translated)


@pytest.mark.parametrize(
    ("message", "retry_after_s"),
    [
        ("Too many requests, please wait before trying again.", None),
        ("Too many tokens, please wait before trying again.", None),
        ("Too many tokens per day, please wait before trying again.", DAILY_RETRY_AFTER_S),
    ],
)
def test_a_spent_day_is_not_asked_again_soon(message: str, retry_after_s: float | None) -> None:
    """Bedrock names no wait; a daily quota is not back within the minute."""
    translated = translate(refused("ThrottlingException", 429, message), "bedrock", "nova")
    assert isinstance(translated, RateLimitedError)
    assert (translated.status, translated.retry_after_s) == (429, retry_after_s)


@pytest.mark.parametrize("body", [b"<html>all is well</html>", b"{}", b'{"output": {"message": {}}}', b'{"output'])
def test_an_answer_that_is_no_completion_is_the_vendors_trouble(body: bytes) -> None:
    """Neither botocore's parser error nor a KeyError escapes."""
    with CannedVendor(http_answer(200, body)) as vendor, pytest.raises(ProviderUnavailableError):
        ask(vendor)


def test_a_hanging_endpoint_is_left_in_time_and_asked_once() -> None:
    """The read time-out is the call's own, and boto3's retries are off."""
    started_s = time.monotonic()
    with CannedVendor(b"") as vendor, pytest.raises(ProviderTimeoutError):
        ask(vendor, timeout_s=0.3)
    assert time.monotonic() - started_s < 2
    assert len(vendor.requests) == 1


def test_nobody_listening_is_the_vendors_trouble() -> None:
    """A refused connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ProviderUnavailableError):
        Bedrock("bedrock", "us-east-1", f"http://127.0.0.1:{port}").complete("nova", "nova", CALL, 2)


@pytest.mark.parametrize(
    ("asked", "rounded"), [(60, 60), (59.7, 59), (7.34, 7.3), (0.257, 0.25), (123, 120), (10, 10), (0.3, 0.3), (1, 1)]
)
def test_time_outs_are_rounded_down_to_few_values(asked: float, rounded: float) -> None:
    """Each value is a client of its own; none may outlast what the caller allowed."""
    assert round_down_s(asked) == rounded
