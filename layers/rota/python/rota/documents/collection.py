"""The documents of a job as they come in: numbered, the same text twice only once, what fails listed with its reason.

A collection can be laid down at any point and taken up again by another process.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from rota.documents.reading.read import ReadText
from rota.documents.sources.noise import NOISE
from rota.documents.sources.resolve import Candidate
from rota.records import Document, DocumentInfo, DocumentList, DuplicateDocument, FailedDocument, Gathering, PassedOver

SKIPPED = "skipped"
"""The code of sources that nobody tried to read."""

LISTED_AS_SKIPPED = 1000
"""So many sources beyond `max_documents` are named; a corpus may hold millions."""

LISTED_AS_PASSED_OVER = 100
"""So many archives and prefixes with hidden or built files are named; the last of them stands for all further ones."""

DIGEST_BYTES = 16
"""Of a text: two of a job's documents share one by chance once in 10^30."""


@dataclass(slots=True)
class Collection:
    """Numbers documents in the order in which they come. `taken` and `inside` as in `rota.records.Gathering`."""

    documents: list[DocumentInfo] = field(default_factory=list)
    failed: list[FailedDocument] = field(default_factory=list)
    duplicates: list[DuplicateDocument] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)
    taken: int = 0
    inside: int = 0
    skipped: int = 0
    left_out: int = 0
    passed_over: list[PassedOver] = field(default_factory=list)

    @classmethod
    def of(cls, gathering: Gathering | None) -> Collection:
        """As it was laid down, or empty."""
        if gathering is None:
            return cls()
        numbers = {digest: number for number, digest in enumerate(gathering["digests"], start=1)}
        lists = (gathering["documents"], gathering["failed"], gathering["duplicates"])
        passed_over = gathering.get("passed_over", [])
        # Nothing was left out yet.
        return cls(*lists, numbers, gathering["taken"], gathering["inside"], passed_over=passed_over)

    def laid_down(self) -> Gathering:
        """The collection as a value that another process can take up."""
        return Gathering(
            documents=self.documents,
            failed=self.failed,
            duplicates=self.duplicates,
            digests=list(self.numbers),
            taken=self.taken,
            inside=self.inside,
            passed_over=self.passed_over,
        )

    def listed(self) -> DocumentList:
        """The collection when it is complete."""
        found = DocumentList(documents=self.documents, failed=self.failed, duplicates=self.duplicates)
        if self.left_out:
            found["left_out"] = self.left_out
        if self.passed_over:
            found["passed_over"] = self.passed_over
        return found

    @property
    def looked_at(self) -> int:
        """How many files were tried."""
        return len(self.documents) + len(self.failed) - self.skipped + len(self.duplicates)

    def accept(self, candidate: Candidate, read: ReadText, imports: list[str] | None, is_code: bool) -> Document | None:
        """The document to write, or None for a duplicate. `imports` count for code only."""
        title = read.title if candidate.is_page and read.title else candidate.title
        digest = hashlib.sha256(read.text.encode("utf-8")).hexdigest()[: 2 * DIGEST_BYTES]
        number = self.numbers.setdefault(digest, len(self.documents) + 1)
        if number <= len(self.documents):
            self.duplicates.append(DuplicateDocument(title=title, origin=candidate.origin, number=number))
            return None
        info = DocumentInfo(
            number=number,
            title=title,
            origin=candidate.origin,
            media_type=read.media_type,
            bytes=candidate.size or 0,
            characters=len(read.text),
        )
        if is_code:
            info["imports"] = imports
        if read.pages:
            info["pages"] = list(read.pages)
        self.documents.append(info)
        return Document(**info, text=read.text)  # type: ignore[typeddict-item] # `read` is of plans, not of files

    def reject(self, candidate: Candidate, code: str, reason: str) -> None:
        """List a candidate that is not in the job."""
        self.failed.append(FailedDocument(title=candidate.title, origin=candidate.origin, code=code, reason=reason))

    def pass_over(self, title: str, origin: str, files: int) -> None:
        """Note that so many files of an archive, or below a prefix, are noise; nothing for none."""
        if not files:
            return
        if len(self.passed_over) < LISTED_AS_PASSED_OVER:
            self.passed_over.append(PassedOver(title=title, origin=origin, files=files, reason=NOISE))
        else:
            files += self.passed_over[-1]["files"]
            self.passed_over[-1] = PassedOver(title="further sources", origin="", files=files, reason=NOISE)

    def leave_out(self, candidate: Candidate, most: int) -> None:
        """Note a candidate beyond the `most` that the job reads: the first ones by name, the others as a number."""
        if self.skipped < LISTED_AS_SKIPPED:
            self.skipped += 1
            documents = "1 document" if most == 1 else f"{most:,} documents"
            self.reject(candidate, SKIPPED, f"was left out: a job of this kind reads {documents} (max_documents)")
        else:
            self.left_out += 1
