"""The same is never paid for twice: found again by all that was asked, and by nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rota.catalog_file import parse_catalog
from rota.earlier_plan import MOST_KEPT, EarlierPlan
from rota.providers.base import ModelCall
from rota.reuse import Reuse, Written
from rota.routing.request import ModelRequest, Stakes
from rota.storage import Bucket
from tests.fixtures.tiers import document

DEAR = {"name": "dear", "when": {"value": "high"}, "use": {"tier": 3}}

CATALOG = parse_catalog(document(routing={"rules": [DEAR]}))
REQUEST = ModelRequest(task="summarize", pool="summaries", input_tokens=900, max_output_tokens=500)
CALL = ModelCall("You take notes.", "<document>…</document>", 500)
WRITTEN = Written("- The rent is 900 euros [1].", "nova-micro", 1)


def test_the_same_call_finds_what_was_written(bucket: Bucket) -> None:
    """Whatever the batch's number or the job's; the caller's place in the rotation does not matter."""
    reuse = Reuse(bucket, "ada", CATALOG)
    assert reuse.find(REQUEST, CALL) is None
    reuse.keep(REQUEST, CALL, WRITTEN)
    elsewhere = replace(REQUEST, rotation=7, subjects={"job": "j-2"}, input_tokens=901)
    assert reuse.find(elsewhere, CALL) == WRITTEN


@pytest.mark.parametrize(
    "other",
    [
        (replace(REQUEST, tier=2), CALL),
        (replace(REQUEST, model="nova-pro"), CALL),
        (replace(REQUEST, named_pool="planner"), CALL),
        (replace(REQUEST, task="synthesize"), CALL),
        (replace(REQUEST, stakes=Stakes(value="high")), CALL),
        (REQUEST, replace(CALL, prompt="<document>?</document>")),
        (REQUEST, replace(CALL, system="You take other notes.")),
        (REQUEST, replace(CALL, max_output_tokens=600)),
        (REQUEST, replace(CALL, json_schema={"type": "object"})),
    ],
)
def test_another_call_does_not(bucket: Bucket, other: tuple[ModelRequest, ModelCall]) -> None:
    """Where a rule or the caller sends it, what was asked, how long it might be: each makes it another call."""
    reuse = Reuse(bucket, "ada", CATALOG)
    reuse.keep(REQUEST, CALL, WRITTEN)
    assert reuse.find(*other) is None


def test_owners_do_not_see_each_others(bucket: Bucket) -> None:
    """Even the same prompt of another owner is paid for: nobody learns that it was asked before."""
    Reuse(bucket, "ada", CATALOG).keep(REQUEST, CALL, WRITTEN)
    assert Reuse(bucket, "eve", CATALOG).find(REQUEST, CALL) is None


def test_plans_are_kept_by_question_and_owner(bucket: Bucket) -> None:
    """The latest of them, each for a pile of its own."""
    reuse, made = Reuse(bucket, "ada", CATALOG), {"focus": ["x"], "outline": [], "rule": "step"}
    plans = [EarlierPlan.of([f"{number}.md"], made) for number in range(MOST_KEPT + 2)]
    for plan in plans:
        reuse.keep_plan("Who?", plan)
    reuse.keep_plan("Who?", replace(plans[-2], rooms={"summarize small": 1_800}))
    found = reuse.find_plans("Who?")
    assert [plan.pile for plan in found] == [plan.pile for plan in (*plans[2:-2], plans[-1], plans[-2])]
    assert (found[-1].plan, found[-1].rooms) == ({"focus": ["x"], "outline": []}, {"summarize small": 1_800})
    assert reuse.find_plans("When?") == Reuse(bucket, "eve", CATALOG).find_plans("Who?") == []
