"""Where a host may lie, in every spelling of an address, and what is said of those that may not."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from ipaddress import IPv4Address, ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rota.documents.sources.addresses import locate, may_be_fetched
from rota.documents.sources.urls import MAX_URL, WebUrl, parse_web_url, redirected
from rota.errors import UnreadableDocumentError

PUBLIC = (
    *("8.8.8.8", "93.184.215.14", "1.1.1.1", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1", "11.0.0.1"),
    *("2606:4700:4700::1111", "2a00:1450:4001:82a::200e", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"),
)
PRIVATE = (
    *("127.0.0.1", "127.255.255.254", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1"),
    *("100.127.255.255", "::1", "fc00::1", "fd12:3456::1", "::ffff:127.0.0.1", "::ffff:a00:1", "64:ff9b::127.0.0.1"),
    *("64:ff9b::10.0.0.1",),
)
NEVER = (
    *("169.254.169.254", "169.254.170.2", "169.254.170.23", "169.254.0.1", "fe80::1", "fe80::1%1", "febf::1"),
    *("fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "fd00:c1::a9fe:a9fe"),
    *("100.100.100.200", "168.63.129.16", "192.0.0.192"),
    *("::ffff:169.254.169.254", "64:ff9b::169.254.169.254", "::169.254.169.254", "::ffff:0:169.254.169.254"),
    *("2002:a9fe:a9fe::1", "2002:7f00:1::", "2002:808:808::1", "2001:0:53aa:64c:0:fffb:5601:5601", "2001::1"),
    *("64:ff9b:1::a9fe:a9fe", "64:ff9b:1::808:808", "::127.0.0.1", "::8.8.8.8"),
    *("0.0.0.0", "0.1.2.3", "::", "224.0.0.1", "239.255.255.250", "ff02::1", "ff0e::1", "240.0.0.1"),  # noqa: S104 - nothing binds
    *("255.255.255.255", "192.0.0.8", "192.0.0.9", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.51.100.1"),
    *("203.0.113.1", "2001:db8::1", "3fff::1", "100::1", "5f00::1", "fec0::1", "2001:20::1", "1000::1", "4000::1"),
)


def answer(*addresses: str) -> list[tuple[Any, ...]]:
    """What getaddrinfo says of a host with these addresses."""
    return [
        (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (each, 80, 0, 0))
        if ":" in each
        else (socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 80))
        for each in addresses
    ]


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes every host have the addresses that it is called with."""
    return lambda *found: monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answer(*found))


def refusal(text: str) -> str:
    """Why a URL is none that can be fetched."""
    with pytest.raises(UnreadableDocumentError) as caught:
        parse_web_url(text)
    return str(caught.value)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_may_be_fetched(address: str) -> None:
    """Also in the two forms of IPv6 that lead to an IPv4 host by themselves."""
    assert may_be_fetched(ip_address(address))


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_only_where_that_is_allowed(address: str) -> None:
    """Loopback, private networks and carriers' networks, however they are wrapped."""
    assert not may_be_fetched(ip_address(address))
    assert may_be_fetched(ip_address(address), private_allowed=True)


@pytest.mark.parametrize("address", NEVER)
def test_other_addresses_never(address: str) -> None:
    """Metadata services, groups, reserved blocks and tunnels: no operator's word opens them."""
    assert not may_be_fetched(ip_address(address))
    assert not may_be_fetched(ip_address(address), private_allowed=True)


@given(st.ip_addresses(v=4))
def test_wrapping_changes_no_verdict_for_the_better(address: Any) -> None:
    """The mapped and the translated form are judged like the address; every other form that holds it is refused."""
    number = int(address)
    for base in ("::ffff:0:0", "64:ff9b::"):
        wrapped = ip_address(int(ip_address(base)) | number)
        assert may_be_fetched(wrapped) == may_be_fetched(address)
    for base, shift in (("2002::", 80), ("2001::", 0), ("::ffff:0:0:0", 0), ("64:ff9b:1::", 0)):
        assert not may_be_fetched(ip_address(int(ip_address(base)) | number << shift), private_allowed=True)


