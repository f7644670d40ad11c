"""Starting jobs: once per idempotency key, and a crash at any point heals by asking again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest

from rota.errors import ConflictError, InvalidInputError
from rota.executions import Executions
from rota.once import KEPT_S, OnceKey
from rota.submission import Draft, Submissions
from tests.fixtures.job_stack import JobStack, job_stack

NOW = 1_795_183_200_000
REQUEST = {"query": "What ends?", "sources": [{"type": "text", "title": "a", "text": "b"}], "options": {}}
DRAFT = Draft("ada", "api", REQUEST)
KEY = OnceKey("ada", "contracts-1")


class CrashError(Exception):
    """The process dies here."""


class CrashingOnce:
    """Stands in for the bucket, the jobs or the executions: the first call dies, before or after it was carried out."""

    def __init__(self, real: Any, method: str, *, after: bool) -> None:
        self._real, self._method, self._after, self._armed = real, method, after, True

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._real, name)
        if name != self._method or not self._armed:
            return real

        def crash(*arguments: Any, **named: Any) -> None:
            self._armed = False
            if self._after:
                real(*arguments, **named)
            raise CrashError

        return crash


@pytest.fixture
def stack() -> Iterator[JobStack]:
    """Tables, bucket and machines of one test."""
    with job_stack() as stack:
        yield stack


def submissions(stack: JobStack, **replaced: Any) -> Submissions:
    """The real parts, some of them replaced."""
    parts = {
        "jobs": stack.jobs,
        "once": stack.once,
        "executions": Executions(stack.stepfunctions, stack.workflow_arn),
        "bucket": stack.bucket,
    }
    return Submissions(**{**parts, **replaced})


def test_a_job_is_started_with_its_request(stack: JobStack) -> None:
    """Item, file and execution agree on the id."""
    job = submissions(stack).submit(DRAFT, None, NOW)
    assert (job.status, job.created) == ("queued", True)
    assert stack.files(job.job_id).request() == {**REQUEST, "owner": "ada", "origin": "api"}
    assert stack.executions(stack.workflow_arn) == {job.job_id: {"job_id": job.job_id, "search": False}}


def test_without_a_key_every_request_is_a_job(stack: JobStack) -> None:
    """Asking twice means it twice."""
    first, second = (submissions(stack).submit(DRAFT, None, NOW).job_id for _ in range(2))
    assert first != second


def test_the_same_key_and_body_is_the_first_job(stack: JobStack) -> None:
    """Also when the keys of the body stand in another order; only the first call created it."""
    first = submissions(stack).submit(DRAFT, KEY, NOW)
    turned = Draft("ada", "api", dict(reversed(REQUEST.items())))
    second = submissions(stack).submit(turned, KEY, NOW + 1000)
    assert (first.job_id, first.created) == (second.job_id, True)
    assert not second.created
    assert len(stack.executions(stack.workflow_arn)) == 1


def test_the_same_key_with_another_body_is_a_conflict(stack: JobStack) -> None:
    """Nothing is started for it."""
    submissions(stack).submit(DRAFT, KEY, NOW)
    with pytest.raises(ConflictError):
        submissions(stack).submit(Draft("ada", "api", {**REQUEST, "query": "Other?"}), KEY, NOW)
    assert len(stack.executions(stack.workflow_arn)) == 1


def test_keys_belong_to_their_owner(stack: JobStack) -> None:
    """Bob's first request is not Ada's second."""
    adas = submissions(stack).submit(DRAFT, KEY, NOW)
    bobs = submissions(stack).submit(Draft("bob", "api", REQUEST), OnceKey("bob", KEY.text), NOW)
    assert adas.job_id != bobs.job_id


def test_a_key_is_forgotten_after_a_day(stack: JobStack) -> None:
    """By its age, not by the table's clean-up, which comes days late."""
    first = submissions(stack).submit(DRAFT, KEY, NOW)
    almost = submissions(stack).submit(DRAFT, KEY, NOW + (KEPT_S - 1) * 1000)
    after = submissions(stack).submit(DRAFT, KEY, NOW + KEPT_S * 1000)
    assert first.job_id == almost.job_id != after.job_id


