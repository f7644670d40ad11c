"""The relay to a real Bedrock signs anew and forwards Converse, and nothing else."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import boto3
import pytest
import urllib3
from loopback_api import LoopbackApi, loopback_api

from local.bedrock_relay import relay_server

PATH = "/model/amazon.nova-micro-v1%3A0/converse"


@pytest.fixture
def upstream() -> Iterator[LoopbackApi]:
    """What stands for Bedrock."""
    with loopback_api() as served:
        yield served


@pytest.fixture
def relay(upstream: LoopbackApi) -> Iterator[str]:
    """The relay's address."""
    session = boto3.Session("AKIAREAL", "secret", region_name="us-west-2")
    server = relay_server(0, upstream.url, "us-west-2", session)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def post(url: str) -> urllib3.BaseHTTPResponse:
    """A call as a function makes it, signed with the emulator's credentials."""
    headers = {"Authorization": "AWS4-HMAC-SHA256 Credential=ASIALOCAL/…", "X-Amz-Security-Token": "local"}
    headers = {name: text.encode("ascii", "ignore").decode() for name, text in headers.items()}
    with urllib3.PoolManager(retries=False) as pool:
        return pool.request("POST", url, body=b'{"messages": []}', headers=headers)


def test_a_call_is_signed_with_the_real_credentials(relay: str, upstream: LoopbackApi) -> None:
    """Path and body arrive unchanged, the emulator's credentials do not arrive at all."""
    upstream.replies[f"POST {PATH}"] = [(200, {"output": {}})]
    answer = post(relay + PATH)
    assert (answer.status, answer.json()) == (200, {"output": {}})
    [(route, headers, body)] = upstream.requests
    assert (route, body) == (f"POST {PATH}", b'{"messages": []}')
    assert "Credential=AKIAREAL/" in headers["authorization"]
    assert "/us-west-2/bedrock/aws4_request" in headers["authorization"]
    assert "x-amz-security-token" not in headers


def test_a_refusal_comes_back_as_it_was(relay: str, upstream: LoopbackApi) -> None:
    """The function's own translation of errors reads status and body."""
    upstream.replies[f"POST {PATH}"] = [(429, {"message": "Too many tokens"})]
    answer = post(relay + PATH)
    assert (answer.status, answer.json()) == (429, {"message": "Too many tokens"})


def test_nothing_but_converse_is_forwarded(relay: str, upstream: LoopbackApi) -> None:
    """Credentials of a laptop can do more than talk to a model."""
    assert post(f"{relay}/guardrails").status == 404
    assert post(f"{relay}/model/x/invoke").status == 404
    assert upstream.requests == []


def test_an_unreachable_bedrock_is_a_service_error() -> None:
    """503 in Bedrock's own shape, which the provider knows how to fall back from."""
    server = relay_server(0, "http://127.0.0.1:9", "us-east-1", boto3.Session("a", "b"))
    thread = threading.Thread(target=server.handle_request)
    thread.start()
    answer = post(f"http://127.0.0.1:{server.server_port}{PATH}")
    thread.join()
    server.server_close()
    assert answer.status == 503
    assert answer.headers["x-amzn-errortype"] == "ServiceUnavailableException"
