"""Where the time of a job's batches goes: waiting for quota, starting, calling, storing.

    child   ├ start ┤ first invocation ├ Wait state ┤ last invocation                              ├ end ┤
                                                     ├ starting ┤ held ┤ calling ┤ storing ┤

Wait states and the machine's own time come from the children's histories; the length of each invocation from Lambda's
REPORT line; when its call left and how long it took from its `model_call` line. An invocation says nothing of when its
code began, so starting includes reading the job and the batch; one that came back after a wait is taken to have started
in the mean time of the others, and the rest of its time until the call as held for the booked start.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from local.aws import local_session
from local.state import State

REPORT = re.compile(r"^REPORT .*?\tDuration: (\d+)")
HISTORY_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Child:
    """One batch's execution in milliseconds: all of it, its Wait states, its tasks; `tasks` is how many."""

    whole_ms: float
    waited_ms: float
    invoked_ms: float
    tasks: int


@dataclass(slots=True)
class Invocation:
    """One invocation of a function: its length and end in milliseconds, and the lines of its model calls."""

    took_ms: float = 0.0
    ended_ms: float = 0.0
    lines: list[Mapping[str, Any]] = field(default_factory=list)

    def before_call_ms(self) -> float:
        """From the invocation's beginning to the leaving of its first call."""
        first = self.lines[0]
        return max(0.0, _logged_ms(first) - float(first["latency_ms"]) - (self.ended_ms - self.took_ms))

    def after_call_ms(self) -> float:
        """From the end of its last call to its own end."""
        return max(0.0, self.ended_ms - _logged_ms(self.lines[-1]))


@dataclass(frozen=True, slots=True)
class Split:
    """Seconds of all children together. `slots_s` is what the Map's concurrency offered while it ran."""

    children: int
    invocations: int
    returns: int
    whole_s: float
    waited_s: float
    held_s: float
    machine_s: float
    starting_s: float
    calling_s: float
    storing_s: float
    slots_s: float
    start_ms: float

    def lines(self) -> Iterator[str]:
        """A table for people."""
        yield f"{self.children} children, {self.invocations} invocations, {self.returns} came back after a wait"
        for name, seconds in (
            ("waiting for quota, in a Wait state", self.waited_s),
            ("waiting for quota, in the function", self.held_s),
            ("starting: the state machine", self.machine_s),
            ("starting: Lambda, reading job and batch", self.starting_s),
            ("calling the model", self.calling_s),
            ("settling and storing", self.storing_s),
        ):
            yield f"  {name:42} {seconds:8.0f} s  {seconds / max(1e-9, self.whole_s):6.1%}"
        busy = self.whole_s / max(1e-9, self.slots_s)
        yield f"  {'children under way, of what the Map allows':42} {'':10}  {busy:6.1%}"
        yield f"  {'from invocation to booking, mean':42} {self.start_ms:8.0f} ms"


def split(state: State, job_ids: Sequence[str]) -> Split:
    """Measure the summaries' children of these jobs."""
    children, slots_s = [], 0.0
    for job_id in job_ids:
        found, slots = _children(state, job_id)
        children += found
        slots_s += slots
    invocations = _invocations(state, set(job_ids), sum(child.tasks for child in children))
    return _split(children, invocations, slots_s)


