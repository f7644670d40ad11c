"""Fetching a page whose URL somebody else chose: only from public places, within one time and one size.

Redirects are followed by hand, and every place on the way is checked like the first. Errors are UnreadableDocumentError
with a message that completes the sentence "<url> …"; they never say a looked-up address or what the server wrote.
"""

from __future__ import annotations

import io
import math
import re
import ssl
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.client import responses

from urllib3 import BaseHTTPResponse, PoolManager, Timeout
from urllib3.exceptions import ConnectTimeoutError, DecodeError, HTTPError, NewConnectionError, SSLError
from urllib3.exceptions import TimeoutError as NoAnswerError

from rota.documents.sources.addresses import IPAddress, locate
from rota.documents.sources.urls import WebUrl, parse_web_url, redirected
from rota.errors import UnreadableDocumentError
from rota.providers.deadline_http import deadline_pool

_HEADERS = {
    "User-Agent": "Rota/0.1 (+document reader)",
    "Accept": "text/html, application/xhtml+xml, application/pdf, text/*;q=0.9, */*;q=0.5",
    # Gzip alone: urllib3 keeps the whole of a deflate stream that never yields a byte.
    "Accept-Encoding": "gzip",
}
_ENCODINGS = ("", "identity", "gzip", "x-gzip")
_REDIRECTS = (301, 302, 303, 307, 308)
_BUSY = (429, 503)
_PIECE = 65_536
_REASONS: tuple[tuple[type[Exception], str], ...] = (
    (ConnectionRefusedError, "refuses connections"),
    (ssl.SSLCertVerificationError, "shows a certificate that is not valid for it"),
    (NewConnectionError, "cannot be reached"),  # before the time-outs, among which urllib3 counts it
    (NoAnswerError, "did not take a connection in time"),
    (SSLError, "cannot be read over TLS"),
    (DecodeError, "sent compressed data that is broken"),
    (HTTPError, "sent an answer that is broken or incomplete"),
)
"""The first that fits an error or what it was made of; when the time is over, that is the reason."""

_MAX_MEDIA_TYPE = 200


@dataclass(frozen=True, slots=True)
class WebLimits:
    """What one page may take: decoded bytes, seconds for everything, seconds to look a name up or to connect, hops."""

    max_bytes: int = 20_000_000
    total_s: float = 30
    connect_s: float = 5
    max_redirects: int = 5


@dataclass(frozen=True, slots=True)
class FetchedPage:
    """A page's decoded bytes, its Content-Type header as the server sent it (or empty), and where it was at last."""

    data: bytes
    media_type: str
    url: str


def fetch_page(url: str, limits: WebLimits, allowed: Collection[str] = ()) -> FetchedPage:
    """Get a page of http or https.

    `allowed` holds the `host:port` (lower case) of private places that may be fetched all the same. Raises
    UnreadableDocumentError for a URL or place that is not fetched, any status but 200, and an answer that is too large,
    too slow or broken. A 429 or 503 is tried once more when its Retry-After fits into the time.
    """
    with deadline_pool(1) as pool:
        return _Visit(limits, allowed, pool, time.monotonic() + limits.total_s).page(parse_web_url(url))


