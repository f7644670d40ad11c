"""A search of the web: both vendors' wires, their refusals, and several queries as one list of results."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from rota.catalog import Search
from rota.catalog_file import parse_catalog, problems
from rota.documents.search import exchange
from rota.documents.search.base import Found, SearchProvider
from rota.documents.search.web_search import Brave, Tavily, address, bounded, search_provider, search_web
from rota.errors import RotaError, SearchFailedError
from tests.fixtures.ledger_world import catalog_of
from tests.fixtures.search_vendor import (
    MALFORMED,
    Answer,
    SearchVendor,
    brave_error,
    brave_limited,
    json_answer,
    tavily_error,
)
from tests.unit.canned_vendor import CannedVendor, http_answer

KEY = "secret-key-1"
PAGES = {
    "/tides": "<title>Tides &amp; harbours</title><p>The tide table of the harbour: high water &lt; noon.</p>",
    "/dues": "<title>Dues</title><p>Harbour dues are paid at the gate, by the owner of the ship.</p>",
    "/bread": "<title>Bread</title><p>Rolls at dawn.</p>",
}
Build = Callable[..., SearchProvider]


@pytest.fixture
def vendor() -> Iterator[SearchVendor]:
    """Three pages."""
    with SearchVendor(PAGES, KEY) as running:
        yield running


@pytest.fixture(params=[Brave, Tavily], ids=["brave", "tavily"])
def build(request: pytest.FixtureRequest) -> Build:
    """Each provider in turn."""
    return request.param  # type: ignore[no-any-return]  # pytest's own type


def test_results_come_in_the_vendors_order_and_as_plain_text(vendor: SearchVendor, build: Build) -> None:
    """Addresses that can be fetched, titles and snippets without markup or entities."""
    found = build(KEY, vendor.base_url).search("tide table harbour", 5)
    assert found[0] == Found(
        f"{vendor.base_url}/tides",
        "Tides & harbours",
        "Tides & harbours The tide table of the harbour: high water < noon.",
    )
    assert [each.url.rpartition("/")[2] for each in found] == ["tides", "dues"]
    assert build(KEY, vendor.base_url).search("zebra", 5) == []


def test_brave_is_asked_as_its_reference_says(vendor: SearchVendor) -> None:
    """The key in its own header; pages alone, without markup."""
    Brave(KEY, vendor.base_url).search("tide & table", 3)
    (call,) = vendor.calls
    assert (call.method, call.path) == ("GET", "/res/v1/web/search")
    assert call.headers["x-subscription-token"] == KEY
    assert call.fields == {"q": "tide & table", "count": "3", "text_decorations": "false", "result_filter": "web"}


def test_tavily_is_asked_as_its_reference_says(vendor: SearchVendor) -> None:
    """A bearer key, and the cheap depth."""
    Tavily(KEY, vendor.base_url + "/").search("tide table", 3)
    (call,) = vendor.calls
    assert (call.method, call.path) == ("POST", "/search")
    assert (call.headers["authorization"], call.headers["content-type"]) == (f"Bearer {KEY}", "application/json")
    assert call.fields == {"query": "tide table", "max_results": 3, "search_depth": "basic"}


@pytest.mark.parametrize("count", [-1, 0, 1, 20, 50])
def test_queries_and_counts_are_kept_within_bounds(vendor: SearchVendor, build: Build, count: int) -> None:
    """Neither vendor refuses a long query or a large count."""
    vendor.extra = [{"url": f"https://example.com/{n}", "title": "t"} for n in range(30)]
    found = build(KEY, vendor.base_url).search("tide table " * 200, count)
    assert len(found) == max(0, min(20, count))


def test_a_query_is_cut_at_a_word() -> None:
    """At most 50 words, 400 characters, on one line."""
    assert bounded(" a\n b\t") == "a b"
    assert len(bounded("word " * 90).split()) == 50
    assert bounded("nine char " * 90) == ("nine char " * 25).strip()
    assert bounded("x" * 399 + " yz") == "x" * 399
    assert bounded("x" * 400 + " yz") == "x" * 400
    assert bounded("x" * 500) == "x" * 400
    assert bounded("\ud800?") == "??"


def test_a_wrong_key_is_said_without_the_key(vendor: SearchVendor, build: Build) -> None:
    """Brave answers 422, Tavily 401; the message has the vendor's words, and no key is in any of it."""
    with pytest.raises(SearchFailedError, match=r"search by (brave|tavily) failed: .*(invalid)") as caught:
        build("wrong-key-2", vendor.base_url).search("tide", 3)
    assert "wrong-key-2" not in str(caught.value)
    assert caught.value.status in (401, 422)
    assert caught.value.provider in ("brave", "tavily")
    assert isinstance(caught.value, RotaError)
    assert (caught.value.code, caught.value.http_status) == ("search_failed", 502)


