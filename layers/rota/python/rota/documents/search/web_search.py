"""A search of the web by a vendor's API: Brave Search or Tavily, and the results of several queries as one list."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from rota.catalog import Search
from rota.documents.search.base import Found, SearchProvider
from rota.documents.search.exchange import TIMEOUT_S, Exchange, Question
from rota.documents.search.fusion import fuse
from rota.errors import SearchFailedError

MOST_RESULTS = 20
"""The most that Brave and Tavily give in one call."""

QUERY_CHARACTERS, QUERY_WORDS = 400, 50
"""The longest query Brave takes; Tavily's bound on characters is the same."""

_TITLE_CHARACTERS, _SNIPPET_CHARACTERS, _URL_CHARACTERS = 300, 1000, 2000
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,200}>")
_URL = re.compile(r"https?://[^\s\x00-\x1f\x7f]+", re.IGNORECASE)
_PORTS = {"http": 80, "https": 443}


class Brave:
    """Brave Search's Web Search API, as its reference says (api-dashboard.search.brave.com/api-reference)."""

    def __init__(self, key: str, base_url: str = "https://api.search.brave.com", timeout_s: float = TIMEOUT_S) -> None:
        self._exchange = Exchange("brave", base_url, key, timeout_s)
        self._headers = {"x-subscription-token": key}

    def search(self, query: str, count: int) -> list[Found]:
        """See `SearchProvider.search`. Matched words come without markup, and no news or videos among the pages."""
        fields = {"q": bounded(query), "count": str(_clamped(count)), "text_decorations": "false"}
        asked = Question("GET", "/res/v1/web/search", self._headers, fields=fields | {"result_filter": "web"})
        answer = self._exchange.ask(asked)
        # Without any page there is no `web` at all.
        web = answer.get("web", {"results": []}) if isinstance(answer, dict) else None
        return _found("brave", web, "description")[:count]


class Tavily:
    """Tavily's search, as its reference says (docs.tavily.com/documentation/api-reference/endpoint/search)."""

    def __init__(self, key: str, base_url: str = "https://api.tavily.com", timeout_s: float = TIMEOUT_S) -> None:
        self._exchange = Exchange("tavily", base_url, key, timeout_s)
        self._headers = {"authorization": f"Bearer {key}"}

    def search(self, query: str, count: int) -> list[Found]:
        """See `SearchProvider.search`. A basic search, which costs one credit."""
        body = {"query": bounded(query), "max_results": _clamped(count), "search_depth": "basic"}
        answer = self._exchange.ask(Question("POST", "/search", self._headers, body=body))
        return _found("tavily", answer, "content")[:count]


def search_provider(config: Search, key: str) -> SearchProvider:
    """The provider that rota.yaml names. Raises SearchFailedError for a key that no header can carry."""
    provider: type[Brave | Tavily] = Brave if config.kind == "brave" else Tavily
    return provider(key, config.base_url) if config.base_url else provider(key)


def search_web(provider: SearchProvider, queries: Sequence[str], count: int) -> list[Found]:
    """The best `count` results of all queries, fused by rank, each address once.

    Empty queries are passed over. Raises SearchFailedError when the first search fails; when a later one does, what
    was found by then is enough, and no further one is tried, so that a vendor that is down costs one time-out.
    """
    rankings: list[list[Found]] = []
    for query in dict.fromkeys(filter(None, map(bounded, queries))):
        try:
            rankings.append(provider.search(query, count))
        except SearchFailedError:
            if not rankings:
                raise
            break
    first: dict[str, Found] = {}
    for found in (each for ranking in rankings for each in ranking):
        first.setdefault(address(found.url), found)
    ranked = fuse([address(found.url) for found in ranking] for ranking in rankings)
    return [first[key] for key, _ in ranked[:count]]


def bounded(query: str) -> str:
    """A query as one line that a vendor takes: whole words, as many as fit."""
    words = " ".join(query.encode("utf-8", "replace").decode().split()[:QUERY_WORDS])
    if len(words) <= QUERY_CHARACTERS:
        return words
    whole, space, _ = words[: QUERY_CHARACTERS + 1].rpartition(" ")
    return whole if space else words[:QUERY_CHARACTERS]


def address(url: str) -> str:
    """What two spellings of a page's address share: no scheme, `www.`, default port, fragment or closing slash.

    Raises ValueError for what is no address.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").removeprefix("www.")
    if not host:
        raise ValueError("an address needs a host")
    port = "" if parts.port in (None, _PORTS.get(parts.scheme)) else f":{parts.port}"
    return f"{host}{port}{parts.path.rstrip('/')}{'?' if parts.query else ''}{parts.query}"


def _found(provider: str, answer: Any, snippet: str) -> list[Found]:
    results = answer.get("results") if isinstance(answer, Mapping) else None
    if not isinstance(results, list):
        raise SearchFailedError("the answer has no list of results", provider=provider, status=200)
    return list(_readable(results, snippet))


def _readable(results: Iterable[Any], snippet: str) -> Iterator[Found]:
    """Results with an address that can be fetched; others are dropped, as no other vendor's page would mend them."""
    for result in results:
        url = result.get("url") if isinstance(result, Mapping) else None
        if isinstance(url, str) and _is_fetchable(url):
            title, text = _plain(result.get("title")), _plain(result.get(snippet))
            yield Found(url, title[:_TITLE_CHARACTERS], text[:_SNIPPET_CHARACTERS])


def _is_fetchable(url: str) -> bool:
    if len(url) > _URL_CHARACTERS or not _URL.fullmatch(url):
        return False
    try:
        return bool(address(url))
    except ValueError:
        return False


def _plain(text: Any) -> str:
    """One line without tags and with its entities resolved, in which the vendors write what they found."""
    return " ".join(html.unescape(_TAG.sub("", text)).split()) if isinstance(text, str) else ""


def _clamped(count: int) -> int:
    return min(max(count, 1), MOST_RESULTS)
