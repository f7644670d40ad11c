"""What a URL to be fetched may look like, and its one normal form."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv6Address
from urllib.parse import urljoin, urlsplit

from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from rota.errors import UnreadableDocumentError

MAX_URL = 8000
"""Characters; RFC 9110, section 4.1, asks servers to take at least so many."""

_MAX_NAME = 253
_PORTS = {"http": 80, "https": 443}
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_NAME = re.compile(r"[a-z0-9_][a-z0-9_.-]*")
_BRACKETED = re.compile(r"\[[0-9A-Fa-f:.]+\](?::[0-9]*)?")


@dataclass(frozen=True, slots=True)
class WebUrl:
    """A URL of http or https without its fragment.

    `host` is ASCII in lower case, and in brackets if it is an IPv6 address; `target` is the path and the query.
    """

    scheme: str
    host: str
    port: int
    target: str

    @property
    def place(self) -> str:
        """`host:port`."""
        return f"{self.host}:{self.port}"

    @property
    def authority(self) -> str:
        """What the `Host` header says: the place, without the port that is usual for the scheme."""
        return self.host if self.port == _PORTS[self.scheme] else self.place

    @property
    def name(self) -> str:
        """The host as name servers and certificates know it."""
        return self.host.strip("[]")

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.target}"


def parse_web_url(text: str) -> WebUrl:
    """Read an absolute URL of http or https, with any port but 0.

    Raises UnreadableDocumentError, completing the sentence "<url> …", for what is none, is longer than `MAX_URL` or
    carries a user name or password.
    """
    text = text.strip(" \t\r\n")
    if len(text) > MAX_URL:
        raise UnreadableDocumentError(f"is longer than the {MAX_URL:,} characters that an address may have")
    if _CONTROLS.search(text):
        raise _malformed("it holds control characters")
    try:
        parts = urlsplit(text)
        port, name = parts.port, parts.hostname
    except ValueError as error:
        raise _malformed("its host or port is malformed") from error
    if parts.scheme not in _PORTS or not name:
        raise _malformed("it must begin with http:// or https:// and a host")
    if "@" in parts.netloc:
        raise UnreadableDocumentError("carries a user name or password, which is not sent")
    if "[" in parts.netloc and not _BRACKETED.fullmatch(parts.netloc):
        raise _malformed("its host is malformed")
    if port == 0:
        raise _malformed("there is no port 0")
    host = _host(name)
    query = f"?{parts.query}" if parts.query else ""
    return WebUrl(parts.scheme, host, port or _PORTS[parts.scheme], _target(host, parts.path + query))


def redirected(url: WebUrl, location: str) -> WebUrl:
    """Where a `Location` header leads from a URL.

    Raises UnreadableDocumentError, completing the sentence "<url> …", for what is no URL and for the way from https to
    http.
    """
    try:
        if _CONTROLS.search(location):  # urljoin would drop some of them
            raise _malformed("it holds control characters")
        found = parse_web_url(_joined(url, location))
    except UnreadableDocumentError as error:
        raise UnreadableDocumentError(f"redirects to what {error}") from error
    if url.scheme == "https" and found.scheme == "http":
        raise UnreadableDocumentError("redirects from https to http, which is not followed")
    return found


def _joined(url: WebUrl, location: str) -> str:
    try:
        return urljoin(str(url), location.strip(" "))
    except ValueError as error:
        raise _malformed("its host or port is malformed") from error


def _host(name: str) -> str:
    name = name.removesuffix(".")
    try:
        if ":" in name:
            return f"[{IPv6Address(name)}]"
        # The standard library's IDNA, which getaddrinfo uses: urllib3's needs a library that is not deployed.
        name = name.encode("idna").decode("ascii").lower() if len(name) <= _MAX_NAME else ""
    except ValueError as error:
        raise _malformed("its host is malformed") from error
    if not _NAME.fullmatch(name) or len(name) > _MAX_NAME:
        raise _malformed("its host is malformed")
    return name


def _target(host: str, path: str) -> str:
    """Without dots that lead up or nowhere, and with everything escaped that must be."""
    try:
        return parse_url(f"http://{host}{path}").request_uri
    except LocationParseError as error:
        raise _malformed("its path is malformed") from error


def _malformed(reason: str) -> UnreadableDocumentError:
    return UnreadableDocumentError(f"is no web address that can be fetched: {reason}")
