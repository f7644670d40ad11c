"""The headline that started this, as figures: two models used at once against one, and refusals that are gone.

Nova Pro has 100,000 tokens a minute, Llama 3 60,000. Sixty callers want more than both can give, for ten minutes of
virtual time; the dispatcher, the ledger and the vendors' counters are real. The seed measured about 1.8 times the
throughput and 40 per cent fewer refusals, against one model with retries and nothing booked.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import pytest

from rota.errors import RateLimitedError
from rota.providers.base import ModelCall
from tests.fixtures.pool_calls import RequestSpec, prompt_of
from tests.fixtures.pool_report import PoolReport
from tests.fixtures.pool_world import EPOCH_S, PoolWorld
from tests.fixtures.pools import pool_of
from tests.fixtures.virtual_vendors import VirtualProvider

NOVA_PRO, LLAMA_3 = 100_000, 60_000
CALLERS, SECONDS = 60, 600
FIRST_BACKOFF_S, LONGEST_BACKOFF_S = 1.0, 20.0
"""AWS's SDKs in their standard mode wait a random share of 1, 2, 4 … seconds, at most 20."""


@dataclass(frozen=True)
class Served:
    """What the vendors admitted in ten minutes, as they finally counted it, and how often they refused."""

    tokens: int
    calls: int
    refusals: int


def served(world: PoolWorld, report: PoolReport) -> Served:
    """Count at the vendors, whoever called them."""
    end_s = world.vendors.models["nova_pro"].tally.admitted[0].at_s + SECONDS
    calls = [call for model in world.vendors.models.values() for call in model.tally.admitted if call.at_s < end_s]
    return Served(sum(call.tokens for call in calls), len(calls), report.refusals)


def booked(algorithm: Any, **quotas: int) -> Served:
    """Rota on a pool of these quotas."""
    world = PoolWorld(pool_of(algorithm, "bedrock", "rotate", **quotas), seed=1)
    world.closed_loop(CALLERS, SECONDS)
    return served(world, world.run())


class RetryingCaller(VirtualProvider):
    """One caller that asks no ledger: refused, it backs off and asks again until it is served.

    That is kinder to one model than the SDK, which gives up after three attempts.
    """

    spec: RequestSpec

    def __init__(self, world: PoolWorld, number: int) -> None:
        super().__init__(world.vendors, "vendor")
        self._world, self._random = world, random.Random(f"backoff {number}")

    def output_tokens(self, call: ModelCall) -> int:
        """See `VirtualProvider.output_tokens`."""
        return self.spec.output_tokens

    def work(self) -> None:
        """One call after the other, until the ten minutes are over."""
        while self._world.now_s < SECONDS:
            self.spec = self._world.draw()
            self._until_served()

    def _until_served(self) -> None:
        most = int(self.spec.output_tokens * self._world.over_booking)
        call, backoff_s = ModelCall("", prompt_of(self.spec.input_tokens), most), FIRST_BACKOFF_S
        while self._world.now_s < SECONDS:
            try:
                self.complete("nova_pro", "nova_pro", call, timeout_s=60)
            except RateLimitedError:
                self._world.time.sleep(self._random.uniform(0, backoff_s))
                backoff_s = min(LONGEST_BACKOFF_S, 2 * backoff_s)
            else:
                return


def retried(algorithm: Any) -> Served:
    """The seed's way before it found the second model: one model, and retries."""
    world = PoolWorld(pool_of(algorithm, "bedrock", nova_pro=NOVA_PRO), seed=1)
    for number in range(CALLERS):
        world.time.spawn(RetryingCaller(world, number).work, at_s=EPOCH_S + number / 200)
    return served(world, world.run())


@pytest.mark.parametrize("algorithm", ["sliding_window", "token_bucket"])
def test_two_models_serve_what_both_quotas_allow_and_refusals_are_gone(algorithm: str) -> None:
    """At least 1.55 times one model's tokens (the quotas' ratio is 1.6); who retries is refused, who books is not."""
    one, two = booked(algorithm, nova_pro=NOVA_PRO), booked(algorithm, nova_pro=NOVA_PRO, llama_3=LLAMA_3)
    retries = retried(algorithm)
    told = f"one: {one}, two: {two}, one with retries: {retries}"
    assert two.tokens >= 1.55 * one.tokens, told
    assert (one.refusals, two.refusals) == (0, 0), told
    assert retries.refusals > retries.calls, told
    assert two.tokens >= 1.55 * retries.tokens, told
