"""Fetching from servers that answer anything at all: only checked places, within the time and the size."""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase
from pathlib import Path
from typing import Any

import pytest
import urllib3.util.connection
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from rota.documents.sources.web import FetchedPage, WebLimits, fetch_page
from rota.errors import UnreadableDocumentError

QUICK = WebLimits(max_bytes=100_000, total_s=5, connect_s=2)
SECRET = "db-7.internal: password expired"
Page = bytes | Callable[[BufferedIOBase], None]


def answer(status: int = 200, body: bytes = b"", **headers: str) -> bytes:
    """A whole answer; `content_type="…"` is a header, and a Content-Length is added unless one is given."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    named.setdefault("content-length", str(len(body)))
    lines = [f"HTTP/1.1 {status} {SECRET}", *(f"{name}: {value}" for name, value in named.items() if value)]
    return "\r\n".join([*lines, "", ""]).encode() + body


def redirect(location: str, status: int = 302) -> bytes:
    """An answer that leads elsewhere."""
    return answer(status, SECRET.encode(), location=location)


class Site:
    """A server on a free port of loopback: `pages` by path, as bytes or as a function that writes them."""

    def __init__(self, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> None:
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.requests.append((self.path, {name.lower(): text for name, text in self.headers.items()}))
                page = site.pages.get(self.path, answer(404, SECRET.encode()))
                if isinstance(page, list):
                    page = page.pop(0) if len(page) > 1 else page[0]
                with suppress(OSError):  # the client may leave at any time
                    page(self.wfile) if callable(page) else self.wfile.write(page)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                """Tests print enough."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            address_family = socket.AF_INET6 if ":" in host else socket.AF_INET

            def handle_error(self, request: Any, client_address: Any) -> None:
                """A handshake that the client refuses is what some tests are about."""

        self.pages: dict[str, Page | list[bytes]] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.server = Server((host, 0), Handler)
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self.server.server_port
        self.place = f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"
        self.url = f"{'https' if tls else 'http'}://{self.place}"
        self.ended = threading.Event()

    def __enter__(self) -> Site:
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self.server.shutdown()
        self.server.server_close()

    def drip(self, data: bytes) -> Callable[[BufferedIOBase], None]:
        """A page that comes byte by byte, with a pause after each."""

        def write(to: BufferedIOBase) -> None:
            for at in range(len(data)):
                to.write(data[at : at + 1])
                if self.ended.wait(0.02):
                    return

        return write

    def fetch(self, path: str = "/", limits: WebLimits = QUICK) -> FetchedPage:
        """A page of this site, which is allowed."""
        return fetch_page(self.url + path, limits, {self.place})


@pytest.fixture
def site() -> Iterator[Site]:
    """One running server."""
    with Site() as running:
        yield running


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[list[str]]]:
    """Host names and their addresses at each look-up in turn; the last one is repeated. Numbers are read as always."""
    known: dict[str, list[list[str]]] = {}
    real = socket.getaddrinfo

    def look_up(host: str, port: int, *options: Any, **named: Any) -> list[Any]:
        if host not in known:
            return real(host, port, socket.AF_UNSPEC, socket.SOCK_STREAM, 0, socket.AI_NUMERICHOST)
        found = known[host].pop(0) if len(known[host]) > 1 else known[host][0]
        return [each for address in found for each in real(address, port, socket.AF_UNSPEC, socket.SOCK_STREAM)]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return known


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that are connected to; public ones refuse without being asked."""
    asked: list[str] = []
    real = urllib3.util.connection.create_connection

    def connect(address: tuple[str, int], *options: Any, **named: Any) -> socket.socket:
        asked.append(address[0])
        if not address[0].startswith("127."):
            raise ConnectionRefusedError(111, f"nobody is at {address[0]}")
        return real(address, *options, **named)

    monkeypatch.setattr(urllib3.util.connection, "create_connection", connect)
    return asked


def reason(fetch: Callable[[], Any]) -> str:
    """Why a page is not read; never with a word of the server's or an address that was looked up."""
    with pytest.raises(UnreadableDocumentError) as caught:
        fetch()
    said = str(caught.value)
    assert not any(leak in said for leak in ("internal", "expired", "10.", "169.", "Errno"))
    return said


