"""The thin client against a vendor that answers anything at all."""

from __future__ import annotations

import json
import socket
import ssl
import time
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

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
from rota.providers.openai_compatible import OpenAICompatible
from rota.usage import Usage
from tests.unit.canned_vendor import CannedVendor, chat_answer, http_answer

CALL = ModelCall(system="Be brief.", prompt="What is a quota?", max_output_tokens=50)
SCHEMA = {"type": "object", "properties": {"focus": {"type": "string"}}}


def ask(vendor: CannedVendor, call: ModelCall = CALL, timeout_s: float = 5, **options: Any) -> Completion:
    """One call through a fresh client."""
    provider = OpenAICompatible("groq", vendor.url + "/v1/", "secret", **options)
    return provider.complete("small", "vendor/small", call, timeout_s)


def test_the_request_says_what_was_booked() -> None:
    """Model, messages, key and the bound on output go out under the vendor's names."""
    with CannedVendor(http_answer(200, chat_answer())) as vendor:
        ask(vendor)
        ask(vendor, output_parameter="max_tokens", parameters={"small": {"reasoning_effort": "low"}, "other": {"x": 1}})
    (start, headers, body), (_, _, other) = vendor.requests
    assert start == "POST /v1/chat/completions HTTP/1.1"
    assert headers["authorization"] == "Bearer secret"
    assert body == {
        "model": "vendor/small",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What is a quota?"}],
        "temperature": 0.2,
        "max_completion_tokens": 50,
    }
    assert (other["max_tokens"], other["reasoning_effort"], "max_completion_tokens" in other) == (50, "low", False)


def test_a_server_without_keys_gets_none() -> None:
    """Ollama and vLLM need no authorization header; an empty system prompt is left out."""
    with CannedVendor(http_answer(200, chat_answer())) as vendor:
        provider = OpenAICompatible("ollama", vendor.url)
        provider.complete("small", "small", ModelCall("", "Hi", 5, json_schema=SCHEMA), 5)
    ((_, headers, body),) = vendor.requests
    assert "authorization" not in headers
    assert body["messages"] == [{"role": "user", "content": "Hi"}]
    assert body["response_format"]["json_schema"]["schema"] == SCHEMA


def test_text_usage_and_quota_are_read() -> None:
    """Cached tokens are taken out of the prompt's; headers become the quota hint."""
    usage = {"prompt_tokens": 100, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 60}}
    headers = {"x-ratelimit-limit-tokens": "8000", "x-ratelimit-reset-tokens": "2m59.56s"}
    with CannedVendor(http_answer(200, chat_answer("hi", usage=usage), headers)) as vendor:
        completion = ask(vendor)
    assert (completion.text, completion.stop_reason) == ("hi", "end")
    assert completion.usage == Usage(input_tokens=40, output_tokens=7, cached_tokens=60)
    assert completion.quota.limit_tokens == 8000
    assert completion.quota.reset_tokens_s == pytest.approx(179.56)


@pytest.mark.parametrize("usage", [None, {}, {"total_tokens": None}])
def test_without_usage_the_texts_are_charged_on_the_high_side(usage: Any) -> None:
    """Nothing unspent may be given back because a server does not count."""
    with CannedVendor(http_answer(200, chat_answer("y" * 30, usage=usage))) as vendor:
        completion = ask(vendor, ModelCall("s" * 30, "p" * 300, 50))
    assert completion.usage == Usage(input_tokens=110, output_tokens=10)


@pytest.mark.parametrize(
    ("finish", "reason"),
    [("stop", "end"), ("length", "length"), ("content_filter", "filtered"), ("tool_calls", "other")],
)
def test_finish_reasons(finish: str, reason: str) -> None:
    """The vendor's words become Rota's; text that is null becomes empty."""
    choice = {"message": {"content": None}, "finish_reason": finish}
    with CannedVendor(http_answer(200, chat_answer(choices=[choice]))) as vendor:
        completion = ask(vendor)
    assert (completion.text, completion.stop_reason) == ("", reason)


