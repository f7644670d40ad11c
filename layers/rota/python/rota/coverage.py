"""Which documents an answer rests on, and why the others are missing: read from the job's files, not from counters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from rota.errors import NotFoundError
from rota.job_files import JobFiles
from rota.planning.notes import unread
from rota.records import DocumentList, Missing, PassedOver

MOST_NAMED = 10
"""How many missing documents a sentence names."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """`documents` were given, `read` of them are in the summaries in full, `failed` says what the others lack.

    `passed_over` is what sources hold that nobody meant to send: no documents, so that it is not missing either.
    """

    documents: int
    read: int
    failed: Sequence[Missing]
    passed_over: Sequence[PassedOver] = ()

    def sentence(self) -> str:
        """`47 of 50 documents, 3 not: a.pdf (is encrypted), …`."""
        share = f"{self.read} of {self.documents} documents"
        if not self.failed:
            return share
        named = "; ".join(f"{missing['title']} ({missing['reason']})" for missing in self.failed[:MOST_NAMED])
        more = len(self.failed) - MOST_NAMED
        return f"{share}, {self.documents - self.read:,} not: {named}" + (f"; and {more} more" if more > 0 else "")

    def as_dict(self) -> dict[str, object]:
        """A JSON value with the sentence."""
        return {**asdict(self), "sentence": self.sentence()}


def read_coverage(files: JobFiles, dry_run: bool) -> Coverage | None:
    """The coverage of a job as far as it went; None before its documents were gathered.

    A document that is only partly in the summaries counts as failed. A dry run reads nothing more than the documents.
    """
    documents = files.find_document_list()
    if documents is None:
        return None
    missing = [Missing(title=failed["title"], reason=failed["reason"]) for failed in documents["failed"]]
    reasons = {} if dry_run else {**dict(_unread(files, documents)), **dict(unread(files.find_plan() or {}))}
    titles = {document["number"]: document["title"] for document in documents["documents"]}
    missing += [Missing(title=titles[number], reason=reason) for number, reason in sorted(reasons.items())]
    left_out = documents.get("left_out", 0)
    if left_out:
        missing.append(Missing(title=f"{left_out:,} more documents", reason="were left out (max_documents)"))
    total = len(titles) + len(documents["failed"]) + left_out
    read = total - len(missing) - max(0, left_out - 1)
    return Coverage(total, read, missing, documents.get("passed_over", []))


def _unread(files: JobFiles, documents: DocumentList) -> Iterator[tuple[int, str]]:
    """Document numbers that some batch without a summary should have read, and why it has none.

    A batch may have failed without a word, when its function was killed.
    """
    try:
        batch_ids = files.batch_ids()
    except NotFoundError:
        yield from ((document["number"], "was not read") for document in documents["documents"])
        return
    prefix = files.key("summaries/")
    done = {found.key.removeprefix(prefix).removesuffix(".json") for found in files.bucket.objects(prefix)}
    lacking = [batch_id for batch_id in batch_ids if batch_id not in done]
    if not lacking:
        return
    failures = {failure["batch_id"]: f"could not be summarised: {failure['message']}" for failure in files.failures()}
    held = files.documents_by_batch()
    for batch_id in lacking:
        reason = failures.get(batch_id, "was not summarised in time")
        yield from ((number, reason) for number in held[batch_id])
