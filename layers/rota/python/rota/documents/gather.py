"""GatherDocuments: the sources of a job become numbered documents in S3; what cannot be read is listed with its reason.

    candidates ─► fetched (a few ahead) ─► archives opened ─► read in the sandbox ─► numbered 1 … N ─► written

Numbers follow the order of the sources, whatever is fetched first, so a repeated run writes the same files. When the
time of one invocation does not suffice, what is done is laid down, and the next one goes on from there.
"""

from __future__ import annotations

import io
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, BinaryIO

from rota.documents.code.files import is_source
from rota.documents.collection import Collection
from rota.documents.reading.read import ReadText
from rota.documents.sandbox import Sandbox
from rota.documents.sources.archive_names import readable
from rota.documents.sources.archives import Member, has_archive_name, is_archive, open_archive
from rota.documents.sources.fetch import Fetcher
from rota.documents.sources.noise import NOISE
from rota.documents.sources.resolve import MAX_TITLE, Candidate, describe, resolve
from rota.errors import NotFoundError, RotaError, UnreadableDocumentError
from rota.job_files import JobFiles
from rota.records import DocumentList
from rota.storage import Fetched

READERS = 8
"""Downloads at once: below the ten connections of a boto3 client, and few enough for the largest files in memory."""

MAX_DOCUMENTS = 1000
"""When the request does not say."""

LAID_DOWN_EVERY = 500
"""Files after which a collection is laid down, so that a function that is killed does not begin from nothing."""

ATTACHED_S = 20.0
"""Time for the files that came with one mail: each of a hundred could take as long as a file may."""

NAMED = 5
"""How many unreadable documents the sentence of a failed job names."""


def gather(files: JobFiles, fetcher: Fetcher, has_time: Callable[[], bool]) -> DocumentList | None:
    """Read every source of the job, write `documents/<n>.json` and at last `documents.json`, and return that list.

    None when `has_time` says no before the end: to be called again. A job that was gathered before keeps its
    documents. Raises NotFoundError when the sources hold nothing, and InvalidInputError for a request that cannot be
    resolved.
    """
    done = files.find_document_list()
    if done is not None:
        return done
    request = files.request()
    collection = Collection.of(files.find_gathering())
    passed_over = Counter[str]()
    resolved = resolve(request, files.bucket, files.find_found(), passed_over)
    candidates = islice(resolved, collection.taken, None)
    most = request.get("options", {}).get("max_documents") or MAX_DOCUMENTS
    with Sandbox() as sandbox, ThreadPoolExecutor(READERS) as pool:
        gathering = _Gathering(files, fetcher, collection, most, has_time, sandbox, pool)
        if not gathering.run(candidates):
            files.put_gathering(collection.laid_down())
            return None
    for prefix, number in passed_over.items():
        collection.pass_over(prefix, prefix, number)
    if not collection.looked_at:
        raise NotFoundError(_nothing_in(request, passed_over.total()))
    files.put_document_list(collection.listed())
    return collection.listed()


def check_readable(gathered: DocumentList) -> None:
    """Raises UnreadableDocumentError, naming documents and reasons, when not one of them could be read."""
    if gathered["documents"]:
        return
    failed = gathered["failed"]
    named = "; ".join(f"{one['title']} {one['reason']}" for one in failed[:NAMED])
    more = f"; and {len(failed) - NAMED} more" if len(failed) > NAMED else ""
    raise UnreadableDocumentError(f"Not one document can be read: {named}{more}.")


def _nothing_in(request: Mapping[str, Any], passed_over: int) -> str:
    noise = f", apart from files that are {NOISE} ({passed_over:,})" if passed_over else ""
    return f"There are no documents in {describe(request)}{noise}."


