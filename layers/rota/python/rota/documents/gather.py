"""GatherDocuments: the sources of a job become numbered documents in S3; what cannot be read is listed with its reason.

    sources ─► candidates in order ─► read (a few at once) ─► 1 … N in that order, the same at every run

Numbers are given in the order of the candidates, whichever is read first, so a repeated run writes the same files.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from threading import Lock

from rota.documents.code.files import is_code
from rota.documents.reading.read import ReadLimits, ReadText, read_document, tidy, too_large
from rota.documents.sandbox import Parsers
from rota.documents.sources.resolve import Candidate, describe, resolve
from rota.errors import InvalidInputError, NotFoundError, RotaError, UnreadableDocumentError
from rota.job_files import JobFiles
from rota.records import Document, DocumentInfo, DocumentList, DuplicateDocument, FailedDocument
from rota.storage import Bucket

READERS = 8
"""Downloads at once: below the ten connections of a boto3 client, and few enough for the largest files in memory."""

MAX_DOCUMENTS = 1000
"""When the request does not say."""

SKIPPED = "skipped"
LISTED_AS_SKIPPED = 1000
"""So many sources beyond `max_documents` are named; a corpus may hold millions."""

NAMED = 5
"""How many unreadable documents the sentence of a failed job names."""

_PARSING = Lock()


def gather(files: JobFiles, limits: ReadLimits | None = None) -> DocumentList:
    """Read every source of the job, write `documents/<n>.json` and at last `documents.json`, and return that list.

    A job that was gathered before keeps its documents. Raises NotFoundError when the sources hold nothing, and
    InvalidInputError for a request that cannot be resolved.
    """
    done = files.find_document_list()
    if done is not None:
        return done
    request = files.request()
    most = request.get("options", {}).get("max_documents") or MAX_DOCUMENTS
    candidates = resolve(request, files.bucket, most + LISTED_AS_SKIPPED)
    if not candidates:
        raise NotFoundError(f"There are no documents in {describe(request)}.")
    gathered = _gathered(files, candidates, most, limits or ReadLimits())
    files.put_document_list(gathered)
    return gathered


def check_readable(gathered: DocumentList) -> None:
    """Raises UnreadableDocumentError, naming documents and reasons, when not one of them could be read."""
    if gathered["documents"]:
        return
    failed = gathered["failed"]
    named = "; ".join(f"{one['title']} {one['reason']}" for one in failed[:NAMED])
    more = f"; and {len(failed) - NAMED} more" if len(failed) > NAMED else ""
    raise UnreadableDocumentError(f"Not one document can be read: {named}{more}.")


@dataclass(slots=True)
class _Collection:
    """Numbers documents as they come; the same text twice is one document."""

    parsers: Parsers
    documents: list[DocumentInfo] = field(default_factory=list)
    failed: list[FailedDocument] = field(default_factory=list)
    duplicates: list[DuplicateDocument] = field(default_factory=list)
    numbers: dict[bytes, int] = field(default_factory=dict)

    def accept(self, candidate: Candidate, read: ReadText) -> Document | None:
        """The document to write, or None for a duplicate."""
        digest = hashlib.sha256(read.text.encode("utf-8")).digest()
        number = self.numbers.setdefault(digest, len(self.documents) + 1)
        if number <= len(self.documents):
            self.duplicates.append(DuplicateDocument(title=candidate.title, origin=candidate.origin, number=number))
            return None
        info = DocumentInfo(
            number=number,
            title=candidate.title,
            origin=candidate.origin,
            media_type=read.media_type,
            bytes=candidate.size or 0,
            characters=len(read.text),
        )
        if is_code(candidate.title):
            info["imports"] = self.parsers.imports(candidate.title, read.text)
        self.documents.append(info)
        return Document(**info, text=read.text)

    def reject(self, candidate: Candidate, code: str, reason: str) -> None:
        """List a candidate that is not in the job."""
        self.failed.append(FailedDocument(title=candidate.title, origin=candidate.origin, code=code, reason=reason))


def _gathered(files: JobFiles, candidates: list[Candidate], most: int, limits: ReadLimits) -> DocumentList:
    with Parsers() as parsers, ThreadPoolExecutor(READERS) as pool:
        collection = _Collection(parsers)
        writes: deque[Future[None]] = deque()
        for candidate, read in _read_in_order(pool, files.bucket, candidates[:most], limits):
            if isinstance(read, RotaError):
                collection.reject(candidate, read.code, str(read))
            elif document := collection.accept(candidate, read):
                writes.append(pool.submit(files.put_document, document))
            while len(writes) > READERS:
                writes.popleft().result()
        for write in writes:
            write.result()
    for candidate in candidates[most:]:
        collection.reject(
            candidate, SKIPPED, f"was left out: a job of this kind reads {most:,} documents (max_documents)"
        )
    return DocumentList(documents=collection.documents, failed=collection.failed, duplicates=collection.duplicates)


def _read_in_order(
    pool: ThreadPoolExecutor, bucket: Bucket, candidates: Iterable[Candidate], limits: ReadLimits
) -> Iterator[tuple[Candidate, ReadText | RotaError]]:
    """Read a few ahead and give the results in order: memory holds a few documents, never all."""
    left = iter(candidates)
    ahead = deque((one, pool.submit(_read, bucket, one, limits)) for one in islice(left, READERS))
    while ahead:
        candidate, future = ahead.popleft()
        yield candidate, future.result()
        ahead.extend((one, pool.submit(_read, bucket, one, limits)) for one in islice(left, 1))


def _read(bucket: Bucket, candidate: Candidate, limits: ReadLimits) -> ReadText | RotaError:
    """One candidate's text, or why there is none. Faults of S3 itself are raised: the step is repeated."""
    try:
        if candidate.size is None:
            raise NotFoundError("is not there any more")
        if candidate.size > limits.max_bytes:
            raise UnreadableDocumentError(too_large(candidate.size, limits))
        if candidate.text is not None:
            return _inline(candidate.text, limits)
        fetched = bucket.fetch(candidate.origin, limits.max_bytes)
        with _PARSING:  # threads cannot parse faster than one, but they would hold several parsed files in memory
            return read_document(fetched.data, candidate.origin, fetched.media_type, limits)
    except NotFoundError:
        return NotFoundError("is not there any more")
    except (InvalidInputError, UnreadableDocumentError) as error:
        return error


def _inline(text: str, limits: ReadLimits) -> ReadText:
    text = tidy(text)
    if not text.strip():
        raise UnreadableDocumentError("holds no text")
    if len(text) > limits.max_characters:
        raise UnreadableDocumentError(f"has {len(text):,} characters; at most {limits.max_characters:,} are read")
    return ReadText(text, "text/plain")
