"""Following a job: versions, the wait for a change, and notes by document."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from functions.serve_api import progress
from rota.errors import InvalidInputError
from rota.job_item import Job
from rota.notes_view import notes_page
from rota.records import DocumentInfo, Summary
from tests.fixtures.job_stack import JobStack, job_stack

JOB = "j-00000000000000aa"


@pytest.fixture
def stack() -> Iterator[JobStack]:
    """A queued job."""
    with job_stack() as stack:
        stack.add_job(JOB)
        yield stack


def test_a_version_changes_with_every_counter_and_status(stack: JobStack) -> None:
    """The same job has the same tag, quoted as HTTP wants it."""
    seen = [progress.version(stack.jobs.get(JOB))]
    assert progress.version(stack.jobs.get(JOB)) == seen[0]
    assert seen[0].startswith('"')
    assert seen[0].endswith('"')
    stack.jobs.add(JOB, batches_done=1)
    seen.append(progress.version(stack.jobs.get(JOB)))
    stack.jobs.start_step(JOB, "planning", 5)
    seen.append(progress.version(stack.jobs.get(JOB)))
    stack.jobs.stop(JOB)
    seen.append(progress.version(stack.jobs.get(JOB)))
    assert len(set(seen)) == 4


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [("", 0), ("wait=7", 7), ("respond-async, wait=7", 7), ("wait=900", 20), ("wait=x", 0), ("await=7", 0)],
)
def test_how_long_a_caller_waits(prefer: str, seconds: int) -> None:
    """As RFC 7240 writes it, within what an API may take."""
    assert progress.wait_s({"prefer": prefer}) == seconds


def test_a_wait_ends_at_the_first_change(stack: JobStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looked at again and again until its version is another; a caller who knows none is answered at once."""
    monkeypatch.setattr(progress, "LOOK_EVERY_S", 0.001)
    looks = 0

    def read() -> Job:
        nonlocal looks
        looks += 1
        if looks == 3:
            stack.jobs.add(JOB, batches_done=1)
        return stack.jobs.get(JOB)

    known = progress.version(stack.jobs.get(JOB))
    changed = progress.await_change(read, f'"other", W/{known}', 5)
    assert (looks, progress.is_known(changed, known)) == (3, False)
    assert progress.await_change(read, "", 5)
    assert looks == 4


def test_a_finished_job_is_not_waited_for(stack: JobStack) -> None:
    """It cannot change any more."""
    stack.jobs.finish(JOB, "done", None, 9)
    job = stack.jobs.get(JOB)
    assert progress.await_change(lambda: job, progress.version(job), 20) is job


def test_notes_come_by_document_and_page(stack: JobStack) -> None:
    """Batches in their order; those without notes are left out, and a cursor goes on after the last one."""
    files = stack.files(JOB)
    assert notes_page(files, 10, "") == {"batches": [], "cursor": None}
    infos = [
        DocumentInfo(number=n, title=f"{n}.md", origin="request", media_type="text/plain", bytes=1, characters=1)
        for n in (1, 2, 3)
    ]
    files.put_document_list({"documents": infos, "failed": []})
    files.put_manifest({"b0001": [1, 2], "b0002": [2], "b0003": [3]})
    files.put_summary(
        Summary(batch_id="b0001", text="- One [1].\n- Both [1][2].\n- Two [2].", cited=[1, 2], documents=[1, 2])
    )
    files.put_summary(Summary(batch_id="b0003", text="- Three [3].", cited=[3], documents=[3]))
    first = notes_page(files, 2, "")
    (batch,) = first["batches"]
    assert {one["number"]: len(one["notes"]) for one in batch["documents"]} == {1: 2, 2: 2}
    assert first["cursor"] == "b0002"
    (last,) = notes_page(files, 2, first["cursor"])["batches"]
    assert (last["documents"][0]["title"], "Three" in last["documents"][0]["notes"][0]) == ("3.md", True)
    with pytest.raises(InvalidInputError, match="cursor"):
        notes_page(files, 2, "b9999")
