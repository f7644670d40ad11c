"""The jobs table: transitions happen once, counters add up, owners see their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from rota.errors import ConflictError, InvalidInputError, JobStoppedError, NotFoundError
from rota.job_item import KEPT_S, STEPS, NewJob, model_counters, new_job_id
from rota.schemas import StepError
from tests.fixtures.job_stack import JobStack, job_stack

JOB = "j-00000000000000aa"
NOW = 1_795_183_200_000
BROKEN = StepError(code="internal_error", message="it broke")


@pytest.fixture
def stack() -> Iterator[JobStack]:
    """Tables and bucket of one test."""
    with job_stack() as stack:
        yield stack


def test_a_new_job_is_queued_and_is_read_back_whole(stack: JobStack) -> None:
    """Everything handed to create is there, and nothing has happened yet."""
    new = NewJob(JOB, "ada", "inbox:contracts", "What ends?", {"mode": "extractive", "dry_run": True}, NOW)
    assert stack.jobs.create(new)
    job = stack.jobs.get(JOB)
    assert (job.job_id, job.owner, job.origin, job.inbox) == (JOB, "ada", "inbox:contracts", "contracts")
    assert (job.status, job.stopped, job.created_ms, job.started_ms) == ("queued", False, NOW, None)
    assert job.options == {"mode": "extractive", "dry_run": True}
    assert not job.is_finished
    item = stack.dynamodb.get_item(TableName="jobs", Key={"job_id": {"S": JOB}})["Item"]
    assert int(item["expires_s"]["N"]) == NOW // 1000 + KEPT_S


def test_creating_twice_leaves_the_first(stack: JobStack) -> None:
    """The second write of an id is refused, also when it says something else."""
    assert stack.jobs.create(NewJob(JOB, "ada", "api", "first", {}, NOW))
    assert not stack.jobs.create(NewJob(JOB, "bob", "api", "second", {}, NOW))
    assert stack.jobs.get(JOB).query == "first"


def test_another_owner_finds_nothing(stack: JobStack) -> None:
    """A foreign job and a missing one are the same error, with the same words."""
    stack.add_job(JOB, owner="ada")
    with pytest.raises(NotFoundError) as foreign:
        stack.jobs.get(JOB, owner="bob")
    with pytest.raises(NotFoundError) as missing:
        stack.jobs.get("j-ffffffffffffffff", owner="bob")
    assert str(foreign.value).replace(JOB, "") == str(missing.value).replace("j-ffffffffffffffff", "")


def test_other_items_of_the_table_are_no_jobs(stack: JobStack) -> None:
    """An inbox's item cannot be read as a job, whatever id is asked for."""
    stack.inboxes.arrive("contracts", 1, NOW)
    with pytest.raises(NotFoundError):
        stack.jobs.get("inbox#contracts")


def test_a_job_goes_through_its_steps(stack: JobStack) -> None:
    """Each step is entered once; the first one sets the time of the start."""
    stack.add_job(JOB)
    for at, status in enumerate(STEPS[1:]):
        assert stack.jobs.start_step(JOB, status, NOW + at)
        assert stack.jobs.get(JOB).status == status
    assert stack.jobs.get(JOB).started_ms == NOW


def test_a_late_step_does_not_move_a_job_back(stack: JobStack) -> None:
    """A repeated invocation of an earlier step, or of the same one, changes nothing."""
    stack.add_job(JOB)
    stack.jobs.start_step(JOB, "summarizing", NOW)
    assert not stack.jobs.start_step(JOB, "gathering", NOW + 5)
    assert not stack.jobs.start_step(JOB, "summarizing", NOW + 5)
    assert stack.jobs.get(JOB).status == "summarizing"


def test_a_stopped_job_enters_no_step(stack: JobStack) -> None:
    """The flag is enough; its status may still be an earlier one."""
    stack.add_job(JOB)
    assert not stack.jobs.get(JOB).stopped
    stack.jobs.stop(JOB)
    assert stack.jobs.get(JOB).stopped
    with pytest.raises(JobStoppedError):
        stack.jobs.start_step(JOB, "gathering", NOW)


@pytest.mark.parametrize("status", ["done", "failed", "stopped"])
def test_a_finished_job_is_never_opened_again(stack: JobStack, status: str) -> None:
    """Neither a step nor another finish changes how and when it ended."""
    stack.add_job(JOB)
    error = None if status == "done" else BROKEN
    assert stack.jobs.finish(JOB, status, error, NOW)
    for other in ("done", "failed", "stopped"):
        assert not stack.jobs.finish(JOB, other, StepError(code="other", message="other"), NOW + 9)
    with pytest.raises((ConflictError, JobStoppedError)):
        stack.jobs.start_step(JOB, "answering", NOW + 9)
    job = stack.jobs.get(JOB)
    assert (job.status, job.finished_ms, job.error_code) == (status, NOW, error and error.code)


def test_of_many_that_finish_one_wins(stack: JobStack) -> None:
    """Ten, all alike: exactly one is told that it was the one."""
    stack.add_job(JOB)
    won = [stack.jobs.finish(JOB, "done", None, NOW + at) for at in range(10)]
    assert won.count(True) == 1
    assert stack.jobs.get(JOB).finished_ms == NOW + won.index(True)


