"""One question to a search vendor over HTTP: within a total time, of bounded size, and never with a word of the key."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import urllib3
from urllib3.exceptions import HTTPError

from rota.errors import SearchFailedError
from rota.providers.deadline_http import deadline_pool

TIMEOUT_S = 10.0
"""For a whole search, the wait after a refusal included; the vendors answer in about a second."""

MAX_ANSWER_BYTES = 2_000_000
"""Twenty results are about 50 kB; what is larger is no search's answer."""

_DETAIL_CHARACTERS = 200
_WORDS = {
    401: "the key was refused",
    402: "the account's searches are used up",
    403: "the key was refused",
    429: "too many searches",
    432: "the key's searches are used up",  # Tavily's own codes
    433: "the account's searches are used up",
}
_NUMBERS = re.compile(r"\d+(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class Question:
    """What a vendor is asked: `fields` are the query string's, `body` is sent as JSON."""

    method: str
    path: str
    headers: Mapping[str, str]
    fields: Mapping[str, str] | None = None
    body: Mapping[str, Any] | None = None


class Exchange:
    """The connection to one vendor; `base_url` is its origin, `provider` its name in errors.

    Raises SearchFailedError for a key that no header can carry.
    """

    def __init__(self, provider: str, base_url: str, key: str, timeout_s: float = TIMEOUT_S) -> None:
        if not key or not key.isascii() or not key.isprintable() or " " in key:
            raise SearchFailedError("the key is empty or has signs that no key has", provider=provider)
        self._provider = provider
        self._base_url = base_url.rstrip("/")
        self._key = key
        self._timeout_s = timeout_s
        self._pool = deadline_pool(connections=2)

    def ask(self, question: Question) -> Any:
        """The vendor's answer, decoded from JSON. A 429 is waited out once where the time allows.

        Redirects are not followed: the key is for this vendor alone. Raises SearchFailedError for any other status
        than 200, no answer in time, and what is not JSON.
        """
        deadline_s = time.monotonic() + self._timeout_s
        status, headers, data = self._send(question, deadline_s)
        if status == 429:
            wait_s = pause_s(headers)
            if wait_s is not None and time.monotonic() + wait_s < deadline_s:
                time.sleep(wait_s)
                status, headers, data = self._send(question, deadline_s)
        if status != 200:
            raise self._refused(status, data)
        try:
            return json.loads(data)
        except (ValueError, RecursionError) as error:
            raise self._failed(f"the answer is not JSON ({type(error).__name__})", status) from error

    def _send(self, question: Question, deadline_s: float) -> tuple[int, Mapping[str, str], bytes]:
        left_s = max(0.001, deadline_s - time.monotonic())
        try:
            response = self._pool.request(
                question.method,
                self._base_url + question.path,
                headers={"accept": "application/json", "user-agent": "rota", **question.headers},
                fields=question.fields,
                json=question.body,
                timeout=urllib3.Timeout(total=left_s),
                redirect=False,
                retries=False,
                preload_content=False,
            )
            return response.status, response.headers, self._read(response)
        except HTTPError as error:
            # Not the error's own words: they may quote the whole request.
            raise self._failed(f"no answer ({type(error).__name__})") from error

    def _read(self, response: urllib3.BaseHTTPResponse) -> bytes:
        data = response.read(MAX_ANSWER_BYTES + 1)
        if len(data) > MAX_ANSWER_BYTES:
            response.close()
            raise self._failed(f"the answer is larger than {MAX_ANSWER_BYTES:,} bytes", response.status)
        response.release_conn()
        return data

    def _refused(self, status: int, data: bytes) -> SearchFailedError:
        said = _detail(data).replace(self._key, "…")[:_DETAIL_CHARACTERS]
        words = _WORDS.get(status, "the vendor's trouble" if status >= 500 else "the search was refused")
        return self._failed(f"{words} ({status}{': ' if said else ''}{said})", status)

    def _failed(self, message: str, status: int = 0) -> SearchFailedError:
        return SearchFailedError(message, provider=self._provider, status=status)


def pause_s(headers: Mapping[str, str]) -> float | None:
    """How long a 429 asks to wait; None when it does not say so.

    `Retry-After` in seconds, else Brave's `X-RateLimit-Reset`, which lists a time for each window of the plan, such as
    a second and a month: the longest of those that `X-RateLimit-Remaining` calls spent.
    """
    after = _numbers(headers.get("retry-after"))
    if after:
        return after[0]
    resets, remaining = _numbers(headers.get("x-ratelimit-reset")), _numbers(headers.get("x-ratelimit-remaining"))
    spent = [reset for reset, left in zip(resets, remaining, strict=False) if left == 0]
    return max(spent or resets[:1], default=None)


def _numbers(header: str | None) -> list[float]:
    parts = [part.strip() for part in (header or "").split(",")]
    return [float(part) for part in parts if _NUMBERS.fullmatch(part)]


def _detail(data: bytes) -> str:
    """The vendor's own sentence: `error.code` and `error.detail` of Brave, `detail.error` or `detail` of Tavily."""
    try:
        answer = json.loads(data)
    except (ValueError, RecursionError):
        return ""
    error = answer.get("error") if isinstance(answer, dict) else None
    detail = answer.get("detail") if isinstance(answer, dict) else None
    if isinstance(error, dict):
        said = [error.get("code"), error.get("detail")]
    else:
        said = [detail.get("error") if isinstance(detail, dict) else detail]
    return " ".join(" ".join(each.split()) for each in said if isinstance(each, str))