@dataclass(slots=True)
class _Gathering:
    """One invocation's share of the work."""

    files: JobFiles
    fetcher: Fetcher
    collection: Collection
    most: int
    has_time: Callable[[], bool]
    sandbox: Sandbox
    pool: ThreadPoolExecutor
    writes: deque[Future[None]] = field(default_factory=deque)

    def run(self, candidates: Iterator[Candidate]) -> bool:
        """Take candidates one by one. False when there was no time for all of them."""
        for candidate, fetched in self._ahead(candidates):
            if self.collection.looked_at >= self.most:
                self.collection.leave_out(candidate, self.most)
            elif not self._take(candidate, fetched) or not self.has_time():
                self._written(0)
                return False
        for candidate in candidates:
            self.collection.leave_out(candidate, self.most)
        self._written(0)
        return True

    def _ahead(self, candidates: Iterator[Candidate]) -> Iterator[tuple[Candidate, Fetched | RotaError | None]]:
        """Fetch a few ahead and give them in order: memory holds a few files, never all."""
        ahead: deque[tuple[Candidate, Future[Fetched | RotaError | None]]] = deque()
        while True:
            while len(ahead) < READERS and self.collection.looked_at + len(ahead) < self.most:
                following = next(candidates, None)
                if following is None:
                    break
                ahead.append((following, self.pool.submit(self._fetched, following)))
            if not ahead:
                return
            candidate, future = ahead.popleft()
            yield candidate, future.result()

    def _fetched(self, candidate: Candidate) -> Fetched | RotaError | None:
        """None for an archive, which may be large: it is had when its turn comes."""
        is_archived = candidate.text is None and has_archive_name(candidate.origin)
        return None if is_archived else self.fetcher.fetch(candidate)

    def _take(self, candidate: Candidate, fetched: Fetched | RotaError | None) -> bool:
        """One candidate. False when there was no time for all of an archive."""
        if fetched is None:
            opened = self.fetcher.download(candidate)
            if isinstance(opened, RotaError):
                self._reject(candidate, opened)
            else:
                with closing(opened):
                    if not self._open(candidate, opened):
                        return False
        elif isinstance(fetched, RotaError):
            self._reject(candidate, fetched)
        elif candidate.text is None and is_archive(candidate.origin, fetched.data):
            if not self._open(candidate, io.BytesIO(fetched.data)):
                return False
        else:
            self._read(candidate, fetched)
        self.collection.taken += 1
        self.collection.inside = 0
        if self.collection.taken % LAID_DOWN_EVERY == 0:
            self._written(0)
            self.files.put_gathering(self.collection.laid_down())
        return True

    def _open(self, archive: Candidate, file: BinaryIO) -> bool:
        """The members of an archive, each as if it lay in a folder of the archive's name.

        What turns out to be one document, as those of office programs are archives too, is read as such.
        """
        try:
            found = open_archive(file, archive.title, skip=self.collection.inside)
            if found is None:
                file.seek(0)
                self._read(archive, Fetched(file.read(self.fetcher.limits.max_bytes + 1), ""))
                return True
            for member in found:
                inner = _inner(archive, member.path)
                if self.collection.looked_at >= self.most:
                    self.collection.leave_out(inner, self.most)
                    continue
                if isinstance(member, Member):
                    self._read(replace(inner, size=len(member.data)), Fetched(member.data, ""))
                else:
                    self.collection.reject(inner, UnreadableDocumentError.code, member.reason)
                self.collection.inside += 1
                if not self.has_time():
                    return False
            self.collection.pass_over(archive.title, archive.origin, found.passed_over)
        except UnreadableDocumentError as error:
            self._reject(archive, error)
        return True

    def _read(self, candidate: Candidate, fetched: Fetched, attached: bool = False) -> None:
        try:
            name = candidate.origin if candidate.text is None else candidate.title
            read = self.sandbox.read(fetched.data, name, fetched.media_type, self.fetcher.limits)
        except UnreadableDocumentError as error:
            self._reject(candidate, error)
            return
        code = is_source(candidate.title, read.media_type)
        imports = self.sandbox.imports(candidate.title, read.text) if code else None
        document = self.collection.accept(candidate, read, imports, code)
        if document is not None:
            self.writes.append(self.pool.submit(self.files.put_document, document))
            self._written(READERS)
        if not attached:
            self._read_attached(candidate, read)

    def _read_attached(self, mail: Candidate, read: ReadText) -> None:
        """The files that came with a mail, as if they lay in a folder of its name; what came with those is named only.

        They are taken with their mail: an invocation that goes on begins at the next one.
        """
        until_s = time.monotonic() + ATTACHED_S
        for name, data in read.attachments:
            inner = replace(_inner(mail, readable(name).replace("/", "-")), size=len(data))
            if self.collection.looked_at >= self.most:
                self.collection.leave_out(inner, self.most)
            elif time.monotonic() > until_s:
                reason = f"was not read: the files of its mail took longer than {ATTACHED_S:.0f} s"
                self.collection.reject(inner, UnreadableDocumentError.code, reason)
            else:
                self._read(inner, Fetched(data, ""), attached=True)

    def _reject(self, candidate: Candidate, error: RotaError) -> None:
        self.collection.reject(candidate, error.code, str(error))

    def _written(self, at_most: int) -> None:
        """Wait until `at_most` writes are under way."""
        while len(self.writes) > at_most:
            self.writes.popleft().result()


def _inner(archive: Candidate, path: str) -> Candidate:
    """A member as a candidate: of a title that is too long the end is kept, which tells what it is."""
    if not path:
        return archive
    title = f"{archive.title}/{path}"
    short = title if len(title) <= MAX_TITLE else f"…{title[1 - MAX_TITLE :]}"
    return replace(archive, title=short, origin=f"{archive.origin}!/{path}", size=0)