def _split(children: Sequence[Child], invocations: Sequence[Invocation], slots_s: float) -> Split:
    calling, starts, held_ms = [each for each in invocations if each.lines], [], 0.0
    returned = []
    for each in calling:
        before_ms, waited_ms = each.before_call_ms(), each.lines[0]["wait_ms"]
        if waited_ms <= before_ms:  # asked for in this very invocation
            starts.append(before_ms - waited_ms)
            held_ms += waited_ms
        else:
            returned.append(before_ms)
    starts += [each.took_ms for each in invocations if not each.lines]
    start_ms = sum(starts) / max(1, len(starts))
    held_ms += sum(max(0.0, before_ms - start_ms) for before_ms in returned)
    starting_ms = sum(starts) + sum(min(before_ms, start_ms) for before_ms in returned)
    whole_ms, invoked_ms = sum(child.whole_ms for child in children), sum(each.took_ms for each in invocations)
    waited_ms = sum(child.waited_ms for child in children)
    return Split(
        children=len(children),
        invocations=len(invocations),
        returns=len(returned),
        whole_s=whole_ms / 1000,
        waited_s=waited_ms / 1000,
        held_s=held_ms / 1000,
        machine_s=max(0.0, whole_ms - waited_ms - invoked_ms) / 1000,
        starting_s=starting_ms / 1000,
        calling_s=sum(line["latency_ms"] for each in calling for line in each.lines) / 1000,
        storing_s=sum(each.after_call_ms() for each in calling) / 1000,
        slots_s=slots_s,
        start_ms=start_ms,
    )


def _children(state: State, job_id: str) -> tuple[list[Child], float]:
    """The children of the job's Map over batches, and the seconds that its slots offered together."""
    machine = local_session().client("stepfunctions", endpoint_url=state.endpoint)
    arn = f"{state.outputs['WorkflowArn'].replace(':stateMachine:', ':execution:', 1)}:{job_id}"
    found, slots_s = [], 0.0
    for run in machine.list_map_runs(executionArn=arn)["mapRuns"]:
        if "/SummarizeBatches:" not in run["mapRunArn"]:
            continue
        told = machine.describe_map_run(mapRunArn=run["mapRunArn"])
        slots_s += told["maxConcurrency"] * (told["stopDate"] - told["startDate"]).total_seconds()
        pages = machine.get_paginator("list_executions").paginate(mapRunArn=run["mapRunArn"])
        for execution in (each for page in pages for each in page["executions"]):
            events = machine.get_execution_history(executionArn=execution["executionArn"], maxResults=HISTORY_PAGE)
            whole_ms = _ms_between(execution["startDate"], execution["stopDate"])
            found.append(_child(whole_ms, events["events"]))
    return found, slots_s


def _child(whole_ms: float, events: Iterable[Mapping[str, Any]]) -> Child:
    """A child's tasks; what lies between two of them is a Wait state."""
    scheduled = [event["timestamp"] for event in events if event["type"] == "TaskScheduled"]
    ended = [event["timestamp"] for event in events if event["type"] in ("TaskSucceeded", "TaskFailed")]
    invoked_ms = sum(map(_ms_between, scheduled, ended))
    return Child(whole_ms, sum(map(_ms_between, ended, scheduled[1:])), invoked_ms, len(scheduled))


def _invocations(state: State, job_ids: set[str], count: int) -> list[Invocation]:
    """The last `count` invocations of summarize_batch without those that called for other jobs.

    The emulator gives each invocation a log stream of its own.
    """
    logs = local_session().client("logs", endpoint_url=state.endpoint)
    group = f"{state.outputs['LogGroupPrefix']}summarize_batch"
    found: dict[str, Invocation] = defaultdict(Invocation)
    for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group):
        for event in page["events"]:
            invocation = found[event["logStreamName"]]
            if reported := REPORT.match(event["message"]):
                invocation.took_ms, invocation.ended_ms = float(reported.group(1)), float(event["timestamp"])
            elif '"model_call"' in event["message"]:
                invocation.lines.append(json.loads(event["message"]))
    mine = [each for each in found.values() if all(line["job"] in job_ids for line in each.lines)]
    return sorted(mine, key=lambda each: each.ended_ms)[-count:]


def _logged_ms(line: Mapping[str, Any]) -> float:
    """When the function wrote the line, by its own clock."""
    return datetime.strptime(line["timestamp"], "%Y-%m-%d %H:%M:%S,%f%z").timestamp() * 1000


def _ms_between(start: datetime, end: datetime) -> float:
    return (end - start).total_seconds() * 1000
