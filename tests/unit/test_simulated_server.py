"""The simulated vendors as real clients see them: boto3, groq, openai, and Rota's own providers."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

import boto3
import groq
import openai
import pytest
import urllib3
from botocore.config import Config
from botocore.exceptions import ClientError

from local.simulated.models import ModelConfig
from local.simulated.quotas import Limit
from local.simulated.server import RunningServer
from rota.errors import (
    ModelUnavailableError,
    ProviderError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    RateLimitedError,
    RequestTooLargeError,
)
from rota.providers.base import ModelCall, Provider
from rota.providers.bedrock import Bedrock
from rota.providers.openai_compatible import OpenAICompatible
from rota.providers.simulated import NOTICE

NOVA, OSS = "amazon.nova-micro-v1:0", "openai/gpt-oss-20b"
INSTANT = {"base_ms": 0, "per_token_ms": 0, "sigma": 0}
MODELS = {
    model.id: model.changed({"latency": INSTANT})
    for model in (
        ModelConfig("nova", NOVA, "bedrock", (Limit("tpm", 5000, "sliding_window"),), 3000, 1000, schema_wire=False),
        ModelConfig("claude", "anthropic.claude", "bedrock", (Limit("rpm", 2, "sliding_window"),)),
        ModelConfig(
            "oss",
            OSS,
            "openai_compatible",
            (Limit("tpm", 6000, "token_bucket"), Limit("rpd", 1000, "token_bucket")),
            max_output_tokens=4000,
        ),
    )
}
PROMPT = (
    "<question>Where do ships wait?</question>"
    '<document number="4" title="Harbour">Ships wait at the outer buoy. Gulls are many here.</document>'
)
SCHEMA = {"type": "object", "properties": {"focus": {"type": "array", "items": {"type": "string"}}}}


class Clock:
    """Real seconds, as the test wants them."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture(scope="module")
def clock() -> Clock:
    """One clock for the module's server."""
    return Clock()


@pytest.fixture(scope="module")
def running(clock: Clock) -> Iterator[RunningServer]:
    """One server for the module."""
    with RunningServer(MODELS, clock) as server:
        yield server