@dataclass(slots=True)
class _Visit:
    """One fetch with its redirects. Every method raises UnreadableDocumentError."""

    limits: WebLimits
    allowed: Collection[str]
    pool: PoolManager
    deadline_s: float
    may_retry: bool = True

    def page(self, url: WebUrl) -> FetchedPage:
        """The page at a URL, or where that redirects to."""
        for hop in range(self.limits.max_redirects + 1):
            # A host that the server named is not told unless it may be fetched.
            with _said("redirects to a place that " if hop else ""):
                addresses = locate(url, min(self.limits.connect_s, self._left_s()), self.allowed)
            with _said(f"redirects to {url.host}, which " if hop else ""):
                with closing(self._answer(url, addresses)) as response:
                    location = _location(response)
                    if location is None:
                        return FetchedPage(self._body(response), _media_type(response), str(url))
                url = redirected(url, location)
        raise UnreadableDocumentError(f"redirects more than {self.limits.max_redirects} times")

    def _answer(self, url: WebUrl, addresses: Sequence[IPAddress]) -> BaseHTTPResponse:
        response = self._request(url, addresses)
        if response.status in _BUSY and self.may_retry:
            wait_s = _retry_after_s(response)
            if wait_s < self._left_s():
                response.close()
                self.may_retry = False
                time.sleep(wait_s)
                return self._request(url, addresses)
        return response

    def _request(self, url: WebUrl, addresses: Sequence[IPAddress]) -> BaseHTTPResponse:
        """The answer of the first address that takes a connection."""
        try:
            for address in addresses[:-1]:
                with suppress(ConnectTimeoutError):  # such as IPv6 where there is none
                    return self._get(url, address)
            return self._get(url, addresses[-1])
        except HTTPError as error:
            # Without its frames: to these urllib3 leaves the open socket of an answer with two lengths.
            raise self._failure(error) from error.with_traceback(None)

    def _get(self, url: WebUrl, address: IPAddress) -> BaseHTTPResponse:
        left_s = self._left_s()
        # By the number that was checked: the name serves the certificate and the Host header alone.
        names = {"server_hostname": url.name} if url.scheme == "https" else {}
        return self.pool.connection_from_host(str(address), url.port, url.scheme, names).urlopen(
            "GET",
            url.target,
            headers={**_HEADERS, "Host": url.authority},
            timeout=Timeout(total=left_s, connect=min(self.limits.connect_s, left_s)),
            redirect=False,
            retries=False,
            preload_content=False,
        )

    def _body(self, response: BaseHTTPResponse) -> bytes:
        if response.status != HTTPStatus.OK:
            raise UnreadableDocumentError(_answered(response.status))
        if response.headers.get("content-encoding", "").strip().lower() not in _ENCODINGS:
            raise UnreadableDocumentError("sent a compression that was not asked for")
        most = self.limits.max_bytes
        if (response.length_remaining or 0) > most:
            raise UnreadableDocumentError(_too_large(most))
        data = io.BytesIO()  # which hands out what it holds without a copy
        try:
            # Each piece is bounded after it is unpacked, and waits for the server no longer than is left.
            while piece := response.read(_PIECE):
                data.write(piece)
                if data.tell() > most:
                    raise UnreadableDocumentError(_too_large(most))
        except HTTPError as error:
            raise self._failure(error) from error
        return data.getvalue()

    def _left_s(self) -> float:
        left_s = self.deadline_s - time.monotonic()
        if left_s <= 0:
            raise UnreadableDocumentError(self._too_slow())
        return left_s

    def _too_slow(self) -> str:
        return f"did not answer within {self.limits.total_s:g} s"

    def _failure(self, error: HTTPError) -> UnreadableDocumentError:
        over = time.monotonic() >= self.deadline_s
        return UnreadableDocumentError(self._too_slow() if over else _reason(error))


@contextmanager
def _said(before: str) -> Iterator[None]:
    """Puts words before the message of an error."""
    try:
        yield
    except UnreadableDocumentError as error:
        raise UnreadableDocumentError(f"{before}{error}") from error


def _reason(error: HTTPError) -> str:
    faults = (error, error.__cause__, *error.args)
    return next(words for kind, words in _REASONS if any(isinstance(fault, kind) for fault in faults))


def _location(response: BaseHTTPResponse) -> str | None:
    location = response.headers.get("location")
    if response.status not in _REDIRECTS or not location:
        return None
    # Headers are read as Latin-1; servers that do not escape a URL write it in UTF-8.
    return location.encode("latin-1", "replace").decode("utf-8", "replace")


def _retry_after_s(response: BaseHTTPResponse) -> float:
    """Infinity when the header names no seconds; a date is not read, for the server's clock may be wrong."""
    said = response.headers.get("retry-after", "").strip()
    return int(said) if re.fullmatch("[0-9]{1,5}", said) else math.inf


def _answered(status: int) -> str:
    """The status in its usual words, not the server's."""
    return f"answered {status} {responses.get(status, '')}".rstrip()


def _too_large(most: int) -> str:
    return f"has more than the {most / 1e6:g} MB that are read"


def _media_type(response: BaseHTTPResponse) -> str:
    return response.headers.get("content-type", "").strip()[:_MAX_MEDIA_TYPE]
