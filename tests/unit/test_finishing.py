"""The end of a job: reached once, told at least once, and item and files always agree."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from rota.errors import NotFoundError, RotaError
from rota.finishing import STOPPED, Finisher
from rota.job_item import model_counters
from rota.job_view import job_view
from rota.records import DocumentInfo, FailedDocument, PassedOver, Source
from rota.schemas import StepError
from tests.fixtures.job_stack import JobStack, job_stack

JOB = "j-00000000000000aa"
NOW = 1_795_183_200_000
BROKEN = StepError(code="no_capacity", message="no model had room")


@pytest.fixture
def stack() -> Iterator[JobStack]:
    """A job with an answer over 2 of 4 documents."""
    with job_stack() as stack:
        stack.add_job(JOB, created_ms=NOW - 5_000)
        files = stack.files(JOB)
        documents = [_document(number) for number in (1, 2, 3)]
        locked = FailedDocument(title="locked.pdf", origin="x", code="unreadable_document", reason="is encrypted")
        files.put_document_list({"documents": documents, "failed": [locked]})
        files.put_manifest({"b0001": [1, 2], "b0002": [3]})
        files.put_summary({"batch_id": "b0001", "documents": [1, 2], "text": "The lease [1].", "cited": [1]})
        files.put_failure(
            {"batch_id": "b0002", "documents": [3], "code": "no_capacity", "message": "no model had room"}
        )
        source = Source(number=1, title="doc-1.md", origin="request")
        files.put_answer({"text": "The lease [1].", "cited": [1], "sources": [source]}, "# Answer\n\nThe lease [1].")
        yield stack


def _document(number: int) -> DocumentInfo:
    return DocumentInfo(
        number=number,
        title=f"doc-{number}.md",
        origin="request",
        media_type="text/markdown",
        bytes=10,
        characters=10,
    )


def finisher(stack: JobStack, jobs: Any = None) -> Finisher:
    """The real parts; the bus is the stack's."""
    return Finisher(jobs or stack.jobs, stack.bucket, stack.events)


def test_the_result_has_totals_answer_and_coverage(stack: JobStack) -> None:
    """Tokens and cost by model come from the counters, coverage from the files."""
    stack.jobs.add(JOB, model_counters("nova-lite", calls=2, tokens=900, cost_nanousd=1_500_000), calls=2)
    finished = finisher(stack).finish(JOB, None, NOW)
    assert finished.first
    result = stack.files(JOB).find_result() or {}
    assert (result["job_id"], result["status"], result["duration_ms"]) == (JOB, "done", 5_000)
    assert result["answer"] == "The lease [1]."
    assert result["usage"]["models"]["nova-lite"] == {"calls": 2, "tokens": 900, "refusals": 0, "cost_usd": 0.0015}
    assert result["coverage"]["documents"] == 4
    assert result["coverage"]["read"] == 2
    assert result["coverage"]["sentence"] == (
        "2 of 4 documents, 2 not: locked.pdf (is encrypted); doc-3.md (could not be summarised: no model had room)"
    )


def test_files_that_nobody_meant_are_named_and_not_missing(stack: JobStack) -> None:
    """They reach the result, and the coverage counts the same documents as without them."""
    files = stack.files(JOB)
    passed_over = PassedOver(title="a.zip", origin="library/a.zip", files=1204, reason="hidden, built or vendored")
    files.put_document_list({**files.document_list(), "passed_over": [passed_over]})
    result = job_view(finisher(stack).finish(JOB, None, NOW).job, files.find_result())
    assert result["coverage"]["passed_over"] == [passed_over]
    assert (result["coverage"]["documents"], result["coverage"]["read"]) == (4, 2)
    assert [one["title"] for one in result["coverage"]["failed"]] == ["locked.pdf", "doc-3.md"]


def test_a_stopped_job_says_what_it_was_kept_from(stack: JobStack) -> None:
    """A batch that nobody came to is no failure, and nobody waits for quota any more, though the counter says so."""
    files = stack.files(JOB)
    files.put_manifest({"b0001": [1, 2], "b0003": [3]})
    stack.jobs.add(JOB, batches_total=2, batches_done=1, batches_waiting=1)
    assert job_view(stack.jobs.get(JOB))["progress"]["batches_waiting"] == 1
    job = finisher(stack).finish(JOB, STOPPED, NOW).job
    result = files.find_result() or {}
    assert result["coverage"]["failed"][1:] == [{"title": "doc-3.md", "reason": "was not read: the job was stopped"}]
    for view in (result, job_view(job), job_view(stack.jobs.get(JOB))):
        assert (view["progress"]["batches_done"], view["progress"]["batches_waiting"]) == (1, 0)