@pytest.fixture
def url(running: RunningServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """Its address, with quotas, faults, counters and properties as at the start."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    for model in MODELS.values():
        admin(running.url, "POST", "models", model.as_json())
    admin(running.url, "POST", "reset")
    return running.url


def admin(url: str, method: str, path: str, body: Any = None, status: int = 200) -> Any:
    """Call an admin endpoint."""
    response = urllib3.request(method, f"{url}/_simulated/{path}", json=body)
    assert response.status == status, response.data
    return response.json()


def stats(url: str, model: str) -> dict[str, Any]:
    """Counters of one model."""
    report: dict[str, Any] = admin(url, "GET", "stats")["models"][model]
    return report


def runtime(url: str) -> Any:
    """boto3's own client."""
    config = Config(retries={"total_max_attempts": 1}, read_timeout=5)
    return boto3.client("bedrock-runtime", region_name="us-east-1", endpoint_url=url, config=config)


def converse(url: str, model: str = NOVA, prompt: str = PROMPT, max_tokens: int = 200, **more: Any) -> Any:
    """One Converse call through boto3."""
    return runtime(url).converse(
        modelId=model,
        messages=[{"role": "user", "content": [{"text": prompt}]}],
        inferenceConfig={"maxTokens": max_tokens},
        **more,
    )


def chat(
    client: groq.Groq | openai.OpenAI, model: str = OSS, prompt: str = PROMPT, tokens: int = 200, **more: Any
) -> Any:
    """One chat completion through a vendor's own client."""
    messages: Any = [{"role": "system", "content": "Summarise."}, {"role": "user", "content": prompt}]
    completions: Any = client.chat.completions
    return completions.create(model=model, messages=messages, max_completion_tokens=tokens, **more)


def groq_client(url: str, **more: Any) -> groq.Groq:
    """Groq's own client, its retries off."""
    return groq.Groq(api_key="gsk_test", base_url=url, max_retries=0, **more)


def openai_client(url: str, **more: Any) -> openai.OpenAI:
    """OpenAI's own client, its retries off."""
    return openai.OpenAI(api_key="sk_test", base_url=f"{url}/v1", max_retries=0, **more)


# Bedrock through boto3


def test_boto3_reads_an_answer(url: str) -> None:
    """Text, stop reason and usage of a Converse call."""
    response = converse(url, system=[{"text": "Summarise."}])
    assert response["output"]["message"]["content"][0]["text"].startswith("- Ships wait at the outer buoy [4].")
    assert response["stopReason"] == "end_turn"
    usage = response["usage"]
    assert usage["totalTokens"] == usage["inputTokens"] + usage["outputTokens"]
    assert stats(url, "nova")["used_tokens"] == usage["totalTokens"]
    assert converse(url, max_tokens=3)["stopReason"] == "max_tokens"


def test_boto3_is_throttled_by_the_sliding_window(url: str, clock: Clock) -> None:
    """Input and maxTokens are reserved; the window opens 60 seconds after the first call, not before."""
    client = runtime(url)
    prompt = "x" * 4 * 1992  # with the message's own eight, 2,000 tokens
    admin(url, "POST", "models", {"id": "nova", "answers": "filler", "output_share": 1.0})
    converse(url, prompt=prompt, max_tokens=500)
    clock.now_s += 30
    with pytest.raises(client.exceptions.ClientError) as caught:
        converse(url, prompt=prompt, max_tokens=501)
    assert caught.value.response["Error"]["Code"] == "ThrottlingException"
    assert caught.value.response["Error"]["Message"] == "Too many tokens, please wait before trying again."
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429
    assert not [name for name in caught.value.response["ResponseMetadata"]["HTTPHeaders"] if "ratelimit" in name]
    converse(url, prompt=prompt, max_tokens=500)
    clock.now_s += 30
    converse(url, prompt=prompt, max_tokens=500)
    report = stats(url, "nova")
    assert (report["refused"], report["admitted"], report["max_tokens_60s"]) == ({"tpm": 1}, 3, 5000)


def test_boto3_meets_the_errors_by_name(url: str) -> None:
    """boto3 makes its modelled exceptions of them."""
    client = runtime(url)
    converse(url, "anthropic.claude")
    converse(url, "anthropic.claude")
    with pytest.raises(client.exceptions.ClientError, match="Too many requests, please wait"):
        converse(url, "anthropic.claude")
    for kind, error, code in (
        ("denied", "", "AccessDeniedException"),
        ("not_found", "", "ResourceNotFoundException"),
        ("outage", "", "ServiceUnavailableException"),
        ("error", "", "InternalServerException"),
        ("rate_limit", "ModelNotReadyException", "ModelNotReadyException"),
    ):
        admin(url, "POST", "faults", {"model": "nova", "kind": kind, "count": 1, "error": error})
        with pytest.raises(ClientError) as caught:
            converse(url)
        assert caught.value.response["Error"]["Code"] == code
        assert type(caught.value).__name__ == code


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        ({"model": "nobody.knows"}, "The provided model identifier is invalid"),
        ({"prompt": "x" * 20_000}, "Input is too long for requested model"),
        ({"max_tokens": 1001}, "exceeds the model limit of 1000"),
        (
            {"outputConfig": {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": "{}"}}}}},
            "doesn't support the outputConfig.textFormat field",
        ),
    ],
)
def test_boto3_meets_validation_errors(url: str, call: dict[str, Any], sentence: str) -> None:
    """One type for all of them, told apart by their sentence."""
    with pytest.raises(ClientError, match=sentence) as caught:
        converse(url, **call)
    assert caught.value.response["Error"]["Code"] == "ValidationException"


def test_bedrock_gives_json_where_the_model_takes_a_schema(url: str) -> None:
    """Through outputConfig, as AWS documents it for Claude and others."""
    structure = {"jsonSchema": {"schema": json.dumps(SCHEMA), "name": "plan"}}
    response = converse(
        url, "anthropic.claude", outputConfig={"textFormat": {"type": "json_schema", "structure": structure}}
    )
    assert "focus" in json.loads(response["output"]["message"]["content"][0]["text"])


def test_bedrock_needs_a_signature(url: str) -> None:
    """A call without any is turned away."""
    response = urllib3.request("POST", f"{url}/model/{NOVA}/converse", json={})
    assert response.status == 403
    assert response.headers["x-amzn-errortype"].startswith("MissingAuthenticationTokenException")


# Groq and OpenAI through their own packages


def test_groq_reads_an_answer_and_its_quota(url: str) -> None:
    """Text, usage, x_groq, and headers in Groq's notation."""
    with groq_client(url) as client:
        response = client.chat.completions.with_raw_response.create(
            model=OSS, messages=[{"role": "user", "content": PROMPT}], max_completion_tokens=1000
        )
    completion = response.parse()
    assert "Ships wait at the outer buoy [4]." in (completion.choices[0].message.content or "")
    assert completion.choices[0].finish_reason == "stop"
    assert completion.usage is not None
    assert completion.usage.prompt_tokens > 0
    assert completion.x_groq is not None
    # The whole reservation stays charged: 1,000 and the prompt, refilling at 100 a second.
    used = completion.usage.prompt_tokens + 1000
    assert response.headers["x-ratelimit-limit-tokens"] == "6000"
    assert response.headers["x-ratelimit-remaining-tokens"] == str(6000 - used)
    assert response.headers["x-ratelimit-reset-tokens"] == f"{used / 100:.2f}".rstrip("0").rstrip(".") + "s"
    assert response.headers["x-ratelimit-limit-requests"] == "1000"
    assert response.headers["x-ratelimit-reset-requests"] == "1m26.4s"
    assert "retry-after" not in response.headers


def test_groq_refuses_in_its_own_words(url: str, clock: Clock) -> None:
    """The bucket's arithmetic, the text, the type and the header; and the wait it names is enough."""
    prompt = "x" * 4 * 1000
    with groq_client(url) as client:
        chat(client, prompt=prompt, tokens=4000)
        with pytest.raises(groq.RateLimitError) as caught:
            chat(client, prompt=prompt, tokens=1500)
        error = caught.value
        assert isinstance(error.body, dict)
        # 11 tokens are the system prompt's and the message's own.
        assert error.body["error"]["message"].startswith(
            f"Rate limit reached for model `{OSS}` in organization `org_simulated` service tier `on_demand` on "
            "tokens per minute (TPM): Limit 6000, Used 5011, Requested 2511. Please try again in 15.22s."
        )
        assert (error.body["error"]["type"], error.body["error"]["code"]) == ("tokens", "rate_limit_exceeded")
        assert error.response.headers["retry-after"] == "16"
        clock.now_s += 15.22
        chat(client, prompt=prompt, tokens=1500)
    assert stats(url, "oss")["refused"] == {"tpm": 1}


def test_groq_meets_the_errors_by_class(url: str) -> None:
    """413, 498, 404, 401, 5xx and 400 as groq's package tells them apart."""
    with groq_client(url) as client:
        with pytest.raises(groq.APIStatusError, match=r"Request too large.*Limit 6000, Requested 9") as too_large:
            chat(client, prompt="x" * 4 * 6000, tokens=3000)
        assert too_large.value.status_code == 413
        admin(url, "POST", "faults", {"model": "oss", "kind": "capacity", "count": 1})
        with pytest.raises(groq.APIStatusError, match="capacity_exceeded") as capacity:
            chat(client)
        assert capacity.value.status_code == 498
        with pytest.raises(groq.NotFoundError, match="model_not_found"):
            chat(client, model="mixtral-8x7b-32768")
        admin(url, "POST", "faults", {"model": "oss", "kind": "error", "status": 502, "count": 1})
        with pytest.raises(groq.InternalServerError):
            chat(client)
        with pytest.raises(groq.BadRequestError, match="max_completion_tokens"):
            chat(client, tokens=5000)
    keyless = {"Authorization": "Bearer"}
    with (
        groq_client(url, default_headers=keyless) as client,
        pytest.raises(groq.AuthenticationError, match="invalid_api_key"),
    ):
        chat(client)


def test_openai_reads_answers_json_and_the_listing(url: str) -> None:
    """The same wire without Groq's prefix."""
    with openai_client(url) as client:
        assert "[4]" in chat(client).choices[0].message.content
        form = {"type": "json_schema", "json_schema": {"name": "plan", "schema": SCHEMA}}
        planned = chat(client, response_format=form).choices[0].message.content
        assert json.loads(planned)["focus"][0] == "Where do ships wait"
        assert [model.id for model in client.models.list()] == [OSS]
        assert chat(client, tokens=3).choices[0].finish_reason == "length"


def test_openai_meets_the_errors_by_class(url: str) -> None:
    """Rate limits, outages until cleared, hanging and broken connections."""
    with openai_client(url) as client:
        admin(url, "POST", "faults", {"model": "oss", "kind": "rate_limit", "count": 1, "retry_after_s": 7})
        with pytest.raises(openai.RateLimitError) as limited:
            chat(client)
        assert limited.value.response.headers["retry-after"] == "7"
        admin(url, "POST", "faults", {"model": "oss", "kind": "outage"})
        for _ in range(2):
            with pytest.raises(openai.InternalServerError):
                chat(client)
        admin(url, "DELETE", "faults?model=oss")
        chat(client)
        admin(url, "POST", "faults", {"model": "oss", "kind": "hang", "count": 1})
        with pytest.raises(openai.APITimeoutError):
            chat(client, timeout=0.3)
        admin(url, "POST", "faults", {"model": "oss", "kind": "disconnect", "count": 1})
        with pytest.raises(openai.APIConnectionError):
            chat(client)
    assert stats(url, "oss")["faults"] == {"rate_limit": 1, "outage": 2, "hang": 1, "disconnect": 1}


# Rota's own providers over the same wires


def provider_of(wire: str, url: str) -> tuple[Provider, str, str]:
    """Provider, model id, vendor's id."""
    if wire == "bedrock":
        return Bedrock("bedrock", "us-east-1", url), "nova", NOVA
    return OpenAICompatible("groq", f"{url}/openai/v1", "key"), "oss", OSS


@pytest.mark.parametrize("wire", ["bedrock", "openai"])
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"kind": "rate_limit"}, RateLimitedError),
        ({"kind": "error", "status": 503}, ProviderUnavailableError),
        ({"kind": "outage"}, ProviderUnavailableError),
        ({"kind": "capacity"}, ProviderUnavailableError),
        ({"kind": "too_large"}, RequestTooLargeError),
        ({"kind": "denied"}, ModelUnavailableError),
        ({"kind": "not_found"}, ModelUnavailableError),
        ({"kind": "disconnect"}, ProviderUnavailableError),
        ({"kind": "malformed"}, ProviderUnavailableError),
        ({"kind": "hang"}, ProviderTimeoutError),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else "",
)
def test_every_fault_reaches_rota_as_its_error(
    url: str, wire: str, fault: dict[str, Any], kind: type[ProviderError]
) -> None:
    """Once each: no provider retries."""
    provider, model, vendor_model = provider_of(wire, url)
    admin(url, "POST", "faults", {"model": model, **fault})
    with pytest.raises(ProviderError) as caught:
        provider.complete(
            model, vendor_model, ModelCall("Summarise.", PROMPT, 200), 0.5 if "hang" in str(fault) else 20
        )
    assert type(caught.value) is kind
    assert stats(url, model)["calls"] == 1