@pytest.mark.parametrize(
    "host",
    [
        "2130706433",
        "0x7f000001",
        "017700000001",
        "0x7f.1",
        "127.1",
        "0177.0.0.1",
        "127.0.0.1.",
        "[::1]",
        "0",
        "①②⑦.0.0.1",
    ],
)
def test_other_spellings_of_loopback_are_refused(host: str) -> None:
    """The resolver reads them as it always does, and what it says is checked; allowing one spelling allows no other."""
    with pytest.raises(UnreadableDocumentError, match=r"^is at a private address, which is not fetched$"):
        locate(parse_web_url(f"http://{host}:8080/"), 5)
    if host not in ("127.0.0.1.", "①②⑦.0.0.1"):
        with pytest.raises(UnreadableDocumentError, match="private"):
            locate(parse_web_url(f"http://{host}:8080/"), 5, {"127.0.0.1:8080"})


def test_one_private_address_among_public_ones_is_enough(resolver: Callable[..., None]) -> None:
    """A host that has both could send the connection to either."""
    url = parse_web_url("https://both.test/")
    resolver("8.8.8.8", "2606:4700:4700::1111", "8.8.8.8")
    assert locate(url, 5) == [ip_address("8.8.8.8"), ip_address("2606:4700:4700::1111")]
    resolver("8.8.8.8", "10.1.2.3")
    with pytest.raises(UnreadableDocumentError) as caught:
        locate(url, 5)
    assert "10.1.2.3" not in str(caught.value)


def test_an_allowed_place_is_a_host_with_its_port(resolver: Callable[..., None]) -> None:
    """Neither another port nor a metadata service behind the allowed name."""
    resolver("10.1.2.3")
    url = parse_web_url("http://Wiki.Corp./page")
    assert locate(url, 5, {"wiki.corp:80"}) == [IPv4Address("10.1.2.3")]
    for allowed in ({"wiki.corp:8080"}, {"wiki.corp"}, set[str]()):
        with pytest.raises(UnreadableDocumentError, match="private"):
            locate(url, 5, allowed)
    resolver("10.1.2.3", "169.254.169.254")
    with pytest.raises(UnreadableDocumentError, match="private"):
        locate(url, 5, {"wiki.corp:80"})


def test_a_name_without_addresses_is_not_known(monkeypatch: pytest.MonkeyPatch, resolver: Callable[..., None]) -> None:
    """Whether the resolver says nothing or says so."""
    resolver()
    with pytest.raises(UnreadableDocumentError, match=r"^has a host whose name is not known$"):
        locate(parse_web_url("http://nowhere.test/"), 5)

    def unknown(*_: Any, **__: Any) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "resolver at 10.0.0.2 says no")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(UnreadableDocumentError, match=r"^has a host whose name is not known$"):
        locate(parse_web_url("http://nowhere.test/"), 5)


def test_a_slow_name_server_holds_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """The look-up is left behind; getaddrinfo itself cannot be stopped."""
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(1))
    started_s = time.monotonic()
    with pytest.raises(UnreadableDocumentError, match="could not be looked up in time"):
        locate(parse_web_url("http://slow.test/"), 0.05)
    assert time.monotonic() - started_s < 0.5


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("HTTP://Example.COM", "http://example.com/"),
        (" https://example.com:443/a/../b/./c?q=1#part\n", "https://example.com/b/c?q=1"),
        ("http://example.com.:8080?q", "http://example.com:8080/?q"),
        ("http://bücher.example/ä b", "http://xn--bcher-kva.example/%C3%A4%20b"),
        ("http://例え。テスト/", "http://xn--r8jz45g.xn--zckzah/"),
        ("http://[2606:4700:0:0::1111]:80/%7e", "http://[2606:4700::1111]/%7E"),
        ("http://my_host.example:00080/", "http://my_host.example/"),
        ("http://example.com//169.254.169.254/", "http://example.com//169.254.169.254/"),
        ("http://example.com/?u=http://user:pass@[::1]/", "http://example.com/?u=http://user:pass@%5B::1%5D/"),
        ("http://example.com/\\@evil.test/", "http://example.com/%5C@evil.test/"),
    ],
)
def test_urls_have_one_normal_form(text: str, normal: str) -> None:
    """Lower case, no default port, no fragment, no dots, ASCII only."""
    assert str(parse_web_url(text)) == normal


