"""How much one call may read: the least that any model of the pool can take, in tokens as they are estimated."""

from __future__ import annotations

from typing import Any

import pytest

from rota.accounts import Account
from rota.catalog import Model, Step
from rota.learned import FRAME_TOKENS, Learned, Sample
from rota.quotas import Standing
from rota.routing.budget import LEAST_FACTOR, input_budget

STEP = Step(pool="p", max_input_tokens=10_000, max_output_tokens=1_000)


def model(name: str = "m", tpm: int = 100_000, ceiling: int | None = None, **facts: Any) -> Model:
    """A model with one quota."""
    limit = {"kind": "tpm", "amount": tpm, "algorithm": "sliding_window", "ceiling": ceiling}
    price = {"input_usd": 1, "output_usd": 1}
    usual = {"context_tokens": 1_000_000, "max_output_tokens": 8_000, "price": price, "limits": [limit]}
    return Model.model_validate({"id": name, "provider": "v", "vendor_model": name, "tier": 1, **usual, **facts})


def account(of: Model, permille: int = 0, disabled: bool = False, tpm: int | None = None) -> Account:
    """What the ledger knows: a quota, and ten calls with as many tokens per thousand estimated."""
    whole = {limit.name: limit.limiter(tpm) for limit in of.limits}
    learned = Learned()
    if permille:
        sums = Learned.of(Sample(permille, 500, 10))
        learned = Learned(10, 10, 10 * sums.input, 10 * sums.input_squares)
    return Account(of.id, whole, whole, learned=learned, standing=Standing(disabled=disabled))


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, 10_000),
        ({"tpm": 8_000}, 7_000),
        ({"tpm": 8_000, "output_burndown": 3}, 5_000),
        ({"context_tokens": 5_000}, 4_000),
        ({"max_input_tokens": 3_000}, 3_000),
        ({"max_batch_kb": 16}, int(16 * 1024 / 3.3)),
    ],
)
def test_the_tightest_bound_decides(facts: dict[str, Any], expected: int) -> None:
    """Step, quota, context, and what the pool file says of the model; of all models the least."""
    assert input_budget([model(**facts)], STEP) == expected
    assert input_budget([model("other"), model(**facts)], STEP) == expected


def test_a_share_of_the_quota_leaves_room_for_more_calls() -> None:
    """Two calls of half the quota fit into a minute, with their output."""
    assert input_budget([model(tpm=12_000)], STEP, quota_share=0.5) == 5_000


def test_quotas_are_those_of_now_and_disabled_models_do_not_count() -> None:
    """Unless all of them are disabled."""
    small, large = model("small", 3_000, 9_000), model("large")
    assert input_budget([small], STEP, {"small": account(small, tpm=9_000)}) == 8_000
    accounts = {"small": account(small, disabled=True), "large": account(large)}
    assert input_budget([small, large], STEP, accounts) == 10_000
    assert input_budget([small], STEP, accounts) == 2_000


def test_batches_fill_what_models_really_count() -> None:
    """By the most cautious of the pool; one that has learned nothing is believed to count what is estimated."""
    one, two = model("one"), model("two")
    accounts = {"one": account(one, 800), "two": account(two, 900)}
    assert input_budget([one, two], STEP, accounts) == int(10_000 / 0.9)
    assert input_budget([one, two], STEP, {"one": accounts["one"]}) == 10_000
    assert input_budget([one], STEP, {"one": account(one, 400)}) == int(10_000 / LEAST_FACTOR)


def test_models_that_count_more_get_less() -> None:
    """A booking is made of what they really count, and must fit their quota; so must the context."""
    dense = model(tpm=8_000)
    room = input_budget([dense], STEP, {"m": account(dense, 1_400)})
    assert room == int((7_000 - FRAME_TOKENS) / 1.4)
    assert account(dense, 1_400).learned.input_tokens(room) + 1_000 <= 8_000
    narrow = model(context_tokens=5_000)
    assert input_budget([narrow], STEP, {"m": account(narrow, 1_600)}) == 2_500


def test_what_is_estimated_never_exceeds_what_may_ever_pass() -> None:
    """Whether a model can take a call at all is decided by the estimate."""
    wide = model(tpm=8_000)
    assert input_budget([wide], STEP, {"m": account(wide, 700)}) == 7_000
    context = model(context_tokens=5_000)
    assert input_budget([context], STEP, {"m": account(context, 700)}) == 4_000
