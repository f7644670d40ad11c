"""GatherDocuments: every event of `events/gather_documents/`, run against a job in the state its name tells."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from functions.gather_documents.handler import handle
from rota.schemas import StepError
from tests.fixtures.files import PNG
from tests.fixtures.job_stack import BUCKET, Context, JobStack, job_stack

EVENTS = Path(__file__).parents[2] / "events" / "gather_documents"
LIBRARY = {"type": "s3", "prefix": "library/"}
TEXT = {"type": "text", "title": "note", "text": "One."}


class LongContext(Context):
    """Enough time for any pile."""

    def get_remaining_time_in_millis(self) -> int:
        """Fifteen minutes."""
        return 900_000


@pytest.fixture
def stack() -> Iterator[JobStack]:
    """The tables and the bucket, with nothing in them."""
    with job_stack() as stack:
        yield stack


def event(name: str) -> dict[str, Any]:
    """A sample event."""
    value: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8"))
    return value


def prepare(stack: JobStack, job_id: str, *sources: dict[str, Any], **objects: bytes) -> None:
    """A queued job with its request; objects by their path below `library/`."""
    stack.add_job(job_id)
    stack.files(job_id).put_request({"query": "?", "owner": "ada", "origin": "api", "sources": list(sources)})
    for path, data in objects.items():
        stack.s3.put_object(Bucket=BUCKET, Key=f"library/{path}", Body=data)


def mixed_sources(stack: JobStack, job_id: str) -> None:
    """A text, a file, the same file again, and an image."""
    prepare(stack, job_id, TEXT, LIBRARY, a=b"Two.", b=b"Two.", c=PNG)


def inbox(stack: JobStack, job_id: str) -> None:
    """Two files dropped under an inbox, with the question beside them."""
    keys = [f"inbox/friday/{name}" for name in ("a.txt", "b.txt", "question.txt")]
    for key in keys:
        stack.s3.put_object(Bucket=BUCKET, Key=key, Body=key.encode())
    prepare(stack, job_id, {"type": "inbox", "name": "friday", "keys": keys})


def repeated(stack: JobStack, job_id: str) -> None:
    """Gathered before; a file came since."""
    prepare(stack, job_id, LIBRARY, b=b"Two.")
    handle({"job_id": job_id}, LongContext())
    stack.s3.put_object(Bucket=BUCKET, Key="library/a", Body=b"One.")


def nothing_found(stack: JobStack, job_id: str) -> None:
    """An empty prefix."""
    prepare(stack, job_id, LIBRARY)


def none_readable(stack: JobStack, job_id: str) -> None:
    """Only an image."""
    prepare(stack, job_id, LIBRARY, c=PNG)


def stopped(stack: JobStack, job_id: str) -> None:
    """Somebody stopped it before it began."""
    prepare(stack, job_id, TEXT)
    stack.jobs.stop(job_id)


def finished(stack: JobStack, job_id: str) -> None:
    """Ended before this late repetition."""
    prepare(stack, job_id, TEXT)
    stack.jobs.finish(job_id, "failed", StepError(code="x", message="y"), 1)


def unknown_job(stack: JobStack, job_id: str) -> None:
    """Nobody created it."""


def outside_library(stack: JobStack, job_id: str) -> None:
    """A request that the API would never let through."""
    prepare(stack, job_id, {"type": "s3", "prefix": "jobs/"})


GOOD: dict[Callable[[JobStack, str], None], tuple[int, int]] = {
    mixed_sources: (3, 1),
    inbox: (2, 0),
    repeated: (1, 0),
}
"""Documents in all and failed, by scenario."""

BAD: dict[Callable[[JobStack, str], None], tuple[str, str]] = {
    nothing_found: ("not_found", "There are no documents in library/."),
    none_readable: ("unreadable_document", "Not one document can be read: c is a PNG image, which is not read."),
    stopped: ("job_stopped", "stopped"),
    finished: ("conflict", "failed"),
    unknown_job: ("not_found", "j-00000000000000a8"),
    outside_library: ("invalid_input", "sources"),
}
"""Code and part of the sentence, by scenario."""


def test_every_event_has_a_scenario() -> None:
    """No sample lies about unused."""
    assert {path.stem for path in EVENTS.glob("*.json")} == {scenario.__name__ for scenario in (*GOOD, *BAD)}


@pytest.mark.parametrize("scenario", GOOD, ids=lambda scenario: scenario.__name__)
def test_documents_are_gathered(stack: JobStack, scenario: Callable[[JobStack, str], None]) -> None:
    """The event goes on as it came, the job counts, and documents lie in S3."""
    asked = event(scenario.__name__)
    scenario(stack, asked["job_id"])
    assert handle(asked, LongContext()) == {
        "job_id": asked["job_id"],
        "status": "done",
        "search": False,
        "dry_run": False,
    }
    total, failed = GOOD[scenario]
    job = stack.jobs.get(asked["job_id"])
    assert job.status == "gathering"
    assert (job.counters["documents_total"], job.counters.get("documents_failed", 0)) == (total, failed)
    listed = stack.files(asked["job_id"]).document_list()
    assert [one["number"] for one in listed["documents"]] == list(range(1, total - failed + 1))
    assert all(stack.files(asked["job_id"]).document(n)["text"] for n in range(1, total - failed + 1))


@pytest.mark.parametrize("scenario", BAD, ids=lambda scenario: scenario.__name__)
def test_a_failure_is_data(stack: JobStack, scenario: Callable[[JobStack, str], None]) -> None:
    """A code for the workflow and a sentence for a person; nothing is raised."""
    asked = event(scenario.__name__)
    scenario(stack, asked["job_id"])
    answer = handle(asked, LongContext())
    code, sentence = BAD[scenario]
    assert (answer["status"], answer["error"]["code"]) == ("failed", code)
    assert sentence in answer["error"]["message"]


def test_code_carries_its_imports_to_the_plan(stack: JobStack) -> None:
    """Only this function has the parsers; the planning one scores batches by what it left."""
    sources = (
        {"type": "text", "title": "a.py", "text": "import b.c"},
        {"type": "text", "title": "b.rs", "text": "use d;"},
    )
    prepare(stack, "j-00000000000000a1", TEXT, *sources)
    handle(event("mixed_sources"), LongContext())
    listed = stack.files("j-00000000000000a1").document_list()["documents"]
    assert [one.get("imports") for one in listed] == [None, ["b.c"], ["d"]]
    assert "imports" not in listed[0]


def test_a_repetition_counts_nothing_twice(stack: JobStack) -> None:
    """Counters are set, not added."""
    mixed_sources(stack, "j-00000000000000a1")
    for _ in range(2):
        handle(event("mixed_sources"), LongContext())
    assert stack.jobs.get("j-00000000000000a1").counters["documents_total"] == 3


def test_an_unreadable_job_still_counts(stack: JobStack) -> None:
    """Whoever looks at the failed job sees how many documents it was."""
    none_readable(stack, "j-00000000000000a5")
    handle(event("none_readable"), LongContext())
    counters = stack.jobs.get("j-00000000000000a5").counters
    assert (counters["documents_total"], counters["documents_failed"]) == (1, 1)


def test_a_pile_is_gathered_over_several_invocations(stack: JobStack) -> None:
    """With little time left one file is read, and the workflow is asked to come again."""
    asked = event("mixed_sources")
    mixed_sources(stack, asked["job_id"])
    answers = [handle(asked, Context())["status"] for _ in range(5)]
    assert answers[:2] == ["again", "again"]
    assert answers[-1] == "done"
    assert len(stack.files(asked["job_id"]).document_list()["documents"]) == 2