@pytest.mark.parametrize(
    "text",
    [
        *("", "example.com", "//example.com/", "http:example.com", "http:///etc/passwd", "https://", "http://:80/"),
        *("ftp://example.com/", "file:///etc/passwd", "gopher://127.0.0.1:6379/_INFO", "javascript:alert(1)"),
    ],
)
def test_other_schemes_are_no_web_addresses(text: str) -> None:
    """The message says how one must begin."""
    assert refusal(text).endswith("it must begin with http:// or https:// and a host")


@pytest.mark.parametrize(
    "text",
    [
        *(
            "http://exa mple.com/",
            "http://a\\b/",
            "http://a..b/",
            "http://-a/",
            "http://.a/",
            "http://a%2eb/",
            "http://*/",
        ),
        *("http://[::1/", "http://[::1]x/", "http://a[::1]/", "http://[fe80::1%25eth0]/", "http://[v1.a]/"),
        *("http://[1::2::3]/", "http://[::1]:x/", "http://a:-1/", "http://a:65536/", "http://a:٣/", "http://a:8 0/"),
        *(f"http://{'a' * 64}.example/", f"http://{'a.' * 200}a/", "http://a\udcff/", "http://a℀b/", "http://a<b>/"),
    ],
)
def test_malformed_hosts_and_ports_are_refused(text: str) -> None:
    """Nothing but a plain name or address reaches the resolver."""
    assert refusal(text).startswith("is no web address that can be fetched: ")


def test_what_else_a_url_must_not_hold() -> None:
    """Each has its own sentence, and none repeats a password."""
    assert "port 0" in refusal("http://example.com:0/")
    for text in ("http://user:secret@example.com/", "http://user@example.com/", "http://good.test\\@evil.test/"):
        assert refusal(text) == "carries a user name or password, which is not sent"
    for sign in ("\x00", "\r\nX: y", "\t", "\x7f", "\x85", "\u2028"):
        assert "control characters" in refusal(f"http://example.com/a{sign}b")
    assert "8,000" in refusal("http://example.com/" + "a" * MAX_URL)


@given(st.text(max_size=40), st.text(max_size=40), st.sampled_from(["", "@", ":", "[", "]", "\\", "?", "#", "/"]))
def test_any_text_is_a_safe_url_or_refused(host: str, path: str, between: str) -> None:
    """What comes out can go into a request line and is its own normal form."""
    try:
        url = parse_web_url(f"http://{host}{between}{path}")
    except UnreadableDocumentError:
        return
    assert str(url).isascii()
    assert not set(" \r\n\t\x00@\\") & set(url.host)
    assert not set(" \r\n\t\x00") & set(url.target)
    assert url.target.startswith("/")
    assert parse_web_url(str(url)) == url


@pytest.mark.parametrize(
    ("location", "there"),
    [
        ("/b", "https://example.com:8443/b"),
        ("b?x#y", "https://example.com:8443/dir/b?x"),
        ("//other.example/ü", "https://other.example/%C3%BC"),
        ("https://[2606:4700::1111]/", "https://[2606:4700::1111]/"),
    ],
)
def test_redirects_are_relative_to_where_they_come_from(location: str, there: str) -> None:
    """As a browser reads them."""
    assert str(redirected(parse_web_url("https://example.com:8443/dir/a"), location)) == there


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("http://example.com/", "redirects from https to http, which is not followed"),
        ("file:///etc/passwd", "redirects to what is no web address that can be fetched: it must begin with"),
        ("https://user:secret@example.com/", "redirects to what carries a user name or password"),
        ("/a\tb", "redirects to what is no web address that can be fetched: it holds control"),
        ("https://[::1/", "redirects to what is no web address that can be fetched: its host or port"),
    ],
)
def test_redirects_that_are_not_followed(location: str, reason: str) -> None:
    """The sentence says why and does not repeat what the server wrote."""
    with pytest.raises(UnreadableDocumentError) as caught:
        redirected(parse_web_url("https://example.com/a"), location)
    assert str(caught.value).startswith(reason)
    assert "secret" not in str(caught.value)


def test_the_parts_of_an_address_by_number() -> None:
    """Brackets belong to the Host header, not to the resolver or a certificate."""
    url = parse_web_url("https://[2606:4700::1111]:8443/")
    assert url == WebUrl("https", "[2606:4700::1111]", 8443, "/")
    assert (url.name, url.place, url.authority) == ("2606:4700::1111", "[2606:4700::1111]:8443", url.place)
    assert parse_web_url("https://[2606:4700::1111]/").authority == "[2606:4700::1111]"