@pytest.mark.parametrize("wire", ["bedrock", "openai"])
def test_rota_reads_answers_notes_and_plans(url: str, wire: str) -> None:
    """The three kinds of prompts of a job, with usage as the vendor counts it."""
    provider, model, vendor_model = provider_of(wire, url)
    summary = provider.complete(model, vendor_model, ModelCall("Summarise.", PROMPT, 200), 5)
    assert "Ships wait at the outer buoy [4]." in summary.text
    assert stats(url, model)["input_tokens"] == summary.usage.input_tokens
    notes = ModelCall("Answer.", f"<question>Where?</question><note>{summary.text}</note>", 200)
    answer = provider.complete(model, vendor_model, notes, 5)
    assert answer.text.startswith(NOTICE)
    assert "[4]" in answer.text
    plan = provider.complete(model, vendor_model, ModelCall("Plan.", PROMPT, 200, json_schema=SCHEMA), 5)
    assert json.loads(plan.text)["focus"]
    admin(url, "POST", "faults", {"model": model, "kind": "schema_break", "count": 1})
    broken = provider.complete(model, vendor_model, ModelCall("Plan.", PROMPT, 200, json_schema=SCHEMA), 5)
    with pytest.raises(ValueError, match="Expecting value"):
        json.loads(broken.text)


