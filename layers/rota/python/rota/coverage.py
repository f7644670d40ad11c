"""Which documents an answer rests on, and why the others are missing: read from the job's files, not from counters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from rota.errors import JobStoppedError, NotFoundError
from rota.job_files import JobFiles
from rota.job_item import Job
from rota.planning.notes import unread
from rota.records import DocumentList, DuplicateDocument, Missing, PassedOver

MOST_REASONS = 10
"""How many reasons for missing documents a sentence tells."""

MOST_NAMED = 3
"""How many documents it names for each of them."""

CUT_SHORT = {"stopped": "was not read: the job was stopped", "failed": "was not read: the job failed"}
"""Why a document is missing of which nothing else is known, by the status of a job that did not come to its end."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """`documents` were given, `read` of them are in the summaries in full, `failed` says what the others lack.

    `passed_over` is what sources hold that nobody meant to send: no documents, so that it is not missing either. Nor
    are `duplicates`: each is read as the document whose number it has.
    """

    documents: int
    read: int
    failed: Sequence[Missing]
    passed_over: Sequence[PassedOver] = ()
    duplicates: Sequence[DuplicateDocument] = ()

    def sentence(self) -> str:
        """`47 of 50 documents, 3 not: a.pdf, b.pdf (is encrypted); c.md (…); 2 more are the same as others`."""
        said = f"{self.read} of {self.documents} documents"
        if self.failed:
            said += f", {self.documents - self.read:,} not: {self._reasons()}"
        if self.duplicates:
            more = len(self.duplicates)
            same = "1 more is the same as another" if more == 1 else f"{more:,} more are the same as others"
            said += f"{';' if self.failed else ','} {same}"
        return said

    def _reasons(self) -> str:
        """The missing documents by reason, in the order in which the reasons first come."""
        titles: dict[str, list[str]] = {}
        for missing in self.failed:
            titles.setdefault(missing["reason"], []).append(missing["title"])
        told = list(titles.items())[:MOST_REASONS]
        said = [f"{_named(some)} ({reason})" for reason, some in told]
        if len(titles) > len(told):
            said.append(f"and {self.documents - self.read - sum(len(some) for _, some in told):,} more")
        return "; ".join(said)

    def as_dict(self) -> dict[str, object]:
        """A JSON value with the sentence."""
        return {**asdict(self), "sentence": self.sentence()}


def read_coverage(files: JobFiles, job: Job) -> Coverage | None:
    """The coverage of a job as far as it went; None before its documents were gathered.

    A document that is only partly in the summaries counts as failed. A dry run makes none: one that is done has read
    the documents, one that was stopped or failed has read nothing.
    """
    documents = files.find_document_list()
    if documents is None:
        return None
    missing = [Missing(title=failed["title"], reason=failed["reason"]) for failed in documents["failed"]]
    reasons: dict[int, str] = {}
    if not (job.status == "done" and job.options.get("dry_run")):
        reasons = {**dict(_unread(files, documents, job.status)), **dict(unread(files.find_plan() or {}))}
    titles = {document["number"]: document["title"] for document in documents["documents"]}
    missing += [Missing(title=titles[number], reason=reason) for number, reason in sorted(reasons.items())]
    left_out = documents.get("left_out", 0)
    if left_out:
        missing.append(Missing(title=f"{left_out:,} more documents", reason="were left out (max_documents)"))
    total = len(titles) + len(documents["failed"]) + left_out
    read = total - len(missing) - max(0, left_out - 1)
    return Coverage(total, read, missing, documents.get("passed_over", []), documents.get("duplicates", []))


def _named(titles: Sequence[str]) -> str:
    more = len(titles) - MOST_NAMED
    return ", ".join(titles[:MOST_NAMED]) + (f" and {more:,} more" if more > 0 else "")


def _unread(files: JobFiles, documents: DocumentList, status: str) -> Iterator[tuple[int, str]]:
    """Document numbers that some batch without a summary should have read, and why it has none.

    A batch may have failed without a word, when its function was killed; that of a job that was stopped is no failure.
    """
    try:
        batch_ids = files.batch_ids()
    except NotFoundError:
        reason = CUT_SHORT.get(status, "was not read")
        yield from ((document["number"], reason) for document in documents["documents"])
        return
    prefix = files.key("summaries/")
    done = {found.key.removeprefix(prefix).removesuffix(".json") for found in files.bucket.objects(prefix)}
    lacking = [batch_id for batch_id in batch_ids if batch_id not in done]
    if not lacking:
        return
    failures = {
        failure["batch_id"]: f"could not be summarised: {failure['message']}"
        for failure in files.failures()
        if failure["code"] != JobStoppedError.code
    }
    held = files.documents_by_batch()
    for batch_id in lacking:
        reason = failures.get(batch_id) or CUT_SHORT.get(status, "was not summarised in time")
        yield from ((number, reason) for number in held.get(batch_id, ()))