def test_a_vendor_that_repeats_the_key_is_not_quoted(vendor: SearchVendor) -> None:
    """Whatever it says passes a filter, and is cut."""
    vendor.upcoming.append(tavily_error(401, f"no such key {KEY} {'x' * 900}"))
    with pytest.raises(SearchFailedError, match="the key was refused") as caught:
        Tavily(KEY, vendor.base_url).search("tide", 3)
    assert KEY not in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("key", ["", "two words", "line\nbreak", "schlüssel"])
def test_a_key_that_no_header_can_carry_is_refused_at_once(build: Build, key: str) -> None:
    """The HTTP library would quote it in its error."""
    with pytest.raises(SearchFailedError, match="the key is empty or has signs") as caught:
        build(key, "http://127.0.0.1:1")
    assert not key or key not in str(caught.value)


@pytest.mark.parametrize(
    "refusal",
    [
        brave_limited(reset="0, 1419704"),
        Answer(429, b"", {"Retry-After": "0"}),
        Answer(429, b"", {"Retry-After": "0.05"}),
        Answer(429, b"", {"X-RateLimit-Reset": "0, 5000"}),
    ],
    ids=["brave", "retry-after", "part of a second", "no remaining"],
)
def test_one_refusal_is_waited_out(vendor: SearchVendor, build: Build, refusal: Answer) -> None:
    """As long as the vendor asks; the next one is an error."""
    vendor.upcoming.append(refusal)
    assert len(build(KEY, vendor.base_url).search("tide", 3)) == 1
    assert len(vendor.calls) == 2
    vendor.upcoming.extend([refusal, refusal])
    with pytest.raises(SearchFailedError, match=r"too many searches \(429") as caught:
        build(KEY, vendor.base_url).search("tide", 3)
    assert (caught.value.status, len(vendor.calls)) == (429, 4)


@pytest.mark.parametrize(
    "refusal",
    [
        brave_limited(remaining="0, 0"),
        Answer(429, b"", {"Retry-After": "60"}),
        Answer(429, b"", {"Retry-After": "soon"}),
        Answer(429, b"[1]"),
    ],
    ids=["month spent", "too long", "not a number", "silent"],
)
def test_a_wait_that_cannot_help_is_not_begun(vendor: SearchVendor, refusal: Answer) -> None:
    """Longer than the time-out, or nobody said how long."""
    vendor.upcoming.append(refusal)
    started_s = time.monotonic()
    with pytest.raises(SearchFailedError, match="too many searches"):
        Brave(KEY, vendor.base_url).search("tide", 3)
    assert time.monotonic() - started_s < 2
    assert len(vendor.calls) == 1


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (MALFORMED, "not JSON"),
        (Answer(200, b"[" * 100_000), "not JSON"),
        (Answer(200, b"\xff\xfe"), "not JSON"),
        (json_answer(200, []), "no list of results"),
        (json_answer(200, {"web": {"results": {}}, "results": 5}), "no list of results"),
        (json_answer(200, {"web": "none", "results": None}), "no list of results"),
        (Answer(302, b"", {"Location": "/dues"}), r"the search was refused \(302\)"),
        (Answer(503, b"<html>busy</html>"), r"the vendor's trouble \(503\)"),
        (Answer(402, b"{}"), "the account's searches are used up"),
        (tavily_error(432, "over the plan"), "used up .432: over the plan"),
        (brave_error(400, "BAD", "odd\n request"), "refused .400: BAD odd request"),
    ],
)
def test_what_is_no_answer_is_an_error(vendor: SearchVendor, build: Build, answer: Answer, said: str) -> None:
    """That names the vendor; a redirect is not followed with the key."""
    vendor.upcoming.append(answer)
    with pytest.raises(SearchFailedError, match=said) as caught:
        build(KEY, vendor.base_url).search("tide", 3)
    assert caught.value.status == answer.status
    assert vendor.fetched == []
    assert len(vendor.calls) == 1