def test_a_dry_run_that_failed_has_read_nothing(stack: JobStack) -> None:
    """One that is done has read what could be."""
    for job_id, error, read in (("j-00000000000000bb", None, 3), ("j-00000000000000cc", BROKEN, 0)):
        stack.add_job(job_id, created_ms=NOW - 5_000, dry_run=True)
        stack.files(job_id).put_document_list(stack.files(JOB).document_list())
        finisher(stack).finish(job_id, error, NOW)
        result = stack.files(job_id).find_result() or {}
        assert (result["coverage"]["documents"], result["coverage"]["read"]) == (4, read)


def test_the_end_is_told_without_any_text(stack: JobStack) -> None:
    """Ids, status and figures; neither question nor answer leaves by the bus."""
    finisher(stack).finish(JOB, None, NOW)
    (entry,) = stack.events.entries
    detail = json.loads(entry["Detail"])
    assert (detail["job_id"], detail["owner"], detail["status"], detail["finished_ms"]) == (JOB, "ada", "done", NOW)
    assert "lease" not in entry["Detail"]
    assert "2027" not in entry["Detail"]


def test_finishing_twice_is_finishing_once(stack: JobStack) -> None:
    """The second call, whatever it says, is told the first one's end."""
    finisher(stack).finish(JOB, None, NOW)
    again = finisher(stack).finish(JOB, BROKEN, NOW + 9)
    assert (again.first, again.job.status, again.job.finished_ms) == (False, "done", NOW)
    assert len(stack.events.entries) == 1
    assert (stack.files(JOB).find_result() or {})["status"] == "done"


def test_a_failed_job_shows_its_error_and_what_was_read(stack: JobStack) -> None:
    """And not the answer that may lie there."""
    finisher(stack).finish(JOB, BROKEN, NOW)
    result = stack.files(JOB).find_result() or {}
    assert result["error"] == {"code": "no_capacity", "message": "no model had room"}
    assert result["coverage"]["documents"] == 4
    assert "answer" not in result


def test_who_asked_for_a_stop_is_told_it_stopped(stack: JobStack) -> None:
    """Even when the last step was quicker."""
    stack.jobs.stop(JOB)
    finished = finisher(stack).finish(JOB, None, NOW)
    assert (finished.job.status, finished.job.error_code) == ("stopped", "job_stopped")


def test_a_bus_that_refuses_is_asked_again(stack: JobStack) -> None:
    """The job is finished all the same; the repeated finish makes it known."""
    stack.events.refusals = 1
    with pytest.raises(RotaError):
        finisher(stack).finish(JOB, None, NOW)
    assert stack.jobs.get(JOB).status == "done"
    finisher(stack).finish(JOB, None, NOW + 1)
    finisher(stack).finish(JOB, None, NOW + 2)
    assert len(stack.events.entries) == 1


class OvertakenJobs:
    """A job store whose next finish comes second: another finisher ends the job just before."""

    def __init__(self, stack: JobStack) -> None:
        self._stack, self._overtaken = stack, False

    def __getattr__(self, name: str) -> Any:
        if name == "finish" and not self._overtaken:
            self._overtaken = True
            finisher(self._stack).finish(JOB, STOPPED, NOW - 1)
        return getattr(self._stack.jobs, name)


def test_who_loses_the_race_leaves_the_winners_files(stack: JobStack) -> None:
    """The loser had written its own result already, and writes the winner's over it."""
    finished = finisher(stack, OvertakenJobs(stack)).finish(JOB, None, NOW)
    assert (finished.first, finished.job.status) == (False, "stopped")
    result = stack.files(JOB).find_result() or {}
    assert (result["status"], result["finished_ms"]) == ("stopped", NOW - 1)
    assert "answer" not in result
    assert len(stack.events.entries) == 1


def test_a_result_that_never_was_written_is_written_by_the_repetition(stack: JobStack) -> None:
    """The status was set and the process died, or the file was lost."""
    stack.jobs.finish(JOB, "failed", BROKEN, NOW)
    finisher(stack).finish(JOB, None, NOW + 5)
    result = stack.files(JOB).find_result() or {}
    assert (result["status"], result["finished_ms"]) == ("failed", NOW)


def test_a_job_that_is_not_there_is_not_made(stack: JobStack) -> None:
    """Nothing is written, nobody is told."""
    with pytest.raises(NotFoundError):
        finisher(stack).finish("j-ffffffffffffffff", None, NOW)
    assert stack.keys_under("jobs/j-ffffffffffffffff") == []
    assert stack.events.entries == []