def test_a_page_comes_with_its_type_and_its_place(site: Site) -> None:
    """The request says honestly who asks, and carries nothing else that would tell."""
    site.pages["/a%20b?q=1"] = answer(body=b"<p>hi</p>", content_type="text/html; charset=utf-8")
    page = site.fetch("/x/../a b?q=1#part")
    assert page == FetchedPage(b"<p>hi</p>", "text/html; charset=utf-8", f"{site.url}/a%20b?q=1")
    ((_, headers),) = site.requests
    assert headers["host"] == site.place
    assert headers["user-agent"] == "Rota/0.1 (+document reader)"
    assert "text/html" in headers["accept"]
    assert "application/pdf" in headers["accept"]
    assert set(headers) == {"host", "user-agent", "accept", "accept-encoding"}


def test_a_page_may_lack_a_length_a_type_and_a_body(site: Site) -> None:
    """It then ends where the connection does."""
    site.pages |= {"/": answer(body=b"text", content_length=""), "/empty": answer()}
    assert site.fetch() == FetchedPage(b"text", "", f"{site.url}/")
    assert site.fetch("/empty").data == b""


def test_a_host_with_other_letters_is_asked_for_by_its_encoded_name(site: Site, names: dict[str, list[Any]]) -> None:
    """In the look-up as in the header."""
    names["xn--bcher-kva.test"] = [["127.0.0.1"]]
    site.pages["/"] = answer(body=b"books")
    url = f"http://Bücher.test:{site.port}/"
    assert fetch_page(url, QUICK, {f"xn--bcher-kva.test:{site.port}"}).data == b"books"
    assert site.requests[0][1]["host"] == f"xn--bcher-kva.test:{site.port}"


@pytest.mark.skipif(not urllib3.util.connection.HAS_IPV6, reason="this machine has no IPv6")
def test_a_place_on_ipv6_is_fetched() -> None:
    """Its brackets stay in the header."""
    with Site("::1") as site:
        site.pages["/"] = answer(body=b"six")
        assert site.fetch().data == b"six"
        assert site.requests[0][1]["host"] == site.place


@pytest.mark.parametrize(
    ("status", "words"),
    [
        *((404, "Not Found"), (403, "Forbidden"), (500, "Internal Server Error"), (204, "No Content")),
        *((206, "Partial Content"), (300, "Multiple Choices"), (304, "Not Modified"), (302, "Found"), (299, "")),
    ],
)
def test_any_other_status_is_the_reason(site: Site, status: int, words: str) -> None:
    """In the words of the standard. A redirect without a place is one of them."""
    site.pages["/"] = answer(status, b"" if status in (204, 304) else SECRET.encode())
    assert reason(site.fetch) == f"answered {status} {words}".strip()


def test_private_places_are_not_even_asked(site: Site, names: dict[str, list[Any]]) -> None:
    """By number, by name, by a name with a public address too, or on another port than the allowed one."""
    names |= {"inside.test": [["127.0.0.1"]], "both.test": [["8.8.8.8", "127.0.0.1"]]}
    for host in ("127.0.0.1", "inside.test", "both.test", "2130706433"):
        url = f"http://{host}:{site.port}/"
        for allowed in (set[str](), {f"{host}:1", f"other.test:{site.port}"}):
            assert reason(lambda u=url, a=allowed: fetch_page(u, QUICK, a)) == (  # type: ignore[misc]  # bound now
                "is at a private address, which is not fetched"
            )
    assert site.requests == []


def test_metadata_is_not_fetched_whatever_is_allowed(names: dict[str, list[Any]], connections: list[str]) -> None:
    """Neither by its number nor behind an allowed name."""
    names["wiki.test"] = [["169.254.169.254"]]
    for host in ("169.254.169.254", "wiki.test"):
        said = reason(lambda h=host: fetch_page(f"http://{h}/", QUICK, {f"{h}:80"}))  # type: ignore[misc]  # bound now
        assert said == "is at a private address, which is not fetched"
    assert connections == []


def test_the_address_that_was_checked_is_the_one_connected_to(
    site: Site, names: dict[str, list[Any]], connections: list[str]
) -> None:
    """A name server that says something else a moment later changes nothing."""
    names["public.test"] = [["93.184.215.14"], ["127.0.0.1"]]
    assert reason(lambda: fetch_page(f"http://public.test:{site.port}/", QUICK)) == "refuses connections"
    assert connections == ["93.184.215.14"]
    assert len(names["public.test"]) == 1  # looked up once
    names["inside.test"] = [["127.0.0.1"], ["127.0.0.2"]]
    site.pages["/"] = answer(body=b"checked")
    assert fetch_page(f"http://inside.test:{site.port}/", QUICK, {f"inside.test:{site.port}"}).data == b"checked"
    assert connections == ["93.184.215.14", "127.0.0.1"]
    assert site.requests[0][1]["host"] == f"inside.test:{site.port}"


