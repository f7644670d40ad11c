"""The work: which calls are asked for, when, and after which others. The same for the same seed.

Sizes are tokens as the simulated vendors count them. How long an answer is belongs to the call: between two and four
fifths of what it may be, as the caller of a real model cannot know it before.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from benchmarks.peers.pools import POOLS, largest

FILES = 50
FILE_TOKENS = 7_400
PART_TOKENS = 4_000
JOBS = 20
OVERLOAD = 1.5
OVERLOAD_S = 178.0
"""Two seconds short of three minutes, so that a window that opens with the run opens three times."""
OUTAGE_MINUTES = 2.6
"""How many minutes of the pool's quota the work of the outage needs."""
OUTAGE_FROM, OUTAGE_SHARE = 0.3, 0.3


@dataclass(frozen=True)
class Request:
    """One call: asked for at `at_s` (seconds from the start), or when the last of `after` (indexes) is answered.

    `job` keeps calls that depend on each other in one process.
    """

    index: int
    job: int
    at_s: float
    input_tokens: int
    output_tokens: int
    max_output_tokens: int
    after: tuple[int, ...] = ()

    @property
    def tokens(self) -> int:
        """What the call uses in the end."""
        return self.input_tokens + self.output_tokens

    def as_json(self) -> dict[str, Any]:
        """For the file that workers read."""
        return asdict(self)


@dataclass(frozen=True)
class Outage:
    """`model` answers nothing but 503 in this part of the run."""

    model: str
    from_s: float
    until_s: float


@dataclass(frozen=True)
class Workload:
    """Calls for a pool. `slots` are the calls that all processes together may have under way.

    `cut_s` ends a run that is not meant to finish, such as an overload; the others end when everything is answered, or
    at `patience` times their bound.
    """

    name: str
    title: str
    pool: str
    requests: Sequence[Request]
    slots: int
    cut_s: float | None = None
    patience: float = 2.5
    outage: Outage | None = None
    tokens: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tokens", sum(request.tokens for request in self.requests))


def _answer(draw: random.Random, max_output_tokens: int) -> int:
    return round(max_output_tokens * draw.uniform(0.4, 0.8))


def burst(seed: int) -> Workload:
    """A push of 50 files on two models; a file is read in parts of at most 4,000 tokens, all wanted at once."""
    draw = random.Random(f"burst {seed}")
    weights = [draw.lognormvariate(0, 0.7) for _ in range(FILES)]
    requests: list[Request] = []
    for file, weight in enumerate(weights):
        tokens = max(400, round(FILES * FILE_TOKENS * weight / sum(weights)))
        parts = math.ceil(tokens / PART_TOKENS)
        requests += [
            Request(len(requests) + part, file, 0.0, tokens // parts, _answer(draw, 500), 500) for part in range(parts)
        ]
    return Workload("burst", "a burst of 50 files on 100k + 60k tokens a minute", "two", requests, slots=100)


def _calls(draw: random.Random) -> Iterator[Request]:
    """Mixed calls without end, all asked for at the start; any model of the pools holds them."""
    for index in itertools.count():
        input_tokens = min(6_000, max(300, round(draw.lognormvariate(math.log(2_400), 0.6))))
        yield Request(index, index, 0.0, input_tokens, _answer(draw, 500), 500)


def overload(seed: int) -> Workload:
    """A minute's quota waiting at the start, then arrivals at one and a half times the quotas, for three minutes."""
    draw = random.Random(f"overload {seed}")
    quota, at_s, waiting = sum(model.tpm for model in POOLS["five"]), 0.0, 0
    requests: list[Request] = []
    for request in _calls(draw):
        waiting += request.tokens
        if waiting > quota:  # from here on calls arrive as fast as their tokens, on average
            at_s += draw.expovariate(1) * request.tokens / (quota * OVERLOAD / 60)
        if at_s >= OVERLOAD_S:
            break
        requests.append(replace(request, at_s=at_s))
    title = "1.5 times the quotas for three minutes, five models, 364k tokens a minute"
    return Workload("overload", title, "five", requests, slots=200, cut_s=OVERLOAD_S)


def research(seed: int) -> Workload:
    """20 research jobs of 93k tokens at once on five models, each in the steps of the note that Rota started from.

    plan 2k ► search 1k ► 5 pages of 3k side by side ► synthesis 5k ► answer 70k, as 5 sections of 14k side by side:
    none of the pool's models could take 70k at once but one, and a section fits every model but that with 8k context.
    """
    draw = random.Random(f"research {seed}")
    steps = ((1, 2_000, 500), (1, 1_000, 500), (5, 3_000, 500), (1, 5_000, 1_000), (5, 14_000, 2_000))
    requests: list[Request] = []
    for job in range(JOBS):
        last: tuple[int, ...] = ()
        for count, tokens, most in steps:
            first = len(requests)
            for index in range(first, first + count):
                output_tokens = _answer(draw, most)
                requests.append(Request(index, job, 0.0, tokens - output_tokens, output_tokens, most, last))
            last = tuple(range(first, first + count))
    title = "20 research jobs of 93k tokens at once on five models"
    return Workload("research", title, "five", requests, slots=200, patience=1.5)


def outage(seed: int) -> Workload:
    """2.6 minutes' worth of calls at once on five models; the largest is out for 30 % of the time that they need."""
    draw = random.Random(f"outage {seed}")
    quota, tokens = sum(model.tpm for model in POOLS["five"]), 0
    requests: list[Request] = []
    for request in _calls(draw):
        tokens += request.tokens
        if tokens > quota * OUTAGE_MINUTES:
            break
        requests.append(request)
    run_s = (OUTAGE_MINUTES - 1) * 60
    out = Outage(largest(POOLS["five"]).id, OUTAGE_FROM * run_s, (OUTAGE_FROM + OUTAGE_SHARE) * run_s)
    title = "an outage of the largest of five models for 30 % of the run"
    return Workload("outage", title, "five", requests, slots=200, outage=out)


WORKLOADS: Mapping[str, Callable[[int], Workload]] = {
    "burst": burst,
    "overload": overload,
    "research": research,
    "outage": outage,
}
