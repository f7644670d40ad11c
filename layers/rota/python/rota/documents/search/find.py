"""The searches of a job, made once: which documents of a corpus, or pages of the web, are to be read.

search terms of the plan ─► every file below the prefix, ranked by BM25 ─┐
                         └► the web search's results ────────────────────┴─► found.json, read like other sources
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any

from rota.documents.sandbox import Sandbox
from rota.documents.search.base import SearchProvider
from rota.documents.search.corpus import best_documents
from rota.documents.search.web_search import search_web
from rota.documents.sources.archive_limits import ArchiveLimits
from rota.documents.sources.archives import Member, RejectedMember, is_archive, open_archive
from rota.documents.sources.fetch import Fetcher
from rota.documents.sources.resolve import Candidate, corpus
from rota.errors import InvalidInputError, RotaError, UnreadableDocumentError
from rota.job_files import JobFiles
from rota.records import FoundDocument
from rota.storage import Fetched

MOST_FILES = 10_000
"""Of a corpus. It is read anew for each job, at some 200 files a second."""

MOST_WITHIN = 200
"""Of the files of an archive, which is found as a whole. One that is larger than a document may be is passed over."""

MOST_CHARACTERS_WITHIN, WITHIN_BYTES = 2_000_000, 50_000_000
"""What is indexed of an archive, and what is unpacked for that."""

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
        reader = _Reader(sandbox, MOST_FILES)
        hits = best_documents(_texts(candidates, fetcher, reader), queries, source["results"])
    chosen = [candidates[hit.id] for hit in hits]
    return [FoundDocument(title=one.title, origin=one.origin, size=one.size) for one in chosen]


def _texts(candidates: Sequence[Candidate], fetcher: Fetcher, reader: _Reader) -> Iterable[tuple[int, str, str]]:
    """What can be read of a corpus; the rest cannot be found."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for start in range(0, len(candidates), AT_ONCE):
            some = candidates[start : start + AT_ONCE]
            for offset, fetched in enumerate(pool.map(fetcher.fetch, some)):
                text = "" if isinstance(fetched, RotaError) else reader.text(some[offset], fetched)
                if text:
                    yield start + offset, some[offset].title, text


@dataclass(slots=True)
class _Reader:
    """Texts for the index. Of all archives together `files_left` more files are read."""

    sandbox: Sandbox
    files_left: int

    def text(self, candidate: Candidate, fetched: Fetched) -> str:
        """The text of a file, of an archive those within; empty when there is none."""
        try:
            if is_archive(candidate.origin, fetched.data):
                limits = ArchiveLimits(max_listed=MOST_WITHIN, max_total_bytes=WITHIN_BYTES)
                members = open_archive(io.BytesIO(fetched.data), candidate.title, limits)
                if members is not None:
                    return self._within(members)
            return self.sandbox.read(fetched.data, candidate.origin, fetched.media_type).text
        except UnreadableDocumentError:
            return ""

    def _within(self, members: Iterator[Member | RejectedMember]) -> str:
        """Paths and texts, one after the other."""
        found: list[str] = []
        room = MOST_CHARACTERS_WITHIN
        for member in members:
            if room <= 0 or self.files_left <= 0:
                break
            self.files_left -= 1
            if isinstance(member, Member):
                with suppress(UnreadableDocumentError):
                    text = self.sandbox.read(member.data, member.path).text[:room]
                    found += (member.path, text)
                    room -= len(text)
        return "\n".join(found)