def test_a_repetition_tells_how_far_the_job_is(stack: JobStack) -> None:
    """A finished job is not started again."""
    first = submissions(stack).submit(DRAFT, KEY, NOW)
    stack.jobs.finish(first.job_id, "done", None, NOW)
    again = submissions(stack).submit(DRAFT, KEY, NOW)
    assert (again.job_id, again.status) == (first.job_id, "done")


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(("part", "method"), [("jobs", "create"), ("executions", "start"), ("once", "claim")])
def test_a_crash_anywhere_heals_by_asking_again(stack: JobStack, part: str, method: str, after: bool) -> None:
    """Before or after each write: the repetition ends with one job, its request, and one execution."""
    real = {"jobs": stack.jobs, "executions": Executions(stack.stepfunctions, stack.workflow_arn), "once": stack.once}
    crashing = CrashingOnce(real[part], method, after=after)
    with pytest.raises(CrashError):
        submissions(stack, **{part: crashing}).submit(DRAFT, KEY, NOW)
    job = submissions(stack).submit(DRAFT, KEY, NOW + 1000)
    assert stack.executions(stack.workflow_arn) == {job.job_id: {"job_id": job.job_id, "search": False}}
    assert stack.files(job.job_id).request()["query"] == "What ends?"
    assert [one.job_id for one in stack.jobs.list("ada", 10).jobs] == [job.job_id]


def test_without_a_key_a_job_that_did_not_start_is_failed(stack: JobStack) -> None:
    """Nobody knows its id, so it must not stay queued for ever."""
    crashing = CrashingOnce(Executions(stack.stepfunctions, stack.workflow_arn), "start", after=False)
    with pytest.raises(CrashError):
        submissions(stack, executions=crashing).submit(DRAFT, None, NOW)
    (job,) = stack.jobs.list("ada", 10).jobs
    assert (job.status, job.error_code) == ("failed", "internal_error")


@pytest.mark.parametrize("text", ["", " ", "a b", "ä", "x" * 129, "tab\t", "line\n"])
def test_a_key_must_be_plain(text: str) -> None:
    """The error names the header."""
    with pytest.raises(InvalidInputError) as refused:
        OnceKey("ada", text)
    assert refused.value.field == "Idempotency-Key"


def test_starting_and_stopping_are_harmless_twice(stack: JobStack) -> None:
    """A used name, with the same or another input, running or ended; a name that never was."""
    executions = Executions(stack.stepfunctions, stack.workflow_arn)
    executions.stop("j-never-started")
    executions.start("j-1", {"job_id": "j-1"})
    executions.start("j-1", {"job_id": "j-1"})
    executions.start("j-1", {"job_id": "j-1", "other": True})
    executions.stop("j-1")
    executions.stop("j-1")
    executions.start("j-1", {"job_id": "j-1"})
    assert stack.executions(stack.workflow_arn) == {"j-1": {"job_id": "j-1"}}
    (execution,) = stack.stepfunctions.list_executions(stateMachineArn=stack.workflow_arn)["executions"]
    assert execution["status"] == "ABORTED"


def test_an_execution_that_has_ended_need_not_be_stopped(stack: JobStack) -> None:
    """Some say so with an error: what was wanted is the case."""
    not_running = {"Error": {"Code": "ValidationException", "Message": "Execution is not running"}}
    with patch.object(stack.stepfunctions, "stop_execution") as stop:
        stop.side_effect = stack.stepfunctions.exceptions.ValidationException(not_running, "StopExecution")
        Executions(stack.stepfunctions, stack.workflow_arn).stop("j-1")
    stop.assert_called_once()