def test_each_hop_is_looked_up_and_checked_anew(
    site: Site, names: dict[str, list[Any]], connections: list[str]
) -> None:
    """A page that leads to its own host comes no further when the name has moved in between."""
    names["moving.test"] = [["127.0.0.1"], ["169.254.169.254"]]
    site.pages["/"] = redirect("/next")
    said = reason(lambda: fetch_page(f"http://moving.test:{site.port}/", QUICK, {f"moving.test:{site.port}"}))
    assert said == "redirects to a place that is at a private address, which is not fetched"
    assert connections == ["127.0.0.1"]


def test_the_next_address_is_tried_when_one_takes_no_connection(site: Site, names: dict[str, list[Any]]) -> None:
    """Such as an IPv6 address on a machine that has none."""
    names["two.test"] = [["::1", "127.0.0.1"], ["127.0.0.1", "::1"]]
    site.pages["/"] = answer(body=b"there")
    for _ in range(2):  # the one that answers is second, then first
        assert fetch_page(f"http://two.test:{site.port}/", QUICK, {f"two.test:{site.port}"}).data == b"there"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_followed(site: Site, status: int) -> None:
    """Relative ones, absolute ones, and those with letters that should have been escaped."""
    site.pages |= {
        "/dir/a": redirect("b?x=1#part", status),
        "/dir/b?x=1": redirect(f"{site.url}/ü", status),
        "/%C3%BC": answer(body=b"there", content_type="text/plain"),
    }
    assert site.fetch("/dir/a") == FetchedPage(b"there", "text/plain", f"{site.url}/%C3%BC")


def test_a_redirect_to_another_port_is_refused(site: Site) -> None:
    """A place that is not allowed is not asked, and not named."""
    with Site() as other:
        site.pages["/"] = redirect(other.url)
        said = reason(site.fetch)
        assert said == "redirects to a place that is at a private address, which is not fetched"
        assert other.requests == []
        other.pages["/"] = answer(500)
        said = reason(lambda: fetch_page(site.url, QUICK, {site.place, other.place}))
        assert said == "redirects to 127.0.0.1, which answered 500 Internal Server Error"


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("http://169.254.169.254/latest/meta-data/", "a place that is at a private address, which is not fetched"),
        ("http://[fd00:ec2::254]/latest/", "a place that is at a private address, which is not fetched"),
        ("http://[::ffff:10.1.2.3]/", "a place that is at a private address, which is not fetched"),
        ("//0x0a010203/", "a place that is at a private address, which is not fetched"),
        ("file:///etc/passwd", "what is no web address that can be fetched: it must begin with http:// or https://"),
        ("http://root:password@example.test/", "what carries a user name or password, which is not sent"),
    ],
)
def test_redirects_that_lead_inside_are_refused(site: Site, connections: list[str], location: str, said: str) -> None:
    """However the place is written."""
    site.pages["/"] = redirect(location)
    assert f"redirects to {said}" in reason(site.fetch).replace("redirects to 127.0.0.1, which ", "")
    assert connections == ["127.0.0.1"]


def test_redirects_end(site: Site) -> None:
    """A loop costs one request more than redirects are followed."""
    site.pages["/"] = redirect("/")
    assert reason(lambda: site.fetch(limits=WebLimits(max_redirects=3))) == "redirects more than 3 times"
    assert len(site.requests) == 4
    site.pages["/"] = [redirect("/"), redirect("/"), answer(body=b"x")]
    assert site.fetch(limits=WebLimits(max_redirects=2)).data == b"x"


def test_a_compressed_page_is_unpacked(site: Site) -> None:
    """Also in several parts."""
    site.pages["/"] = answer(body=gzip.compress(b"one ") + gzip.compress(b"two"), content_encoding="GZIP")
    assert site.fetch().data == b"one two"
    assert site.requests[0][1]["accept-encoding"] == "gzip"


def test_a_small_page_that_unpacks_to_a_large_one_is_refused(site: Site) -> None:
    """Without holding much more than the limit: thirty megabytes come in thirty kilobytes."""
    site.pages["/"] = answer(body=gzip.compress(bytes(30_000_000), 9), content_encoding="gzip")
    tracemalloc.start()
    try:
        assert reason(site.fetch) == "has more than the 0.1 MB that are read"
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("encoding", ["deflate", "br", "zstd", "gzip, gzip", "deflate, gzip"])
def test_a_compression_that_was_not_asked_for_is_refused(site: Site, encoding: str) -> None:
    """A deflate stream of empty blocks would be kept whole by the library, and chains multiply."""
    site.pages["/"] = answer(body=zlib.compress(b"text"), content_encoding=encoding)
    assert reason(site.fetch) == "sent a compression that was not asked for"