def test_results_that_cannot_be_fetched_are_dropped(vendor: SearchVendor, build: Build) -> None:
    """And what is missing or of another type beside an address is empty."""
    bad = ["ftp://example.com/", "javascript:alert(1)", "//example.com", "http://", "http://[::1", "https://a b.c/", 7]
    more = ["http://example.com:99999999/", f"https://example.com/{'x' * 3000}", "file:///etc/hosts", "https://:80/"]
    vendor.extra = [
        *({"url": url} for url in [*bad, *more]),
        None,
        "text",
        {},
        {"url": "HTTPS://Example.com/", "title": 5},
    ]
    found = build(KEY, vendor.base_url).search("tide", 20)
    assert found[0] == Found("HTTPS://Example.com/", "", "")
    assert [each.url for each in found[1:]] == [f"{vendor.base_url}/tides"]


def test_titles_and_snippets_are_bounded(vendor: SearchVendor, build: Build) -> None:
    """A vendor's text is a document's: it may be long, and marked up."""
    long = "<b>word</b> " * 10_000
    vendor.extra = [{"url": "https://example.com/", "title": long, "description": long, "content": long}]
    first = build(KEY, vendor.base_url).search("tide", 1)[0]
    assert (len(first.title), len(first.snippet)) == (300, 1000)
    assert first.snippet.startswith("word word")


