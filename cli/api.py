"""Rota's HTTP API as a client sees it; every refusal becomes a sentence."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.request import getproxies, proxy_bypass

import urllib3
from urllib3.util import Retry, Url, parse_url

from cli.errors import ApiError
from cli.target import Target

# A repeated GET or DELETE is harmless, and so is a POST with its idempotency key; a 429 may say when to return.
RETRIES = Retry(
    total=4,
    backoff_factor=0.3,
    status_forcelist=(429, 502, 503, 504),
    allowed_methods=None,
    raise_on_status=False,
)
ONCE = Retry(0, raise_on_status=False)
TIMEOUT = urllib3.Timeout(connect=5, read=35)  # the API itself gives up after 30 s

GATEWAY = {
    401: "The API does not accept this key; see `rota keys list`, or make one with `rota keys create`.",
    403: "The API does not accept this key: it is unknown or revoked. Make one with `rota keys create`.",
}
"""What the gateway in front of the API refuses by itself, in its own words, which help nobody."""


class Api:
    """Calls with a bearer key. Every method raises ApiError."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._pool = pool_for(target.url)

    def get(self, path: str) -> dict[str, Any]:
        """GET /v1/…"""
        return self._call("GET", path)

    def changed(self, path: str, tag: str, wait_s: int) -> tuple[dict[str, Any] | None, str]:
        """GET /v1/… as soon as it is not the version `tag` any more, with its new tag; None after `wait_s` seconds."""
        reply = self._send("GET", path, None, {"If-None-Match": tag, "Prefer": f"wait={wait_s}"} if tag else {}, None)
        value = None if reply.status == 304 else _json(reply.data)
        return value, reply.headers.get("etag", "")

    def post(
        self, path: str, body: Mapping[str, Any], idempotency_key: str = "", *, once: bool = False
    ) -> dict[str, Any]:
        """POST a JSON body to /v1/…; with an idempotency key a repetition starts nothing twice.

        `once` sends what would start something twice, and has no such key, only once.
        """
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        return self._call("POST", path, body, headers, retries=ONCE if once else None)

    def delete(self, path: str) -> dict[str, Any]:
        """DELETE /v1/…"""
        return self._call("DELETE", path)

    def _call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        retries: Retry | None = None,
    ) -> dict[str, Any]:
        return _json(self._send(method, path, body, headers or {}, retries).data)

    def _send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        headers: Mapping[str, str],
        retries: Retry | None,
    ) -> urllib3.BaseHTTPResponse:
        url = f"{self._target.url}/v1/{path.lstrip('/')}"
        sent = {"Authorization": f"Bearer {self._target.key}", "Content-Type": "application/json", **headers}
        data = None if body is None else json.dumps(body).encode()
        try:
            reply = self._pool.request(
                method, url, body=data, headers=sent, retries=retries or RETRIES, timeout=TIMEOUT
            )
        except urllib3.exceptions.HTTPError as error:
            raise ApiError(f"Nothing answers at {self._target.url}; is it running? See `rota status`.") from error
        if reply.status >= 400:
            raise refusal(reply.status, _json(reply.data))
        return reply


def pool_for(url: str) -> urllib3.PoolManager:
    """Connections to this address, through the environment's proxy where one is meant for it."""
    parsed: Url = parse_url(url)
    proxy = getproxies().get(parsed.scheme or "")
    if proxy and parsed.host not in {"127.0.0.1", "localhost"} and not proxy_bypass(parsed.host or ""):
        return urllib3.ProxyManager(proxy, maxsize=8)
    return urllib3.PoolManager(maxsize=8)


def refusal(status: int, body: Mapping[str, Any]) -> ApiError:
    """The error for a reply: Rota's own shape, the gateway's, or none at all."""
    error = body.get("error")
    if not isinstance(error, dict):
        said = GATEWAY.get(status, f"The API answered {status}: {body.get('message', 'no explanation')}.")
        return ApiError(said, status=status)
    field = f" (field {error['field']})" if error.get("field") else ""
    request = f" [request {error['request_id']}]" if status >= 500 and error.get("request_id") else ""
    return ApiError(f"{error['message']}{field}{request}", status=status, code=error["code"])


def _json(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data or b"{}")
    except ValueError:
        return {"message": data[:200].decode(errors="replace")}
    return value if isinstance(value, dict) else {"message": str(value)[:200]}
