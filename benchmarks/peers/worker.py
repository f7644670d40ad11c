"""The processes of one run: imports a policy once, forks as many processes as asked for, and lets them work.

Run by `cell`:  python -m benchmarks.peers.worker RUN.json

Every forked process builds its own clients and has its own calls; nothing is shared but what the policy itself shares
(a table, a Redis, or nothing). It says `ready` on standard output, waits for the moment to start on standard input,
and each process leaves its calls and its own cost in `worker-<n>.json` beside RUN.json.
"""

from __future__ import annotations

import heapq
import importlib
import json
import multiprocessing
import os
import random
import resource
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmarks.peers.policies.base import Ask, Done, Parked, Policy, Setting

LONGEST_AGAIN_S = 20.0
"""A call that a policy gave up is asked again: after about a second, then two, four, … up to this, with full jitter."""
_CHARACTERS_PER_TOKEN = 4
_MESSAGE_TOKENS = 8
_WORDS = ["the", "report", "says", "that", "in", "spring", "most", "teams", "moved", "their", "services", "to", "a", "smaller", "region", "while", "costs", "for", "storage", "rose", "by", "half", "and", "nobody", "could", "explain", "why", "the", "queue", "of", "the", "mail", "gateway", "grew", "until", "the", "scheduler", "was", "fixed"]


class Texts:
    """Prompts of an exact size in the vendors' tokens, different for every call."""

    def __init__(self, most_tokens: int) -> None:
        draw, length = random.Random(0), 0
        words: list[str] = []
        while length < (most_tokens + 100) * _CHARACTERS_PER_TOKEN:
            words.append(draw.choice(_WORDS))
            length += len(words[-1]) + 1
        self._text = " ".join(words)

    def prompt(self, index: int, tokens: int) -> str:
        """`tokens` as a simulated vendor counts them, its overhead for a message included."""
        head = f"Call {index}. "
        return head + self._text[: (tokens - _MESSAGE_TOKENS) * _CHARACTERS_PER_TOKEN - len(head)]


class Worker:
    """One process's calls: asked for when they are due, by as many threads as it has slots."""

    def __init__(self, policy: Policy, requests: list[Mapping[str, Any]], cut_s: float) -> None:
        self._policy, self._cut_s = policy, cut_s
        self._texts = Texts(max((request["input_tokens"] for request in requests), default=0))
        self._requests = {request["index"]: request for request in requests}
        self._missing = {request["index"]: set(request["after"]) for request in requests}
        self.calls = {index: {"index": index, "resubmitted": 0, "parked": 0, "errors": []} for index in self._requests}
        self._due: list[tuple[float, int, Any]] = []
        self._left = len(requests)
        self.still = threading.Condition()
        """Whoever holds it sees calls that do not change."""
        self._start_s = self._held_s = 0.0
        self._entered_s: dict[int, float] = {}

    def run(self, start_s: float, slots: int) -> None:
        """Work until everything is answered, or until `cut_s` after `start_s` (epoch)."""
        self._start_s = start_s
        with self.still:
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

    def _ask(self, index: int, at_s: float) -> None:
        self.calls[index]["asked_s"] = at_s - self._start_s
        heapq.heappush(self._due, (at_s, index, None))

    def _serve(self) -> None:
        while True:
            index, pending = self._next()
            request = self._requests[index]
            prompt = self._texts.prompt(index, request["input_tokens"])
            ask = Ask(index, prompt, request["input_tokens"], request["max_output_tokens"])
            try:
                outcome = self._policy.call(ask, pending)
            except Exception as error:  # noqa: BLE001 - whatever a policy gives up with, the call is asked again
                self._again(index, f"{type(error).__name__}: {error}"[:300])
                continue
            if isinstance(outcome, Parked):
                self._park(index, outcome)
            else:
                self._finish(index, outcome, time.time())

    def _next(self) -> tuple[int, Any]:
        """The call that is due, the longest first; waits until there is one."""
        with self.still:
            while True:
                ahead_s = self._due[0][0] - time.time() if self._due else None
                if ahead_s is not None and ahead_s <= 0:
                    _, index, pending = heapq.heappop(self._due)
                    self._entered_s[index] = time.time()
                    return index, pending
                self.still.wait(ahead_s)

    def _leave(self, index: int) -> None:
        self._held_s += time.time() - self._entered_s.pop(index)
        self.still.notify_all()

    def _again(self, index: int, error: str) -> None:
        with self.still:
            self.calls[index]["resubmitted"] += 1
            self.calls[index]["errors"].append(error)
            pause_s = random.uniform(0, min(LONGEST_AGAIN_S, 2.0 ** self.calls[index]["resubmitted"]))
            heapq.heappush(self._due, (time.time() + pause_s, index, None))
            self._leave(index)

    def _park(self, index: int, parked: Parked) -> None:
        with self.still:
            self.calls[index]["parked"] += 1
            heapq.heappush(self._due, (parked.until_s, index, parked.pending))
            self._leave(index)

    def _finish(self, index: int, done: Done, at_s: float) -> None:
        with self.still:
            self.calls[index] |= {
                "started_s": at_s - done.latency_s - self._start_s,
                "done_s": at_s - self._start_s,
                "tokens": done.tokens,
            }
            self._left -= 1
            for follower, missing in self._missing.items():
                if index in missing:
                    missing.discard(index)
                    if not missing:
                        self._ask(follower, at_s)
            self._leave(index)


def serve(run: Mapping[str, Any], number: int, folder: Path, pipe: Any) -> None:
    """One process from its birth to its end."""
    mine = [request for request in run["requests"] if request["job"] % run["processes"] == number]
    slots = max(1, run["slots"] // run["processes"])
    setting = Setting(**run["setting"], process=number, slots=slots)
    module = importlib.import_module(run["module"])
    worker = Worker(module.create(setting), mine, run["cut_s"])
    setup_s = _cpu_s()
    pipe.send("ready")
    worker.run(pipe.recv(), slots)
    with worker.still:  # threads that are inside a call must not change what is written
        result = {
            "calls": list(worker.calls.values()),
            "cpu_s": _cpu_s() - setup_s,
            "setup_cpu_s": setup_s,
            "held_s": worker.held_s(),
            "rss_mb": _peak_mb(),
        }
        (folder / f"worker-{number}.json").write_text(json.dumps(result))
        os._exit(0)  # calls under way are abandoned with their threads


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _peak_mb() -> float:
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)


def main() -> None:
    """Import, fork, wait for the start, let them work."""
    path = Path(sys.argv[1])
    run = json.loads(path.read_text())
    importlib.import_module(run["module"])
    context = multiprocessing.get_context("fork")
    pipes, processes = [], []
    for number in range(run["processes"]):
        here, there = context.Pipe()
        process = context.Process(target=serve, args=(run, number, path.parent, there), daemon=True)
        process.start()
        there.close()
        pipes.append(here)
        processes.append(process)
    for pipe in pipes:
        pipe.recv()
    print("ready", flush=True)
    start_s = json.loads(sys.stdin.readline())
    for pipe in pipes:
        with suppress(BrokenPipeError):
            pipe.send(start_s)
    for process in processes:
        process.join()
    sys.exit(max(abs(process.exitcode or 0) for process in processes))


if __name__ == "__main__":
    main()