def test_broken_compression_is_the_reason(site: Site) -> None:
    """It says nothing of the bytes."""
    site.pages["/"] = answer(body=b"no gzip at all", content_encoding="gzip")
    assert reason(site.fetch) == "sent compressed data that is broken"


def test_a_page_of_exactly_the_limit_is_read(site: Site) -> None:
    """One byte more is not, whether it is announced or not."""
    site.pages |= {
        "/most": answer(body=b"x" * 100_000),
        "/more": answer(body=b"x" * 100_001),
        "/unsaid": answer(body=b"x" * 100_001, content_length=""),
    }
    assert len(site.fetch("/most").data) == 100_000
    for path in ("/more", "/unsaid"):
        assert reason(lambda p=path: site.fetch(p)) == "has more than the 0.1 MB that are read"  # type: ignore[misc]  # bound now


def test_an_announced_size_is_refused_before_anything_is_read(site: Site) -> None:
    """The body of this page never comes."""

    def announce(to: BufferedIOBase) -> None:
        to.write(answer(content_length="100001"))
        site.ended.wait(10)

    site.pages["/"] = announce
    started_s = time.monotonic()
    assert reason(site.fetch) == "has more than the 0.1 MB that are read"
    assert time.monotonic() - started_s < 2


def test_an_endless_page_is_cut_off(site: Site) -> None:
    """In chunks too, where no length is ever announced."""

    def endless(to: BufferedIOBase) -> None:
        to.write(answer(content_length="", transfer_encoding="chunked"))
        while not site.ended.is_set():
            to.write(b"1000\r\n" + b"x" * 0x1000 + b"\r\n")

    site.pages["/"] = endless
    assert reason(site.fetch) == "has more than the 0.1 MB that are read"


@pytest.mark.parametrize("drip_from", [0, 30, 200])
def test_a_server_that_drips_is_left_in_time(site: Site, drip_from: int) -> None:
    """Whether the status, a header or the body comes byte by byte: each one would start a read's time-out anew."""
    whole = answer(body=b"x" * 500, x_padding="y" * 100)
    slow = site.drip(whole[drip_from:])

    def page(to: BufferedIOBase) -> None:
        to.write(whole[:drip_from])
        slow(to)

    site.pages["/"] = page
    started_s = time.monotonic()
    assert reason(lambda: site.fetch(limits=WebLimits(total_s=0.3))) == "did not answer within 0.3 s"
    assert time.monotonic() - started_s < 1.5


def test_the_time_holds_over_all_redirects(site: Site) -> None:
    """Each hop takes a part of it."""

    def slowly(to: BufferedIOBase) -> None:
        site.ended.wait(0.15)
        to.write(redirect("/"))

    site.pages["/"] = slowly
    started_s = time.monotonic()
    said = reason(lambda: site.fetch(limits=WebLimits(total_s=0.4, max_redirects=50)))
    assert said.endswith("did not answer within 0.4 s")
    assert time.monotonic() - started_s < 1.5
    assert 2 <= len(site.requests) <= 3


def test_a_chunked_page_is_read(site: Site) -> None:
    """As most servers send what they make on the way."""
    body = b"4\r\none \r\n3;note=x\r\ntwo\r\n0\r\nTrailer: x\r\n\r\n"
    site.pages["/"] = answer(body=body, content_length="", transfer_encoding="chunked")
    assert site.fetch().data == b"one two"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6 internal\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/9.9 200 OK\r\n\r\n",
        b"HTTP/1.1 200 " + b"x" * 70_000,
        b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200 + b"\r\n",
        answer(body=b"short", content_length="50"),
        answer(body=b"short", content_length="5, 6"),
        answer(body=b"zz\r\nshort", content_length="", transfer_encoding="chunked"),
        answer(body=b"ff\r\nshort", content_length="", transfer_encoding="chunked"),
        answer(body=b"1" * 70_000, content_length="", transfer_encoding="chunked"),
    ],
    ids=range(12),
)
def test_an_answer_that_is_no_http_is_the_reason(site: Site, raw: bytes) -> None:
    """Cut off, malformed or without an end; what came is not repeated."""
    site.pages["/"] = raw
    assert reason(site.fetch) == "sent an answer that is broken or incomplete"