def test_an_answer_is_bounded(vendor: SearchVendor, build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before it is decoded."""
    monkeypatch.setattr(exchange, "MAX_ANSWER_BYTES", 1000)
    vendor.upcoming.append(json_answer(200, {"x": "y" * 1000}))
    with pytest.raises(SearchFailedError, match="larger than 1,000 bytes"):
        build(KEY, vendor.base_url).search("tide", 3)


@pytest.mark.parametrize("drip_from", [20, 60], ids=["headers", "body"])
def test_the_time_out_holds_for_the_whole_search(drip_from: int) -> None:
    """A server that drips a byte now and then is not waited for."""
    started_s = time.monotonic()
    with (
        CannedVendor(http_answer(200, {"results": ["x" * 500]}), drip_from) as dripping,
        pytest.raises(SearchFailedError, match=r"no answer \(ReadTimeoutError\)") as caught,
    ):
        Tavily(KEY, dripping.url, 0.3).search("tide", 3)
    assert time.monotonic() - started_s < 3
    assert caught.value.status == 0


def test_nobody_there_is_an_error(build: Build) -> None:
    """Without the address, in which a query stands."""
    with pytest.raises(SearchFailedError, match="no answer") as caught:
        build(KEY, "http://127.0.0.1:1").search("private words", 3)
    assert "private" not in str(caught.value)


class Listed:
    """A provider that knows what it finds."""

    def __init__(self, results: dict[str, list[str] | SearchFailedError]) -> None:
        self._results = results
        self.asked: list[str] = []

    def search(self, query: str, count: int) -> list[Found]:
        """The addresses of the query."""
        self.asked.append(query)
        urls = self._results[query]
        if isinstance(urls, SearchFailedError):
            raise urls
        return [Found(url, query, "") for url in urls][:count]


FAILED = SearchFailedError("down", provider="brave")


def test_results_of_several_queries_are_fused() -> None:
    """What two queries find leads; another spelling of an address is the same page, as it came first."""
    provider = Listed(
        {
            "one": ["https://a.org/x", "https://b.org/"],
            "two": ["https://c.org/", "http://www.B.org:80#top", "https://b.org:443"],
        }
    )
    found = search_web(provider, ["one", " ", "two", "one"], 5)
    assert [each.url for each in found] == ["https://b.org/", "https://a.org/x", "https://c.org/"]
    assert provider.asked == ["one", "two"]
    assert len(search_web(provider, ["one", "two"], 2)) == 2
    assert search_web(provider, ["", "  "], 5) == []


def test_a_later_failure_leaves_what_was_found() -> None:
    """The first one is the search's own; after any, no further query is tried."""
    provider = Listed({"one": ["https://a.org/"], "two": FAILED, "three": ["https://b.org/"]})
    assert [each.url for each in search_web(provider, ["one", "two", "three"], 5)] == ["https://a.org/"]
    assert provider.asked == ["one", "two"]
    with pytest.raises(SearchFailedError, match="down"):
        search_web(provider, ["two", "one"], 5)


def test_addresses_of_a_page() -> None:
    """Equal where the page is the same; a query string or another port is another page."""
    assert address("HTTPS://WWW.Example.com:443/a/#b") == address("http://example.com/a") == "example.com/a"
    assert address("http://example.com:8080/?q=1") == "example.com:8080?q=1"
    assert address("https://example.com/A") != address("https://example.com/a")


@pytest.mark.parametrize("kind", ["brave", "tavily"])
def test_rota_yaml_names_the_provider(vendor: SearchVendor, kind: str) -> None:
    """Through JSON, as synthesis deploys it; without an address, the vendor's own."""
    document = catalog_of(a=[("tpm", 1000, "sliding_window")]).model_dump(mode="json")
    assert parse_catalog(document).search is None
    document["search"] = {"kind": kind, "key_secret": "rota/search", "key_env": "A_KEY", "base_url": vendor.base_url}
    config = parse_catalog(json.loads(parse_catalog(document).model_dump_json())).search
    assert config is not None
    assert search_web(search_provider(config, KEY), ["dues"], 3)[0].url == f"{vendor.base_url}/dues"
    own = search_provider(Search(kind=config.kind, key_secret="rota/search"), KEY)
    assert type(own).__name__.lower() == kind


def test_the_example_in_rota_yaml_is_right() -> None:
    """It is a comment there, because without a key there is no search of the web."""
    text = (Path(__file__).parents[2] / "rota.yaml").read_text()
    example = "\n".join(line.removeprefix("# ") for line in text[text.index("# search:") :].splitlines())
    assert Search.model_validate(yaml.safe_load(example)["search"]) == Search(
        kind="brave", key_env="BRAVE_API_KEY", key_secret="rota/brave"
    )


def test_errors_of_the_search_part_name_their_line() -> None:
    """As everywhere in the file."""
    document = catalog_of(a=[("tpm", 1000, "sliding_window")]).model_dump(mode="json")
    document["search"] = {"kind": "brav", "key_env": "lower", "base_url": "ftp://x", "key": "x"}
    assert {each.field: each.message for each in problems(document)} == {
        "search.kind": "must be 'brave' or 'tavily', not 'brav'; did you mean 'brave'?",
        "search.key_secret": "is missing",
        "search.key_env": "must match pattern '^[A-Z][A-Z0-9_]*$', not 'lower'",
        "search.base_url": "must match pattern '^https?://[^/\\s]+', not 'ftp://x'",
        "search.key": "unknown key; allowed: kind, key_secret, key_env, base_url; did you mean 'key_env'?",
    }
