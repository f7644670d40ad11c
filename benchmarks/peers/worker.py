"""One process of a run: its calls are asked for when they are due, by as many threads as it has slots.

due ──► a free thread ──► policy ──► answered ──► its followers are due
 ▲                          ├─► parked: due again when the policy says; nobody is held meanwhile
 └──────────────────────────┴─► given up: due again after a pause, and counted
"""

from __future__ import annotations

import heapq
import random
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.peers.policies.base import Ask, Done, Parked, Policy
from benchmarks.peers.prompts import Prompts

LONGEST_PAUSE_S = 20.0
"""Before a call that was given up is asked again: up to a second, then two, four, … up to this, with full jitter."""
_LONGEST_ERROR = 300


class Worker:
    """The calls of one process; `calls` are the notes of them, in seconds from the start."""

    def __init__(self, policy: Policy, requests: Sequence[Mapping[str, Any]], cut_s: float) -> None:
        self._policy, self._cut_s = policy, cut_s
        self._prompts = Prompts(max((request["input_tokens"] for request in requests), default=0))
        self._requests = {request["index"]: request for request in requests}
        self._missing = {request["index"]: set(request["after"]) for request in requests}
        self._due: list[tuple[float, int, Any]] = []
        self._left = len(requests)
        self._start_s = self._held_s = 0.0
        self._entered_s: dict[int, float] = {}
        self.calls: dict[int, dict[str, Any]] = {
            index: {"index": index, "resubmitted": 0, "parked": 0, "errors": []} for index in self._requests
        }
        self.still = threading.Condition()
        """Whoever holds it sees calls that do not change."""

    def run(self, start_s: float, slots: int) -> None:
        """Work from `start_s` (epoch) until everything is answered, or for `cut_s`."""
        self._start_s = start_s
        for index, missing in self._missing.items():
            if not missing:
                self._ask(index, start_s + self._requests[index]["at_s"])
        time.sleep(max(0.0, start_s - time.time()))
        for _ in range(slots):
            threading.Thread(target=self._serve, daemon=True).start()
        with self.still:
            while self._left and (left_s := start_s + self._cut_s - time.time()) > 0:
                self.still.wait(left_s)

    def held_s(self) -> float:
        """Seconds that threads have spent inside the policy, calls under way included."""
        return self._held_s + sum(time.time() - entered_s for entered_s in self._entered_s.values())

    def _serve(self) -> None:
        while True:
            index, pending = self._next()
            request = self._requests[index]
            prompt = self._prompts.prompt(index, request["input_tokens"], request["output_tokens"])
            ask = Ask(index, prompt, request["input_tokens"], request["max_output_tokens"])
            outcome: Done | Parked | Exception
            try:
                outcome = self._policy.call(ask, pending)
            except Exception as error:  # noqa: BLE001 - whatever a policy gives up with, the call is asked again
                outcome = error
            with self.still:
                self._held_s += time.time() - self._entered_s.pop(index)
                self._note(index, outcome, time.time())
                self.still.notify_all()

    def _next(self) -> tuple[int, Any]:
        """The call that has been due longest; waits until there is one."""
        with self.still:
            while True:
                ahead_s = self._due[0][0] - time.time() if self._due else None
                if ahead_s is not None and ahead_s <= 0:
                    _, index, pending = heapq.heappop(self._due)
                    self._entered_s[index] = time.time()
                    return index, pending
                self.still.wait(ahead_s)

    def _ask(self, index: int, at_s: float) -> None:
        self.calls[index]["asked_s"] = at_s - self._start_s
        heapq.heappush(self._due, (at_s, index, None))

    def _note(self, index: int, outcome: Done | Parked | Exception, now_s: float) -> None:
        call = self.calls[index]
        if isinstance(outcome, Parked):
            call["parked"] += 1
            heapq.heappush(self._due, (outcome.until_s, index, outcome.pending))
        elif isinstance(outcome, Done):
            ended_s = now_s - self._start_s
            call |= {"started_s": ended_s - outcome.latency_s, "done_s": ended_s, "tokens": outcome.tokens}
            self._left -= 1
            self._release(index, now_s)
        else:
            pause_s = random.uniform(0, min(LONGEST_PAUSE_S, 2.0 ** call["resubmitted"]))
            call["resubmitted"] += 1
            call["errors"].append(f"{type(outcome).__name__}: {outcome}"[:_LONGEST_ERROR])
            heapq.heappush(self._due, (now_s + pause_s, index, None))

    def _release(self, index: int, now_s: float) -> None:
        """Ask for the calls that waited for this one alone."""
        for follower, missing in self._missing.items():
            if index in missing:
                missing.discard(index)
                if not missing:
                    self._ask(follower, now_s)
