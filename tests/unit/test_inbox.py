"""The inbox protocol: a burst is one generation, a generation is closed once, and nothing that arrives is lost."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote_plus

import pytest

from rota.inbox import OVERDUE_MS, QUIET_MS, execution_name, inbox_of
from tests.fixtures.job_stack import JobStack, job_stack

NOW = 1_795_183_200_000


@pytest.fixture
def stack() -> Iterator[JobStack]:
    """Tables of one test."""
    with job_stack() as stack:
        yield stack


def test_a_burst_is_one_generation(stack: JobStack) -> None:
    """Fifty files are counted, all in generation 1."""
    generations = {stack.inboxes.arrive("contracts", 1, NOW + at) for at in range(50)}
    assert generations == {1}
    assert stack.inboxes.read("contracts").files == 50


def test_it_is_quiet_a_while_after_the_last_file(stack: JobStack) -> None:
    """Each file moves the moment on."""
    stack.inboxes.arrive("contracts", 1, NOW)
    stack.inboxes.arrive("contracts", 2, NOW + 1500)
    assert stack.inboxes.read("contracts").quiet_at_ms() == NOW + 1500 + QUIET_MS


def test_a_generation_is_closed_by_one(stack: JobStack) -> None:
    """Of eight that saw the same, one closes it and its job is the one that is written."""
    stack.inboxes.arrive("contracts", 1, NOW)
    seen = stack.inboxes.read("contracts")
    won = [stack.inboxes.close("contracts", seen, f"j-{at}", "digest") for at in range(8)]
    assert won.count(True) == 1
    inbox = stack.inboxes.read("contracts")
    assert (inbox.generation, inbox.files, inbox.job_id, inbox.digest) == (2, 0, f"j-{won.index(True)}", "digest")


@pytest.mark.parametrize("later_ms", [0, 1, 5000])
def test_a_file_in_between_keeps_the_generation_open(stack: JobStack, later_ms: int) -> None:
    """Also when it arrives in the very millisecond that was seen."""
    stack.inboxes.arrive("contracts", 1, NOW)
    seen = stack.inboxes.read("contracts")
    assert stack.inboxes.arrive("contracts", 1, NOW + later_ms) == 1
    assert not stack.inboxes.close("contracts", seen, "j-1", "digest")
    assert stack.inboxes.read("contracts").generation == 1


def test_a_file_after_the_close_opens_the_next_generation(stack: JobStack) -> None:
    """It is read by another job, started under another name."""
    stack.inboxes.arrive("contracts", 3, NOW)
    stack.inboxes.close("contracts", stack.inboxes.read("contracts"), "j-1", "digest")
    assert stack.inboxes.arrive("contracts", 1, NOW + 60_000) == 2
    assert stack.inboxes.read("contracts").files == 1


def test_files_of_a_generation_whose_execution_died_move_on(stack: JobStack) -> None:
    """Its name cannot be started again, so a later file takes the rest with it under the next."""
    stack.inboxes.arrive("contracts", 3, NOW)
    assert stack.inboxes.arrive("contracts", 1, NOW + OVERDUE_MS) == 1
    assert stack.inboxes.arrive("contracts", 1, NOW + 2 * OVERDUE_MS + 1) == 2
    inbox = stack.inboxes.read("contracts")
    assert (inbox.generation, inbox.files) == (2, 5)


def test_two_that_find_a_generation_overdue_move_it_on_once(stack: JobStack) -> None:
    """Who comes second is told the generation that the first one opened."""
    stack.inboxes.arrive("contracts", 1, NOW)
    assert stack.inboxes._abandon("contracts", 1) == 2
    assert stack.inboxes._abandon("contracts", 1) == 2
    assert stack.inboxes.read("contracts").generation == 2


def test_a_rest_after_a_close_is_not_overdue(stack: JobStack) -> None:
    """An inbox that was closed long ago has nothing waiting."""
    stack.inboxes.arrive("contracts", 3, NOW)
    stack.inboxes.close("contracts", stack.inboxes.read("contracts"), "j-1", "digest")
    assert stack.inboxes.arrive("contracts", 1, NOW + 10 * OVERDUE_MS) == 2


def test_inboxes_do_not_touch_each_other(stack: JobStack) -> None:
    """Nor does one that was never seen exist."""
    stack.inboxes.arrive("a", 1, NOW)
    assert stack.inboxes.read("b").files == 0
    assert len(stack.dynamodb.scan(TableName="jobs")["Items"]) == 1


def test_an_inbox_never_expires(stack: JobStack) -> None:
    """A generation that began anew would reuse the name of an execution, which then never starts."""
    stack.inboxes.arrive("contracts", 1, NOW)
    assert "expires_s" not in stack.dynamodb.scan(TableName="jobs")["Items"][0]


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("inbox/contracts/a.md", "contracts"),
        ("inbox/contracts/deep/er/a.md", "contracts"),
        ("inbox/Q3 übersicht/a+b c.md", "Q3 übersicht"),
        ("inbox/100%/a.md", "100%"),
        ("inbox/contracts/question.txt", "contracts"),
        ("inbox/contracts/", None),
        ("inbox/contracts/deep/", None),
        ("inbox/loose.md", None),
        ("inbox//a.md", None),
        ("inbox/", None),
        ("answers/contracts/answer.md", None),
        ("jobs/j-1/inbox/x/a.md", None),
        ("notinbox/contracts/a.md", None),
        ("inbox/a\nb/c.md", None),
        (f"inbox/{'x' * 201}/c.md", None),
    ],
)
def test_keys_of_events_name_their_inbox(key: str, name: str | None) -> None:
    """Keys come URL-encoded, with a plus for a space; folders and other places are no inbox."""
    assert inbox_of(quote_plus(key, safe="/")) == name


@pytest.mark.parametrize("name", ["contracts", "Q3 übersicht", "a/b", "x" * 200, "100%", "a.b"])
def test_executions_can_be_named_after_any_inbox(name: str) -> None:
    """At most 80 of the characters that Step Functions can log; different names stay different."""
    named = execution_name(name, 12_345)
    assert len(named) <= 80
    assert named.replace("-", "").replace("_", "").isascii()
    assert named.replace("-", "").replace("_", "").isalnum()
    assert named != execution_name(name + "x", 12_345)


def test_a_plain_name_stays_readable() -> None:
    """As the design has it."""
    assert execution_name("contracts", 2) == "inbox-contracts-2"