def test_stopping_is_harmless_twice_and_refused_after_the_end(stack: JobStack) -> None:
    """A stopped job may be stopped again, also when it has ended so; a done one may not."""
    stack.add_job(JOB)
    stack.jobs.stop(JOB)
    stack.jobs.stop(JOB)
    stack.jobs.finish(JOB, "stopped", BROKEN, NOW)
    stack.jobs.stop(JOB)
    other = "j-00000000000000bb"
    stack.add_job(other)
    stack.jobs.finish(other, "done", None, NOW)
    with pytest.raises(ConflictError, match="already done"):
        stack.jobs.stop(other)
    assert not stack.jobs.get(other).stopped


def test_what_is_not_there_is_not_found(stack: JobStack) -> None:
    """No write ever creates an item by the way."""
    calls: list[Callable[[], object]] = [
        lambda: stack.jobs.get(JOB),
        lambda: stack.jobs.add(JOB, calls=1),
        lambda: stack.jobs.set_counts(JOB, batches_total=1),
        lambda: stack.jobs.stop(JOB),
        lambda: stack.jobs.finish(JOB, "done", None, NOW),
        lambda: stack.jobs.start_step(JOB, "gathering", NOW),
    ]
    for call in calls:
        with pytest.raises(NotFoundError):
            call()
    assert stack.dynamodb.scan(TableName="jobs")["Items"] == []


def test_counters_add_up_per_model_too(stack: JobStack) -> None:
    """Names with a colon are attributes of their own; zero is not written."""
    stack.add_job(JOB)
    per_model = model_counters("gpt-oss-20b", calls=1, tokens=3100, cost_nanousd=42, refusals=0)
    stack.jobs.add(JOB, per_model, calls=1, wait_ms=1500, fallbacks=0)
    stack.jobs.add(JOB, per_model, calls=1, batches_waiting=-1)
    assert stack.jobs.get(JOB).counters == {
        "calls": 2,
        "wait_ms": 1500,
        "batches_waiting": -1,
        "calls:gpt-oss-20b": 2,
        "tokens:gpt-oss-20b": 6200,
        "cost_nanousd:gpt-oss-20b": 84,
    }


def test_nothing_to_add_is_no_write(stack: JobStack) -> None:
    """All zeros would be an empty update, which DynamoDB refuses."""
    stack.add_job(JOB)
    stack.jobs.add(JOB, {}, calls=0)
    assert stack.jobs.get(JOB).counters == {}


def test_counts_are_set_not_added(stack: JobStack) -> None:
    """A repeated plan says the same again."""
    stack.add_job(JOB)
    for _ in range(2):
        stack.jobs.set_counts(JOB, batches_total=12, eta_s=90, estimate_nanousd=1_000)
    assert stack.jobs.get(JOB).counters == {"batches_total": 12, "eta_s": 90, "estimate_nanousd": 1_000}


@pytest.mark.parametrize("call", ["add", "set_counts"])
def test_a_misspelt_counter_is_refused(stack: JobStack, call: str) -> None:
    """It would otherwise overwrite a field or become one that nobody reads."""
    stack.add_job(JOB)
    with pytest.raises(ValueError, match="no such counters: status"):
        getattr(stack.jobs, call)(JOB, status=1)
    with pytest.raises(ValueError, match="no such counters: token"):
        model_counters("m", token=1)


def test_the_list_is_the_owners_newest_first_by_pages(stack: JobStack) -> None:
    """Five jobs in pages of two; another owner's are not among them."""
    for at in range(5):
        stack.add_job(f"j-000000000000000{at}", owner="ada", created_ms=NOW + at)
    stack.add_job(JOB, owner="bob", created_ms=NOW + 9)
    seen, cursor, pages = [], None, 0
    while pages == 0 or cursor:
        page = stack.jobs.list("ada", 2, cursor)
        seen += [job.job_id for job in page.jobs]
        cursor, pages = page.cursor, pages + 1
    assert seen == [f"j-000000000000000{at}" for at in (4, 3, 2, 1, 0)]
    assert pages == 3


def test_a_cursor_shows_nobody_anothers_jobs(stack: JobStack) -> None:
    """The owner is taken from the key, so a stolen cursor is worth nothing."""
    for at in range(3):
        stack.add_job(f"j-000000000000000{at}", owner="ada", created_ms=NOW + at)
        stack.add_job(f"j-00000000000000b{at}", owner="bob", created_ms=NOW + at)
    cursor = stack.jobs.list("ada", 2).cursor
    assert {job.owner for job in stack.jobs.list("bob", 10, cursor).jobs} <= {"bob"}


@pytest.mark.parametrize("cursor", ["x", "!!!!", "e30", "WzEsMl0", "WyJib2IiLDFd", "ä", "bnVsbA", "WyJqLTAiLCAxLCAyXQ"])
def test_a_made_up_cursor_is_refused(stack: JobStack, cursor: str) -> None:
    """Whatever it decodes to, the field is named."""
    with pytest.raises(InvalidInputError) as refused:
        stack.jobs.list("ada", 10, cursor)
    assert refused.value.field == "cursor"


def test_ids_are_random_and_well_formed() -> None:
    """A thousand ids, none twice."""
    ids = {new_job_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(len(job_id) == 18 and job_id.startswith("j-") for job_id in ids)
