"""A synthesised state machine walked in this process: every state it enters counted, time virtual, Lambdas handed in.

Knows the states that `infra.workflow` is made of (Task, Choice, Wait, Pass, distributed Map) and nothing else. What a
Lambda raises ends the walk: retries are not walked.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any

from rota.clock import ServiceClock

EVENTS = {"Task": 5, "Choice": 2, "Wait": 2, "Pass": 2, "Map": 5}
"""Entries in an execution's history per state entered; an execution has two more, for its start and its end."""

State = dict[str, Any]
Machine = Mapping[str, Any]
Run = Generator[float, None, State]
"""One execution: yields the time (epoch ms) at which it goes on, returns its output."""


class VirtualClock(ServiceClock):
    """Time that passes only here. What one Lambda spends is added to its own time, and to nobody else's."""

    def __init__(self, start_ms: float) -> None:
        super().__init__(lambda: int(self.at_ms + self.spent_ms))
        self.at_ms, self.spent_ms = start_ms, 0.0

    def observe(self, date: str, sent_ms: int, received_ms: int) -> None:
        """Replies carry the time of the computer, which is another one."""

    def sleep(self, seconds: float) -> None:
        """For the Lambda that runs now."""
        self.spent_ms += seconds * 1000


@dataclass
class Walk:
    """What was walked: `entered` by state, `invoked` and `invoked_ms` by function, `histories` of the Maps' children.

    `invoke(function, event)` runs a Lambda, `read_lines(key)` gives the items of a Map. `at_once` bounds a Map's
    children (None: as the machine says).
    """

    clock: VirtualClock
    invoke: Callable[[str, State], State]
    read_lines: Callable[[str], Iterable[State]]
    at_once: int | None = None
    entered: Counter[str] = field(default_factory=Counter)
    invoked: Counter[str] = field(default_factory=Counter)
    invoked_ms: Counter[str] = field(default_factory=Counter)
    histories: list[int] = field(default_factory=list)

    def run(self, machine: Machine, event: State) -> State:
        """Walk one execution from its start to its end."""
        return self._together(machine, [event], 1)[0][0]

    def _together(self, machine: Machine, events: Iterable[State], at_once: int) -> list[tuple[State, int]]:
        """Walk executions, at most so many side by side, in the order of time: output and length of history of each."""
        left, ended = iter(events), list[tuple[State, int]]()
        running: list[tuple[float, int, Run, Counter[str]]] = []
        for number in count():
            while len(running) < at_once and (event := next(left, None)) is not None:
                history = Counter[str]()
                order = number * at_once + len(running)
                heapq.heappush(running, (self.clock.at_ms, order, self._execution(machine, event, history), history))
            if not running:
                break
            self.clock.at_ms, order, run, history = heapq.heappop(running)
            try:
                heapq.heappush(running, (next(run), order, run, history))
            except StopIteration as end:
                ended.append((end.value, 2 + sum(EVENTS[kind] * times for kind, times in history.items())))
        return ended

    def _execution(self, machine: Machine, value: State, history: Counter[str]) -> Run:
        name: str | None = machine["StartAt"]
        while name:
            state = machine["States"][name]
            self.entered[name] += 1
            history[state["Type"]] += 1
            name = state.get("Next")
            match state["Type"]:
                case "Task":
                    value, ends_ms = self._task(state, value)
                    yield ends_ms
                case "Choice":
                    name = next((rule["Next"] for rule in state["Choices"] if _holds(rule, value)), state["Default"])
                case "Wait":
                    yield max(self.clock.at_ms, _epoch_ms(_at(state["TimestampPath"], value)))
                case "Pass":
                    value = state["Result"]
                case _:
                    self._map(state, value)
        return value

    def _task(self, state: Mapping[str, Any], value: State) -> tuple[State, float]:
        """The Lambda's answer, and when it comes."""
        function = state["Parameters"]["FunctionName"].rpartition(":")[2]
        result = self.invoke(function, value)
        took_ms, self.clock.spent_ms = self.clock.spent_ms, 0.0
        self.invoked[function] += 1
        self.invoked_ms[function] += round(took_ms)
        return result, self.clock.at_ms + took_ms

    def _map(self, state: Mapping[str, Any], value: State) -> None:
        """Every line of the manifest through the item processor; the result is discarded."""
        items = self.read_lines(_at(state["ItemReader"]["Parameters"]["Key.$"], value))
        ended = self._together(state["ItemProcessor"], items, self.at_once or state["MaxConcurrency"])
        self.histories += [length for _, length in ended]


def _holds(rule: Mapping[str, Any], value: State) -> bool:
    if "And" in rule:
        return all(_holds(part, value) for part in rule["And"])
    found = _at(rule["Variable"], value)
    return bool(found == rule["StringEquals"] if "StringEquals" in rule else found == rule["BooleanEquals"])


def _at(path: str, value: State) -> Any:
    return value[path.removeprefix("$.")]


def _epoch_ms(until: str) -> float:
    return datetime.fromisoformat(until).timestamp() * 1000