def refusal(message: str, code: str = "") -> dict[str, Any]:
    """An error body of the common shape."""
    return {"error": {"message": message, "type": "x", "code": code}}


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, refusal("`temperature` must be at most 2"), ProviderRejectedError),
        (400, refusal("This model's maximum context length is 131072 tokens. However"), RequestTooLargeError),
        (400, refusal("Please reduce the length of the messages", "context_length_exceeded"), RequestTooLargeError),
        (400, refusal("The model has been decommissioned", "model_decommissioned"), ModelUnavailableError),
        (400, refusal("Failed to validate JSON", "json_validate_failed"), ProviderUnavailableError),
        (401, refusal("Invalid API Key", "invalid_api_key"), ModelUnavailableError),
        (403, refusal("not permitted"), ModelUnavailableError),
        (404, refusal("The model `x` does not exist", "model_not_found"), ModelUnavailableError),
        (404, b"<html>nginx</html>", ModelUnavailableError),
        (408, {}, ProviderTimeoutError),
        (413, refusal("Limit 8000, Requested 32979", "rate_limit_exceeded"), RequestTooLargeError),
        (413, b"<html>Request Entity Too Large</html>", RequestTooLargeError),
        (422, refusal("semantic error"), ProviderRejectedError),
        (429, refusal("slow down"), RateLimitedError),
        (429, refusal("Request too large: Limit 30000, Requested 342389."), RequestTooLargeError),
        (429, refusal("You exceeded your current quota", "insufficient_quota"), ModelUnavailableError),
        (498, refusal("Flex tier capacity exceeded", "capacity_exceeded"), ProviderUnavailableError),
        (500, refusal("Internal Server Error"), ProviderUnavailableError),
        (502, b"<html>Bad Gateway</html>", ProviderUnavailableError),
        (503, b"", ProviderUnavailableError),
        (503, b'"sorry"', ProviderUnavailableError),
        (302, b"", ProviderRejectedError),
    ],
)
def test_every_refusal_has_its_error(status: int, body: Any, kind: type[ProviderError]) -> None:
    """The class decides what the dispatcher does next; provider, model and status tell a person where."""
    with CannedVendor(http_answer(status, body)) as vendor, pytest.raises(ProviderError) as caught:
        ask(vendor)
    assert type(caught.value) is kind
    assert (caught.value.provider, caught.value.model, caught.value.status) == ("groq", "small", status)
    assert "secret" not in str(caught.value)


def test_a_rate_limit_carries_the_vendors_figures() -> None:
    """The wait from the text, limit and use of the tokens per minute; not those of another quota."""
    message = "on tokens per minute (TPM): Limit 6000, Used 5034, Requested 1443. Please try again in 4.77s."
    answer = http_answer(429, refusal(message), {"retry-after": "5"})
    with CannedVendor(answer) as vendor, pytest.raises(RateLimitedError) as caught:
        ask(vendor)
    assert (caught.value.retry_after_s, caught.value.limit_tokens, caught.value.used_tokens) == (4.77, 6000, 5034)
    message = "on requests per minute (RPM): Limit 30, Used 30, Requested 1. Please try again in 665ms."
    with CannedVendor(http_answer(429, refusal(message))) as vendor, pytest.raises(RateLimitedError) as caught:
        ask(vendor)
    assert (caught.value.retry_after_s, caught.value.limit_tokens, caught.value.used_tokens) == (0.665, None, None)


@pytest.mark.parametrize(
    "body",
    [
        b"<html>all is well</html>",
        b"",
        b"[]",
        b'{"choices": [{"message"',
        json.dumps(chat_answer(choices=[])).encode(),
        json.dumps(chat_answer(choices=None)).encode(),
        json.dumps(chat_answer(choices=["text"])).encode(),
        json.dumps(chat_answer(usage={"prompt_tokens": "many"})).encode(),
    ],
)
def test_an_answer_that_is_no_completion_is_the_vendors_trouble(body: bytes) -> None:
    """Malformed bodies never escape as the JSON parser's error."""
    with CannedVendor(http_answer(200, body)) as vendor, pytest.raises(ProviderUnavailableError, match="not a chat"):
        ask(vendor)