def test_a_dripping_and_an_empty_answer(url: str) -> None:
    """A drip outlasts the total time-out; an answer without choices is the vendor's trouble."""
    provider, model, vendor_model = provider_of("openai", url)
    call = ModelCall("Summarise.", PROMPT, 200)
    admin(url, "POST", "faults", {"model": model, "kind": "drip", "count": 1})
    with pytest.raises(ProviderTimeoutError):
        provider.complete(model, vendor_model, call, 0.4)
    admin(url, "POST", "faults", {"model": model, "kind": "empty", "count": 1})
    with pytest.raises(ProviderUnavailableError):
        provider.complete(model, vendor_model, call, 5)


def test_a_hundred_calls_at_once(url: str) -> None:
    """All served together, and exactly as many admitted as the quota holds."""
    admin(url, "POST", "models", {"id": "oss", "answers": "filler", "latency": {"base_ms": 150}})
    provider, model, vendor_model = provider_of("openai", url)
    call = ModelCall("", "x" * 4 * 42, 50)  # 100 tokens with the reservation: 60 of them fill the bucket
    outcomes: list[str] = []

    def complete() -> None:
        try:
            outcomes.append(provider.complete(model, vendor_model, call, 20).stop_reason)
        except RateLimitedError as error:
            outcomes.append(error.code)

    callers = [threading.Thread(target=complete) for _ in range(100)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    report = stats(url, model)
    assert (outcomes.count("end"), outcomes.count("rate_limited")) == (60, 40)
    assert (report["admitted"], report["refused"], report["concurrent"]) == (60, {"tpm": 40}, 0)
    assert report["concurrent_peak"] > 20


# The admin endpoints


def test_properties_and_faults_are_listed_and_reset(url: str) -> None:
    """What was changed is shown; a reset forgets faults and counters."""
    admin(url, "POST", "models", {"id": "oss", "latency": {"base_ms": 7}, "characters_per_token": 3.5})
    models = {model["id"]: model for model in admin(url, "GET", "models")}
    assert (models["oss"]["latency"]["base_ms"], models["oss"]["characters_per_token"]) == (7, 3.5)
    admin(url, "POST", "faults", {"kind": "outage"})
    assert admin(url, "GET", "faults")[0]["model"] == "*"
    admin(url, "POST", "reset")
    assert admin(url, "GET", "faults") == []
    assert stats(url, "oss")["calls"] == 0
    assert admin(url, "GET", "health") == {"status": "ok"}


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "faults", {"kind": "boredom"}, 400),
        ("POST", "faults", {"kind": "hang", "model": "nobody"}, 400),
        ("POST", "models", {"id": "nobody"}, 400),
        ("POST", "models", {"latency": {}}, 400),
        ("GET", "secrets", None, 404),
    ],
)
def test_admin_mistakes_are_answered_with_a_sentence(url: str, method: str, path: str, body: Any, status: int) -> None:
    """A misspelt order must not pass in silence."""
    assert admin(url, method, path, body, status)["message"]


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"POST /v1/chat/completions HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n", 413),
        (b"POST /v1/chat/completions HTTP/1.1\r\nauthorization: Bearer k\r\ncontent-length: 1\r\n\r\n{", 400),
        (b"POST /v1/chat/completions HTTP/1.1\r\ncontent-length: 0\r\n\r\n", 401),
        (b"GET /nothing HTTP/1.1\r\n\r\n", 404),
    ],
)
def test_nonsense_is_answered_like_a_server(url: str, sent: bytes, status: int) -> None:
    """Broken requests get a status, not a closed connection."""
    host, _, port = url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(sent)
        assert connection.recv(100).startswith(f"HTTP/1.1 {status} ".encode())
