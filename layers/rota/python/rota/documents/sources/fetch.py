"""The bytes of a candidate, from the request, the bucket or the web; what cannot be had is a value, no exception."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import BinaryIO, cast

from rota.documents.reading.read import ReadLimits, too_large
from rota.documents.sources.archives import has_archive_name
from rota.documents.sources.resolve import Candidate
from rota.documents.sources.web import WebLimits, fetch_page
from rota.errors import InvalidInputError, NotFoundError, RotaError, UnreadableDocumentError
from rota.storage import Bucket, Fetched

MAX_ARCHIVE_BYTES = 200_000_000
"""Of an archive as it is stored. It lies on the function's disk of 512 MB while its members are read."""

MAX_PAGE_ARCHIVE_BYTES = 100_000_000
"""Of an archive on the web."""

IN_MEMORY_BYTES = 20_000_000
"""Smaller archives stay in memory."""

GONE = "is not there any more"


@dataclass(frozen=True, slots=True)
class Fetcher:
    """Gets the bytes of candidates. `private_hosts` (`host:port`) may be fetched though their addresses are private."""

    bucket: Bucket
    limits: ReadLimits = field(default_factory=ReadLimits)
    private_hosts: Collection[str] = ()

    def fetch(self, candidate: Candidate) -> Fetched | RotaError:
        """One candidate, whole. Faults of S3 itself are raised: the step is repeated."""
        try:
            if candidate.text is not None:
                return self._inline(candidate.text)
            if candidate.is_url:
                return self._page(candidate)
            self._check(candidate, self.limits.max_bytes)
            return self.bucket.fetch(candidate.origin, self.limits.max_bytes)
        except NotFoundError:
            return NotFoundError(GONE)
        except (InvalidInputError, UnreadableDocumentError) as error:
            return error.with_traceback(None)  # which would keep what was read so far in memory

    def download(self, candidate: Candidate) -> BinaryIO | RotaError:
        """An archive as an open file, which is gone when it is closed; one of the web is held in memory."""
        if candidate.is_url:
            page = self.fetch(candidate)
            return page if isinstance(page, RotaError) else io.BytesIO(page.data)
        try:
            self._check(candidate, MAX_ARCHIVE_BYTES)
            return self._downloaded(candidate)
        except NotFoundError:
            return NotFoundError(GONE)
        except (InvalidInputError, UnreadableDocumentError) as error:
            return error

    def _downloaded(self, candidate: Candidate) -> BinaryIO:
        file = cast(BinaryIO, tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES))  # noqa: SIM115 - the caller's to close
        try:
            self.bucket.download(candidate.origin, file, MAX_ARCHIVE_BYTES)
            file.seek(0)
        except BaseException:
            file.close()
            raise
        return file

    def _inline(self, text: str) -> Fetched:
        if len(text) > self.limits.max_characters:
            most = self.limits.max_characters
            raise UnreadableDocumentError(f"has {len(text):,} characters; at most {most:,} are read")
        return Fetched(text.encode("utf-8", "replace"), "text/plain; charset=utf-8")

    def _page(self, candidate: Candidate) -> Fetched:
        """An archive that is called one may be larger than a document."""
        most = MAX_PAGE_ARCHIVE_BYTES if has_archive_name(candidate.title) else self.limits.max_bytes
        page = fetch_page(candidate.origin, WebLimits(max_bytes=most), self.private_hosts)
        return Fetched(page.data, page.media_type)

    def _check(self, candidate: Candidate, most: int) -> None:
        if candidate.size is None:
            raise NotFoundError(GONE)
        if candidate.size > most:
            raise UnreadableDocumentError(too_large(candidate.size, replace(self.limits, max_bytes=most)))