@pytest.mark.parametrize(
    ("answer", "drip_from"),
    [
        (b"", None),
        (http_answer(200, chat_answer()), 0),
        (http_answer(200, chat_answer()), 60),
        (http_answer(200, chat_answer(), {"connection": "close"}), 90),
    ],
    ids=["hangs", "drips from the status line on", "drips its body", "drips and closes"],
)
def test_the_time_out_is_total(answer: bytes, drip_from: int | None) -> None:
    """A server that sends a byte now and then is as late as one that sends nothing."""
    started_s = time.monotonic()
    with CannedVendor(answer, drip_from) as vendor, pytest.raises(ProviderTimeoutError):
        ask(vendor, timeout_s=0.3)
    assert 0.25 < time.monotonic() - started_s < 3


def loopback_certificate(directory: Path) -> Path:
    """A certificate for 127.0.0.1 that signs itself, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    unencrypted = serialization.NoEncryption()
    path = directory / "loopback.pem"
    path.write_bytes(
        certificate.public_bytes(pem) + key.private_bytes(pem, serialization.PrivateFormat.PKCS8, unencrypted)
    )
    return path


def test_the_time_out_is_total_over_tls_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Real vendors speak HTTPS: a whole answer is read, a dripped one ends in time."""
    path = loopback_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(path)
    with CannedVendor(http_answer(200, chat_answer("x" * 50_000)), tls=context) as vendor:
        assert len(ask(vendor).text) == 50_000
    started_s = time.monotonic()
    dripping = CannedVendor(http_answer(200, chat_answer()), drip_from=60, tls=context)
    with dripping as vendor, pytest.raises(ProviderTimeoutError):
        ask(vendor, timeout_s=0.4)
    assert time.monotonic() - started_s < 3


def test_a_kept_connection_starts_each_call_with_a_full_time_out() -> None:
    """The little that the first call left must not bound the sending of the second one's long prompt."""
    long = ModelCall("", "x" * 20_000_000, 50)
    with CannedVendor(http_answer(200, chat_answer("y" * 50_000)), pause_s=0.4) as vendor:
        provider = OpenAICompatible("groq", vendor.url)
        provider.complete("small", "small", CALL, 0.7)
        assert len(provider.complete("small", "small", long, 20.0).text) == 50_000
    assert vendor.connections == 1


def test_an_answer_whose_connection_closes_is_read_whole() -> None:
    """Without keep-alive the socket closes while its body is still to be read."""
    body = json.dumps(chat_answer("x" * 300_000)).encode()
    with CannedVendor(http_answer(200, body, {"connection": "close"})) as vendor:
        assert len(ask(vendor).text) == 300_000


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\nconnection: close\r\n\r\n{}", b"\x00\x01nonsense\r\n"]
)
def test_broken_exchanges_are_the_vendors_trouble(answer: bytes) -> None:
    """A body that ends early, and an answer that is no HTTP."""
    with CannedVendor(answer) as vendor, pytest.raises(ProviderError) as caught:
        ask(vendor, timeout_s=1)
    assert isinstance(caught.value, ProviderUnavailableError)


def test_nobody_listening_is_the_vendors_trouble() -> None:
    """A refused connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ProviderUnavailableError):
        OpenAICompatible("vllm", f"http://127.0.0.1:{port}").complete("small", "small", CALL, 2)


def test_nothing_is_retried() -> None:
    """A second attempt would spend tokens that nobody booked."""
    busy = http_answer(503, refusal("busy"), {"retry-after": "0"})
    with CannedVendor(busy) as vendor, pytest.raises(ProviderUnavailableError):
        ask(vendor)
    assert len(vendor.requests) == 1
