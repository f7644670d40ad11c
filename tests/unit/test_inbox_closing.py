"""From files to one job: the whole protocol, with what may go wrong between its steps."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from rota.executions import Executions
from rota.inbox import QUIET_MS
from rota.inbox_closing import InboxCloser
from rota.inbox_events import Arrivals
from rota.storage import Bucket
from rota.submission import Submissions
from tests.fixtures.job_stack import BUCKET, JobStack, job_stack

NOW = 1_795_183_200_000


@pytest.fixture
def stack() -> Iterator[JobStack]:
    """Tables, bucket and machines of one test."""
    with job_stack() as stack:
        yield stack


def closer(stack: JobStack, bucket: Any = None) -> InboxCloser:
    """The real parts."""
    executions = Executions(stack.stepfunctions, stack.workflow_arn)
    submissions = Submissions(stack.jobs, stack.once, executions, stack.bucket)
    return InboxCloser(stack.inboxes, bucket or stack.bucket, submissions)


def drop(stack: JobStack, *paths: str, now_ms: int) -> None:
    """Put files into the inbox and deliver their events."""
    for path in paths:
        stack.s3.put_object(Bucket=BUCKET, Key=f"inbox/contracts/{path}", Body=path.encode())
    deliver(stack, *paths, now_ms=now_ms)


def deliver(stack: JobStack, *paths: str, now_ms: int) -> None:
    """The events of files, a message each."""
    arrivals = Arrivals(stack.inboxes, Executions(stack.stepfunctions, stack.inbox_workflow_arn))
    records = [
        {"eventName": "ObjectCreated:Put", "s3": {"object": {"key": f"inbox/contracts/{path}"}}} for path in paths
    ]
    messages = [{"messageId": f"m{at}", "body": json.dumps({"Records": [one]})} for at, one in enumerate(records)]
    assert arrivals.accept(messages, now_ms) == {}


def test_fifty_files_are_one_job_and_a_later_one_the_next(stack: JobStack) -> None:
    """In bursts over four seconds; the second job reads all fifty-one."""
    for burst in range(5):
        drop(stack, *(f"{burst}-{at}.md" for at in range(10)), now_ms=NOW + 800 * burst)
    assert list(stack.executions(stack.inbox_workflow_arn)) == ["inbox-contracts-1"]
    last_ms = NOW + 3200
    early = closer(stack).close("contracts", 1, NOW + QUIET_MS)
    assert (early.until_ms, early.job) == (last_ms + QUIET_MS, None)
    closing = closer(stack).close("contracts", 1, last_ms + QUIET_MS)
    assert closing.job is not None
    assert closing.job.created
    assert len(stack.files(closing.job.job_id).request()["sources"][0]["keys"]) == 50
    drop(stack, "late.md", now_ms=NOW + 60_000)
    assert "inbox-contracts-2" in stack.executions(stack.inbox_workflow_arn)
    second = closer(stack).close("contracts", 2, NOW + 70_000)
    assert second.job is not None
    assert len(stack.files(second.job.job_id).request()["sources"][0]["keys"]) == 51
    assert len(stack.executions(stack.workflow_arn)) == 2


def test_an_event_that_comes_again_starts_nothing(stack: JobStack) -> None:
    """Within the burst it is coalesced; minutes later the files are found to be the same."""
    drop(stack, "a.md", now_ms=NOW)
    deliver(stack, "a.md", "a.md", now_ms=NOW + 100)
    assert closer(stack).close("contracts", 1, NOW + 10_000).job is not None
    deliver(stack, "a.md", now_ms=NOW + 200_000)
    assert closer(stack).close("contracts", 2, NOW + 210_000).job is None
    assert len(stack.executions(stack.workflow_arn)) == 1


def test_a_repeated_look_starts_nothing_more(stack: JobStack) -> None:
    """A retried function finds the job of its generation."""
    drop(stack, "a.md", now_ms=NOW)
    first = closer(stack).close("contracts", 1, NOW + 10_000)
    again = closer(stack).close("contracts", 1, NOW + 11_000)
    assert first.job is not None
    assert again.job is not None
    assert (again.job.job_id, again.job.created) == (first.job.job_id, False)
    assert len(stack.executions(stack.workflow_arn)) == 1


class ArrivingBucket(Bucket):
    """A bucket in which a file's event arrives while its listing is read."""

    def __init__(self, stack: JobStack) -> None:
        super().__init__(stack.s3, BUCKET)
        self._stack = stack

    def __getattribute__(self, name: str) -> Any:
        if name == "s3":
            stack: JobStack = object.__getattribute__(self, "_stack") if "_stack" in self.__dict__ else None  # type: ignore[assignment]
            if stack is not None:
                stack.inboxes.arrive("contracts", 1, NOW + 9_999)
        return super().__getattribute__(name)


def test_a_file_that_arrives_during_the_look_is_waited_for(stack: JobStack) -> None:
    """The close is refused, nothing is started, and the machine looks again."""
    drop(stack, "a.md", now_ms=NOW)
    closing = closer(stack, ArrivingBucket(stack)).close("contracts", 1, NOW + 10_000)
    assert (closing.job, closing.until_ms) == (None, NOW + 10_000 + QUIET_MS)
    assert stack.inboxes.read("contracts").generation == 1
    assert stack.executions(stack.workflow_arn) == {}


def test_one_inbox_that_cannot_be_noted_does_not_spoil_the_batch(stack: JobStack) -> None:
    """Only the messages that speak of it come again."""

    class Failing:
        def arrive(self, name: str, files: int, now_ms: int) -> int:
            if name == "broken":
                raise RuntimeError(name)
            return stack.inboxes.arrive(name, files, now_ms)

    keys = ["inbox/broken/a.md", "inbox/fine/a.md"]
    records = [{"eventName": "ObjectCreated:Put", "s3": {"object": {"key": key}}} for key in keys]
    messages = [
        {"messageId": "both", "body": json.dumps({"Records": records})},
        {"messageId": "fine", "body": json.dumps({"Records": records[1:]})},
    ]
    executions = Executions(stack.stepfunctions, stack.inbox_workflow_arn)
    failed = Arrivals(Failing(), executions).accept(messages, NOW)  # type: ignore[arg-type]
    assert list(failed) == ["both"]
    assert list(stack.executions(stack.inbox_workflow_arn)) == ["inbox-fine-1"]
