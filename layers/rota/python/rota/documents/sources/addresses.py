"""Where a host on the web may lie: its addresses are looked up once, and every one of them is checked.

Whoever fetches connects to these very addresses and asks no name server again, so an answer that changes in between
changes nothing. Errors never say an address that was looked up.
"""

from __future__ import annotations

import socket
from collections.abc import Collection
from concurrent.futures import Future
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from threading import Thread
from typing import Any

from rota.documents.sources.urls import WebUrl
from rota.errors import UnreadableDocumentError

IPAddress = IPv4Address | IPv6Address


def _networks(*blocks: str) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(map(ip_network, blocks))


_METADATA = _networks(
    *("169.254.0.0/16", "fe80::/10"),  # link-local: the credentials of every cloud's machines and containers
    *("fd00:ec2::/32", "fd20:ce::/32", "fd00:c1::/32"),  # the same of AWS, Google and Oracle by IPv6
    *("100.100.100.200/32", "168.63.129.16/32", "192.0.0.192/32"),  # Alibaba, Azure, Oracle
)
_PRIVATE = _networks(
    *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8"),
    *("fc00::/7", "::1/128"),
)
_SPECIAL = _networks(
    *("192.0.0.0/24", "192.88.99.0/24"),  # protocols' own, relays of 6to4
    *("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"),  # Teredo and protocols' own, examples, 6to4, examples
)
"""Not public although `is_global` of one Python or another from 3.11 on says so, or a tunnel to any IPv4 address."""

_UNICAST_6 = ip_network("2000::/3")
"""Global IPv6 addresses are given out from here alone (RFC 4291, and IANA's registry)."""

_NAT64 = ip_network("64:ff9b::/96")


def locate(url: WebUrl, wait_s: float, allowed: Collection[str] = ()) -> list[IPAddress]:
    """The addresses of a URL's host, at least one, in the resolver's order; every one of them may be fetched.

    `allowed` holds the `host:port` of places that may be private. Raises UnreadableDocumentError, completing the
    sentence "<url> …", when one address may not be fetched, when there is none, and when the look-up takes longer than
    `wait_s`.
    """
    found = list(dict.fromkeys(ip_address(answer[4][0]) for answer in _look_up(url, wait_s)))
    if not found:
        raise UnreadableDocumentError("has a host whose name is not known")
    if not all(may_be_fetched(address, private_allowed=url.place in allowed) for address in found):
        raise UnreadableDocumentError("is at a private address, which is not fetched")
    return found


def may_be_fetched(address: IPAddress, *, private_allowed: bool = False) -> bool:
    """Whether an address is public, or private where that is allowed; services for metadata never may."""
    inner = _unwrapped(address)
    if _in(inner, _METADATA):
        return False
    return _is_public(inner) or (private_allowed and _in(inner, _PRIVATE))


def _is_public(address: IPAddress) -> bool:
    if not address.is_global or address.is_multicast or address.is_reserved or _in(address, _SPECIAL):
        return False
    return address.version == 4 or address in _UNICAST_6


def _unwrapped(address: IPAddress) -> IPAddress:
    """The IPv4 address that an IPv6 address reaches by itself. Tunnels are refused whatever they wrap."""
    if isinstance(address, IPv6Address):
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
        return address.ipv4_mapped or address
    return address


def _in(address: IPAddress, networks: Collection[IPv4Network | IPv6Network]) -> bool:
    return any(address in network for network in networks)


def _look_up(url: WebUrl, wait_s: float) -> list[Any]:
    """What getaddrinfo answers. It has no time-out, so it runs in a thread that is left behind when it takes long."""
    found: Future[list[Any]] = Future()

    def ask() -> None:
        try:
            found.set_result(socket.getaddrinfo(url.name, url.port, type=socket.SOCK_STREAM))
        except Exception as error:  # noqa: BLE001 - raised again where the answer is awaited
            found.set_exception(error)

    Thread(target=ask, name="look-up", daemon=True).start()
    try:
        return found.result(timeout=wait_s)
    except TimeoutError as error:
        raise UnreadableDocumentError("has a host whose name could not be looked up in time") from error
    except (OSError, UnicodeError) as error:
        raise UnreadableDocumentError("has a host whose name is not known") from error
