"""Which documents an answer rests on, judged by the files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from rota.coverage import MOST_NAMED, MOST_REASONS, Coverage, read_coverage
from rota.job_files import JobFiles
from rota.job_item import Job
from rota.records import DocumentInfo, DuplicateDocument, Missing
from tests.fixtures.job_stack import job_stack


@pytest.fixture
def files() -> Iterator[JobFiles]:
    """A job of three documents in two batches; document 2 lies in both."""
    with job_stack() as stack:
        files = stack.files("j-00000000000000aa")
        files.put_document_list({"documents": [_document(number) for number in (1, 2, 3)], "failed": []})
        files.put_manifest({"b0001": [1, 2], "b0002": [2, 3]})
        yield files


def _document(number: int) -> DocumentInfo:
    title = f"{number}.md"
    return DocumentInfo(number=number, title=title, origin="request", media_type="text/plain", bytes=1, characters=1)


def job(status: str = "answering", **options: Any) -> Job:
    """The job of these files."""
    return Job("j-00000000000000aa", "ada", "api", status, "What?", created_ms=0, options=options)


def summarize(files: JobFiles, batch_id: str, *documents: int) -> None:
    """A batch is summarised."""
    files.put_summary({"batch_id": batch_id, "documents": list(documents), "text": "x", "cited": []})


def missing(files: JobFiles, status: str = "answering", **options: Any) -> dict[str, str]:
    """Reasons by title."""
    coverage = read_coverage(files, job(status, **options))
    assert coverage is not None
    assert coverage.read + len(coverage.failed) == coverage.documents
    return {one["title"]: one["reason"] for one in coverage.failed}


def test_all_summaries_there_means_all_read(files: JobFiles) -> None:
    """Also when an earlier attempt of a batch had left a failure."""
    summarize(files, "b0001", 1, 2)
    summarize(files, "b0002", 2, 3)
    files.put_failure({"batch_id": "b0002", "documents": [2, 3], "code": "no_capacity", "message": "no room"})
    assert missing(files) == {}


def test_a_document_read_in_part_is_not_read(files: JobFiles) -> None:
    """Its other batch failed, and says why."""
    summarize(files, "b0001", 1, 2)
    files.put_failure({"batch_id": "b0002", "documents": [2, 3], "code": "no_capacity", "message": "no room"})
    reason = "could not be summarised: no room"
    assert missing(files) == {"2.md": reason, "3.md": reason}


def test_a_batch_that_failed_without_a_word_is_missed(files: JobFiles) -> None:
    """A killed function leaves neither summary nor failure: the plan tells what it held."""
    summarize(files, "b0001", 1, 2)
    assert missing(files) == dict.fromkeys(("2.md", "3.md"), "was not summarised in time")


def test_thousands_of_unread_batches_take_a_few_requests(files: JobFiles) -> None:
    """A big job that is stopped early: one read for each of its batches would outlast the function."""
    files.put_manifest({f"b{number:04d}": [1 + number % 3] for number in range(5000)})
    requests: list[str] = []
    files.bucket.s3.meta.events.register("before-call.s3", lambda model, **_: requests.append(model.name))
    assert set(missing(files)) == {"1.md", "2.md", "3.md"}
    assert len(requests) < 10


def test_before_the_documents_there_is_no_coverage(files: JobFiles) -> None:
    """A job that failed while gathering."""
    assert read_coverage(JobFiles(files.bucket.s3, files.bucket.name, "j-00000000000000bb"), job()) is None


def test_before_the_plan_nothing_is_read(files: JobFiles) -> None:
    """A job that was stopped early."""
    early = JobFiles(files.bucket.s3, files.bucket.name, "j-00000000000000bb")
    early.put_document_list(files.document_list())
    coverage = read_coverage(early, job())
    assert coverage is not None
    assert (coverage.documents, coverage.read) == (3, 0)
    for status, why in (("stopped", "the job was stopped"), ("failed", "the job failed")):
        assert missing(early, status) == dict.fromkeys(("1.md", "2.md", "3.md"), f"was not read: {why}")


@pytest.mark.parametrize(("status", "why"), [("stopped", "the job was stopped"), ("failed", "the job failed")])
def test_what_a_job_that_was_cut_short_did_not_read_is_not_late(files: JobFiles, status: str, why: str) -> None:
    """Nor did it fail; what did fail says so all the same."""
    files.put_manifest({"b0001": [1], "b0002": [2], "b0003": [3]})
    files.put_failure({"batch_id": "b0002", "documents": [2], "code": "no_capacity", "message": "no room"})
    files.put_failure({"batch_id": "b0003", "documents": [3], "code": "job_stopped", "message": "job j-… was stopped"})
    assert missing(files, status) == {
        "1.md": f"was not read: {why}",
        "2.md": "could not be summarised: no room",
        "3.md": f"was not read: {why}",
    }


def test_a_dry_run_covers_what_could_be_read(files: JobFiles) -> None:
    """It makes no summaries, and that is no failure."""
    coverage = read_coverage(files, job("done", dry_run=True))
    assert coverage is not None
    assert coverage.sentence() == "3 of 3 documents"


@pytest.mark.parametrize(("status", "why"), [("stopped", "the job was stopped"), ("failed", "the job failed")])
def test_a_dry_run_that_came_to_nothing_has_read_nothing(files: JobFiles, status: str, why: str) -> None:
    """Whether it got as far as its batches or not."""
    assert missing(files, status, dry_run=True) == dict.fromkeys(("1.md", "2.md", "3.md"), f"was not read: {why}")


def test_what_is_given_twice_is_named_and_counts_once(files: JobFiles) -> None:
    """Neither missing nor a document more."""
    summarize(files, "b0001", 1, 2)
    summarize(files, "b0002", 2, 3)
    copy = DuplicateDocument(title="copy of 1.md", origin="request", number=1)
    files.put_document_list({**files.document_list(), "duplicates": [copy]})
    coverage = read_coverage(files, job())
    assert coverage is not None
    assert coverage.as_dict() == {
        "documents": 3,
        "read": 3,
        "failed": [],
        "passed_over": [],
        "duplicates": [copy],
        "sentence": "3 of 3 documents, 1 more is the same as another",
    }
    failed = [Missing(title="a.pdf", reason="is encrypted")]
    assert Coverage(4, 3, failed, duplicates=[copy, copy]).sentence() == (
        "3 of 4 documents, 1 not: a.pdf (is encrypted); 2 more are the same as others"
    )


def test_documents_left_out_are_many_though_named_once() -> None:
    """Three of five hundred were read, and that is what is said."""
    left_out = [Missing(title="500 more documents", reason="were left out (max_documents)")]
    assert Coverage(503, 3, left_out).sentence().startswith("3 of 503 documents, 500 not: 500 more documents (were")


def test_a_reason_is_told_once_with_a_few_of_its_documents() -> None:
    """However many it holds for, and wherever they stand."""
    failed = [Missing(title=f"{number}.md", reason="was left out: too much") for number in range(20)]
    failed.insert(1, Missing(title="a.pdf", reason="is encrypted"))
    assert Coverage(36, 15, failed).sentence() == (
        f"15 of 36 documents, 21 not: 0.md, 1.md, 2.md and {20 - MOST_NAMED} more (was left out: too much); "
        "a.pdf (is encrypted)"
    )


def test_a_sentence_tells_no_more_than_a_few_reasons() -> None:
    """A hundred failures, each of another kind, are counted, ten are told; 500 that share an entry count as 500."""
    failed = [Missing(title=f"{number}.pdf", reason=f"has {number} bytes") for number in range(100)]
    sentence = Coverage(150, 50, failed).sentence()
    assert sentence.startswith("50 of 150 documents, 100 not: 0.pdf (has 0 bytes); 1.pdf (has 1 bytes); ")
    assert sentence.endswith(f"; and {100 - MOST_REASONS} more")
    assert sentence.count(".pdf") == MOST_REASONS
    failed.append(Missing(title="500 more documents", reason="were left out (max_documents)"))
    assert Coverage(650, 50, failed).sentence().endswith(f"; and {600 - MOST_REASONS} more")