def test_a_closed_port_refuses(names: dict[str, list[Any]]) -> None:
    """Its number is not told."""
    with Site() as closed:
        pass
    names["closed.test"] = [["127.0.0.1"]]
    said = reason(lambda: fetch_page(f"http://closed.test:{closed.port}/", QUICK, {f"closed.test:{closed.port}"}))
    assert said == "refuses connections"


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_is_asked_once_more(site: Site, status: int) -> None:
    """When it says how soon, and only once, over redirects too."""
    busy = answer(status, retry_after="0")
    site.pages |= {"/": [busy, answer(body=b"now")], "/always": busy, "/twice": [busy, redirect("/always")]}
    assert site.fetch().data == b"now"
    assert reason(lambda: site.fetch("/always")).startswith(f"answered {status} ")
    assert len(site.requests) == 4
    assert f"answered {status} " in reason(lambda: site.fetch("/twice"))
    assert len(site.requests) == 7


@pytest.mark.parametrize("after", ["", "5", "3600", "-1", "soon", "Wed, 21 Oct 2015 07:28:00 GMT"])
def test_a_server_that_wants_too_long_a_pause_is_left(site: Site, after: str) -> None:
    """Nor is it asked again when it does not say how long."""
    site.pages["/"] = answer(503, retry_after=after)
    started_s = time.monotonic()
    assert reason(site.fetch) == "answered 503 Service Unavailable"
    assert time.monotonic() - started_s < 2
    assert len(site.requests) == 1


def test_the_pause_is_what_the_server_asked_for(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """In seconds."""
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    site.pages["/"] = [answer(429, retry_after="3"), answer(body=b"now")]
    assert site.fetch().data == b"now"
    assert 3 in pauses


def test_proxies_of_the_environment_are_not_used(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """One could reach what is refused here."""
    with Site() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        site.pages["/"] = answer(body=b"direct")
        assert site.fetch().data == b"direct"
        assert proxy.requests == []


def certificate(directory: Path, name: str) -> Path:
    """A certificate for a host that signs itself, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, private = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    path = directory / f"{name}.pem"
    path.write_bytes(made.public_bytes(pem) + key.private_bytes(pem, private, serialization.NoEncryption()))
    return path


@pytest.fixture
def safe_site(
    tmp_path: Path, names: dict[str, list[Any]], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Site]]:
    """Builds servers for `safe.test` over TLS; `trusted` or not, and with the certificate of another host."""
    names["safe.test"] = [["127.0.0.1"]]
    with ExitStack() as running:

        def build(*, trusted: bool = True, name: str = "safe.test") -> Site:
            path = certificate(tmp_path, name)
            if trusted:
                monkeypatch.setenv("SSL_CERT_FILE", str(path))
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(path)
            site = running.enter_context(Site(tls=context))
            site.place = f"safe.test:{site.port}"
            site.url = f"https://{site.place}"
            return site

        yield build


def test_https_is_read_by_the_name_of_the_host(safe_site: Callable[..., Site]) -> None:
    """The connection goes to a number; the certificate and the header are about the name."""
    site = safe_site()
    site.pages["/"] = answer(body=b"safe" * 10_000)
    assert site.fetch().data == b"safe" * 10_000
    assert site.requests[0][1]["host"] == site.place


@pytest.mark.parametrize("wrong", [{"trusted": False}, {"name": "other.test"}, {"name": "127.0.0.1"}])
def test_a_wrong_certificate_is_refused(safe_site: Callable[..., Site], wrong: dict[str, Any]) -> None:
    """One that nobody trusted signed, and one for another host; not a request is sent."""
    site = safe_site(**wrong)
    assert reason(site.fetch) == "shows a certificate that is not valid for it"
    assert site.requests == []


def test_a_server_without_tls_is_no_https(site: Site) -> None:
    """Nor is one that says nothing to the greeting waited for without end."""
    said = reason(lambda: fetch_page(f"https://{site.place}/", QUICK, {site.place}))
    assert said == "cannot be read over TLS"
    with socket.create_server(("127.0.0.1", 0)) as silent:
        place = f"127.0.0.1:{silent.getsockname()[1]}"
        limits = WebLimits(total_s=5, connect_s=0.2)
        assert reason(lambda: fetch_page(f"https://{place}/", limits, {place})) == "did not take a connection in time"


def test_the_way_from_https_to_http_is_not_followed(site: Site, safe_site: Callable[..., Site]) -> None:
    """The other way is."""
    safe = safe_site()
    allowed = {safe.place, site.place}
    safe.pages |= {"/down": redirect(f"{site.url}/"), "/": answer(body=b"up")}
    site.pages |= {"/": answer(body=b"down"), "/up": redirect(f"{safe.url}/")}
    said = reason(lambda: fetch_page(f"{safe.url}/down", QUICK, allowed))
    assert said == "redirects from https to http, which is not followed"
    assert site.requests == []
    assert fetch_page(f"{site.url}/up", QUICK, allowed) == FetchedPage(b"up", "", f"{safe.url}/")
