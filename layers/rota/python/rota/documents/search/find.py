"""The searches of a job, made once: which documents of a corpus, or pages of the web, are to be read.

search terms of the plan ─► every file below the prefix, ranked by BM25 ─┐
                         └► the web search's results ────────────────────┴─► found.json, read like other sources
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

from rota.documents.sandbox import Sandbox
from rota.documents.search.base import SearchProvider
from rota.documents.search.corpus import best_documents
from rota.documents.search.web_search import search_web
from rota.documents.sources.fetch import Fetcher
from rota.documents.sources.resolve import Candidate, corpus
from rota.errors import InvalidInputError, RotaError, UnreadableDocumentError
from rota.job_files import JobFiles
from rota.records import FoundDocument

MOST_FILES = 10_000
"""Of a corpus. It is read anew for each job, at some 200 files a second."""

AT_ONCE = 8

NO_PROVIDER = 'is a search of the web, for which rota.yaml names no provider under "search"; give a prefix to search in'


def find(files: JobFiles, fetcher: Fetcher, provider: SearchProvider | None) -> None:
    """Make the searches of the job's request and write `found.json`.

    Raises InvalidInputError for a corpus of more than MOST_FILES files and for a search of the web without a
    provider, SearchFailedError.
    """
    request, plan = files.request(), files.find_search_plan() or {}
    queries = plan.get("search_terms") or [request["query"]]
    found: dict[str, list[FoundDocument]] = {}
    for at, source in enumerate(request["sources"]):
        if source.get("type") != "search":
            continue
        if source.get("prefix"):
            found[str(at)] = _in_corpus(f"sources.{at}.prefix", source, queries, fetcher)
        elif provider is not None:
            results = search_web(provider, queries, source["results"])
            found[str(at)] = [FoundDocument(title=one.title or one.url, origin=one.url, size=None) for one in results]
        else:
            raise InvalidInputError(f"sources.{at}", NO_PROVIDER)
    files.put_found(found)


def _in_corpus(field: str, source: Mapping[str, Any], queries: Sequence[str], fetcher: Fetcher) -> list[FoundDocument]:
    candidates = list(islice(corpus(source, fetcher.bucket), MOST_FILES + 1))
    if len(candidates) > MOST_FILES:
        raise InvalidInputError(field, f"{source['prefix']} holds more than {MOST_FILES:,} files; narrow it down")
    with Sandbox() as sandbox:
        hits = best_documents(_texts(candidates, fetcher, sandbox), queries, source["results"])
    chosen = [candidates[hit.id] for hit in hits]
    return [FoundDocument(title=one.title, origin=one.origin, size=one.size) for one in chosen]


def _texts(candidates: Sequence[Candidate], fetcher: Fetcher, sandbox: Sandbox) -> Iterable[tuple[int, str, str]]:
    """What can be read of a corpus; the rest cannot be found."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for start in range(0, len(candidates), AT_ONCE):
            some = candidates[start : start + AT_ONCE]
            for offset, fetched in enumerate(pool.map(fetcher.fetch, some)):
                if not isinstance(fetched, RotaError):
                    yield from _read(start + offset, some[offset], fetched.data, fetched.media_type, sandbox)


def _read(
    number: int, candidate: Candidate, data: bytes, media_type: str, sandbox: Sandbox
) -> Iterator[tuple[int, str, str]]:
    try:
        yield number, candidate.title, sandbox.read(data, candidate.origin, media_type).text
    except UnreadableDocumentError:
        return
