"""The plan before spending: what is chosen for a deadline and a budget, in which order, and that it is always said."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any, cast

import pytest

from benchmarks.estimates import SITUATIONS, compare, document, narrow, pool
from cli.report import plan_lines
from rota.accounts import Account
from rota.catalog import Catalog
from rota.catalog_file import parse_catalog
from rota.documents.group import OPEN_BATCHES, pack, passage_tokens
from rota.errors import BudgetSpentError
from rota.estimate import Load
from rota.job_item import Job
from rota.job_options import as_asked, as_planned
from rota.learned import ENOUGH as SAMPLES
from rota.ledger_item import decode
from rota.limits import SlidingWindow, TokenBucket
from rota.outcomes.budgets import Budgets
from rota.outcomes.job_budget import JobBudget
from rota.planning.choice import choose, ranked_by
from rota.planning.forecast import Circumstances, forecast, latest_starts
from rota.planning.notes import plan_notes, unread
from rota.planning.quota import Bucket, Window
from rota.planning.reasons import Limits
from rota.planning.sizes import CHARACTERS_PER_TOKEN, predicted
from rota.planning.work import Outlook, groups_of
from rota.records import Document, DocumentInfo
from rota.steps import synthesize
from tests.fixtures.job_stack import OUTCOMES, job_stack
from tests.fixtures.planned_job import JOB, job_world

NOW_MS = 1_793_635_200_000
ROTA, TWO = pool("rota.yaml"), pool("examples/two-models.yaml")


def accounts(catalog: Catalog, items: Mapping[str, Any] | None = None) -> dict[str, Account]:
    """Accounts of models that were never called."""
    return {model.id: decode(model, (items or {}).get(model.id, {}), NOW_MS // 1000) for model in catalog.models}


def outlook(catalog: Catalog, **options: Any) -> Outlook:
    """Of a job that was just created."""
    job = Job("j-1", "ada", "api", "planning", "Who was slow?", NOW_MS, options=options)
    return Outlook(job, catalog, accounts(catalog), 400)


def infos(count: int, characters: int = 9_000) -> list[DocumentInfo]:
    """Documents of one size."""
    return [
        DocumentInfo(
            number=number,
            title=f"{number}.md",
            origin="request",
            media_type="text/markdown",
            bytes=characters,
            characters=characters,
        )
        for number in range(1, count + 1)
    ]


def chosen(catalog: Catalog, count: int, **options: Any) -> Any:
    """What is chosen for so many documents."""
    return choose(outlook(catalog, **options), infos(count), Circumstances(NOW_MS))


def test_without_limits_the_job_is_done_as_asked() -> None:
    """However long it takes: nothing is adjusted that nobody asked to have bounded."""
    found = chosen(TWO, 300, depth="deep")
    assert found.way.options == {"depth": "deep"}
    assert (found.way.adjusted, found.rejected, len(found.way.documents)) == ((), (), 300)


def test_a_limit_that_is_kept_changes_nothing() -> None:
    """A user's depth stands while it fits."""
    found = chosen(ROTA, 10, depth="deep", deadline_s=600, budget_usd=5)
    assert (found.way.options["depth"], found.way.adjusted) == ("deep", ())


def test_a_deadline_takes_depth_first_and_says_so() -> None:
    """Step by step from deep: what is given up is told with the figures that made it necessary."""
    found = chosen(TWO, 60, depth="deep", deadline_s=60)
    assert found.way.options["depth"] == "brief"
    assert [each.what for each in found.way.adjusted] == ["depth", "depth"]
    assert found.way.adjusted[-1].said.startswith(
        "reads only the most relevant passages of each document: the deadline"
    )
    assert "of 60 s leaves room for" in found.way.adjusted[-1].said
    assert found.way.estimate.eta_s < 60


def test_a_budget_takes_cheaper_models_when_depth_is_not_enough() -> None:
    """Also when models were named: the limit is a wish, too."""
    found = chosen(ROTA, 60, budget_usd=0.012, pool="summaries", answer_model="nova-pro")
    assert found.way.options["tier"] == 1
    assert found.way.options["pool"] is None
    assert [each.what for each in found.way.adjusted] == ["depth", "models"]
    assert found.way.estimate.cost_usd < 0.012


def test_fewer_documents_are_read_when_nothing_else_helps() -> None:
    """As many as fit; the others are counted."""
    found = chosen(TWO, 300, deadline_s=20)
    assert [each.what for each in found.way.adjusted] == ["depth", "documents"]
    assert 30 <= len(found.way.documents) < 300
    assert f"reads {len(found.way.documents)} of 300 documents" in found.way.adjusted[-1].said


def test_extraction_is_always_possible() -> None:
    """A budget below the price of one call: no model, every document, and what was tried before is undone."""
    found = chosen(TWO, 40, budget_usd=0.0001)
    assert (found.way.options["mode"], found.way.options.get("depth"), len(found.way.documents)) == (
        "extractive",
        None,
        40,
    )
    assert [each.what for each in found.way.adjusted] == ["mode"]
    assert (found.way.estimate.calls, found.way.estimate.cost_usd) == (0, 0)
    assert [each.brief()["depth"] for each in found.rejected[:2]] == ["normal", "brief"]


@pytest.mark.parametrize(
    ("limit", "field"), [({"budget_usd": 0.000001}, "budget_usd"), ({"deadline_s": 1}, "deadline_s")]
)
def test_an_answer_by_a_schema_needs_models(limit: dict[str, Any], field: str) -> None:
    """So a limit that has no room for any is refused before anything is read, and named."""
    refused = chosen(TWO, 40, answer_schema={"type": "object"}, **limit).refused
    assert refused is not None
    assert refused.field == f"options.{field}"
    assert re.search(r"is too little for an answer_schema.*leaves room for", str(refused))


def test_documents_that_the_question_names_come_first() -> None:
    """Titles are all that is known of them."""
    some = infos(3)
    some[2]["title"] = "slow teams.md"
    assert [one["number"] for one in ranked_by(some, "Who was slow?")] == [3, 1, 2]


def test_depth_and_documents_change_the_estimate() -> None:
    """Brief costs less than normal, deep more; more documents more."""
    found = {
        (depth, count): forecast(
            outlook(ROTA, depth=depth),
            predicted(outlook(ROTA, depth=depth), infos(count)),
            count,
            Circumstances(NOW_MS),
        )
        for depth in ("brief", "normal", "deep")
        for count in (10, 40)
    }
    assert found["brief", 40].cost_usd < found["normal", 40].cost_usd < found["deep", 40].cost_usd
    assert found["deep", 40].batches > found["normal", 40].batches > found["brief", 40].batches
    assert found["normal", 10].cost_usd < found["normal", 40].cost_usd
    assert sum(found["normal", 40].mix.values()) == pytest.approx(1, abs=0.001)


def sources(first: int, count: int, folder: str, close: bool) -> list[DocumentInfo]:
    """Source files of 9,000 characters; of `close` ones each imports all others."""
    numbers = range(first, first + count)
    found = infos(count)
    for number, one in zip(numbers, found, strict=True):
        imports = [f"{folder}.m{other}" for other in numbers if close and other != number]
        one.update(number=number, title=f"{folder}/m{number}.py", imports=imports)
    return found


def test_complex_code_is_planned_on_the_models_that_will_read_it() -> None:
    """A rule sends it to dearer ones: what it costs there is what the plan says."""
    code = [*sources(1, 10, "close", close=True), *sources(11, 10, "loose", close=False)]
    loads = predicted(outlook(ROTA), code)
    assert {load.task for load in loads} == {"analyze"}
    hard, easy = sorted(loads, key=lambda load: load.score or 0.0, reverse=True)
    analyze = forecast(outlook(ROTA), loads, 20, Circumstances(NOW_MS)).steps[1]
    assert analyze.step == "analyze"
    assert analyze.calls == hard.calls + easy.calls == sum(share.calls for share in analyze.models.values())
    for load, name in ((hard, "complex-code"), (easy, "code")):
        alone = forecast(outlook(ROTA), [load], 20, Circumstances(NOW_MS)).steps[1]
        assert set(alone.models) <= set(ROTA.pools[name].models)


def test_others_bookings_cost_time() -> None:
    """The same job on a pool whose windows are spent waits for a minute."""
    load = [Load("summarize", 10, 20_000, 5_000)]
    free = outlook(TWO)
    now_s = NOW_MS // 1000
    spent = {
        name: {"v": {"N": "1"}, "m": {"N": str(now_s)}, "o": {"N": str(now_s)}, "ct": {"N": str(limit)}}
        for name, limit in (("nova-pro", 100_000), ("llama-3", 60_000))
    }
    full = dataclasses.replace(free, accounts=accounts(TWO, spent))
    quick, slow = (forecast(each, load, 10, Circumstances(NOW_MS)).eta_s for each in (free, full))
    assert quick < 20
    assert 60 < slow < 90


def test_more_calls_than_are_run_ahead_go_on_at_their_pace() -> None:
    """Three times the calls take about three times as long, in no more work of ours."""
    one, three = (
        forecast(outlook(TWO), [Load("summarize", n, 3000 * n, 250 * n)], n, Circumstances(NOW_MS))
        for n in (4_000, 12_000)
    )
    assert three.eta_s == pytest.approx(3 * one.eta_s, rel=0.1)
    assert three.calls > 12_000


@pytest.mark.parametrize(
    ("count", "tokens", "budget"), [(24, 300, 4000), (90, 250, 4600), (7, 900, 1000), (2, 50, 900)]
)
def test_groups_are_as_the_synthesis_plans_them(count: int, tokens: int, budget: int) -> None:
    """The arithmetic without texts gives the number of groups that the texts give."""
    text = "a" * round((tokens - synthesize.NOTE_TOKENS) * 3.3)
    assert groups_of(count, tokens, budget) == len(synthesize.plan_level([text] * count, budget))


def test_a_window_gives_room_back_after_its_length() -> None:
    """What was booked leaves it in its order; a settlement makes room at once."""
    window = Window(SlidingWindow(100, 60), 100, {}, 0.0)
    window.take(60, 1000.0)
    window.take(40, 1010.0)
    assert window.start_s(50, 1011.0) == 1062.0
    window.settle(50, 1000.0, 1012.0)
    assert window.start_s(50, 1012.0) == 1012.0


def test_a_bucket_refills_all_the_time() -> None:
    """Ten units are back after ten seconds."""
    bucket = Bucket(TokenBucket(60, 60), 60, 58.0, 1000.0)
    assert bucket.start_s(10, 1000.0) == 1010.0
    assert bucket.start_s(10, 1010.0) == 1010.0


def test_the_latest_starts_leave_time_for_what_follows() -> None:
    """Notes must be begun so that the notes, the synthesis and the answer end in time."""
    found = forecast(outlook(ROTA), [Load("summarize", 20, 60_000, 10_000)], 20, Circumstances(NOW_MS))
    latest = latest_starts(found, 60)
    assert latest["summarize"] < latest["synthesize"] < latest["answer"] < 60


def test_code_and_prose_are_read_side_by_side() -> None:
    """Neither takes of the other's time: both may start as late as if they were alone."""
    both = [Load("analyze", 4, 60_000, 10_000), Load("summarize", 20, 60_000, 10_000)]
    found = forecast(outlook(ROTA), both, 24, Circumstances(NOW_MS))
    latest, calls_s = latest_starts(found, 60), {step.step: step.call_s for step in found.steps}
    assert latest["analyze"] - latest["summarize"] == pytest.approx(calls_s["summarize"] - calls_s["analyze"], abs=1)


def test_a_plan_without_models_counts_its_batches() -> None:
    """They are made and read all the same, and take their time."""
    found = chosen(ROTA, 2000, mode="extractive").way.estimate
    assert found.batches > 100
    assert (found.calls, found.input_tokens, found.cost_usd, found.models) == (0, 0, 0, {})
    assert found.eta_s > chosen(ROTA, 10, mode="extractive").way.estimate.eta_s


def test_what_was_asked_for_is_found_again() -> None:
    """Planning once more begins from the caller's own options, not from the adjusted ones."""
    asked = {"depth": "deep", "deadline_s": 60}
    planned = as_planned(asked, {**asked, "depth": "brief", "tier": 1}, {"answer": 50})
    assert planned["latest_s"] == {"answer": 50}
    assert as_asked(planned) == asked
    assert as_planned(asked, asked, {}) == asked


def test_what_a_plan_leaves_out_is_told() -> None:
    """By document for the coverage, in sentences beside the answer."""
    said = "reads 1 of 2 documents: the budget of $1 leaves room for 10 of 20 tokens"
    plan = {"adjusted": [{"what": "documents", "said": said}], "left_out": [2], "read_in_part": [1]}
    assert list(unread(plan)) == [(2, f"was left out: the job {said}")]
    notes = plan_notes(plan, {"batches_total": 5, "batches_extracted": 2})
    assert notes[0] == f"To keep its limits, this job {said}."
    assert any("read in part" in note for note in notes)
    assert any(note.startswith("2 of 5 batches") for note in notes)
    assert list(unread({})) == plan_notes({}, {}) == []


def test_a_job_is_held_to_its_own_budget() -> None:
    """Reservations count at once, what is not spent comes back, a refusal leaves nothing held anywhere."""
    with job_stack() as stack:
        budgets = Budgets(stack.dynamodb, OUTCOMES, ())
        mine, other = (JobBudget(budgets, job, 1e-6, NOW_MS) for job in ("j-1", "j-2"))
        first = mine.reserve("ada", "api", 600, NOW_MS, own_usd=1.0)
        with pytest.raises(BudgetSpentError, match="what this job may cost"):
            mine.reserve("ada", "api", 500, NOW_MS, own_usd=1.0)
        other.reserve("ada", "api", 900, NOW_MS, own_usd=1.0)
        assert mine.settle(first, 400)
        mine.reserve("ada", "api", 600, NOW_MS, own_usd=1.0)
        (standing,) = budgets.standing("ada", "api", NOW_MS, 1.0)
        assert standing["spent_usd"] == pytest.approx(400e-9 + 600e-9 + 900e-9)


def test_a_months_refusal_gives_back_what_the_job_held() -> None:
    """The job's counter is not charged for a call that another budget refused."""
    with job_stack() as stack:
        mine = JobBudget(Budgets(stack.dynamodb, OUTCOMES, ()), "j-1", 1e-6, NOW_MS)
        with pytest.raises(BudgetSpentError, match="user ada"):
            mine.reserve("ada", "api", 900, NOW_MS, own_usd=1e-7)
        mine.reserve("bob", "api", 1000, NOW_MS)


@pytest.mark.parametrize("name", ["burst of twice the quota", "one model", "buckets alone", "others use 40 %", "deep"])
def test_an_estimate_is_what_the_run_then_shows(name: str) -> None:
    """Within 15 per cent in calls, tokens and cost, and in time where quotas bind."""
    errors = compare(SITUATIONS[name]).errors()
    binding = {key: error for key, error in errors.items() if key != "time" or name != "deep"}
    assert all(abs(error) <= 0.15 for error in binding.values()), errors


def test_a_job_with_a_deadline_is_planned_for_it() -> None:
    """A pool whose quotas would take minutes: what is changed stands in the plan, and the answer is there in time."""
    texts = [document(number, 9_000) for number in range(12)]
    with job_world(pool("examples/two-models.yaml", 0.1), texts, deadline_s=30, without_models="fail") as world:
        world.run()
        spent, plan = world.spent(), world.plan()
    assert (world.last["status"], spent["batches_done"]) == ("done", spent["batches_total"])
    assert world.taken_s["answer"] < 30
    assert "the deadline of 30 s" in plan["adjusted"][0]["said"]


def test_children_that_would_start_too_late_do_without_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the plan thought: nobody waits past the deadline, and what is extracted is counted."""
    monkeypatch.setattr(Limits, "missed", lambda *_: [])
    texts = [document(number, 9_000) for number in range(16)]
    with job_world(pool("examples/two-models.yaml", 0.1), texts, deadline_s=30) as world:
        world.run()
        spent, files = world.spent(), world.stack.files(JOB)
        summaries = [files.find_summary(batch_id) or {} for batch_id in files.batch_ids()]
    assert world.last["status"] == "done"
    assert world.taken_s["answer"] < 30
    assert {summary.get("mode") for summary in summaries} == {"models", "extractive"}
    assert {summary.get("why") for summary in summaries} == {None, "deadline"}
    assert spent["batches_extracted"] == sum(summary.get("mode") == "extractive" for summary in summaries)


def test_the_answers_model_gets_as_many_notes_as_it_takes() -> None:
    """One of a small quota that is asked for by name: everything was read for it, so it is to answer."""
    small = narrow().model_dump(mode="json")
    named = next(model for model in small["models"] if model["id"] == "mistral-large-3")
    named["limits"] = [{"kind": "tpm", "amount": 2_200, "algorithm": "sliding_window"}]
    texts = [document(number, 9_000) for number in range(60)]
    with job_world(parse_catalog(small), texts, answer_model="mistral-large-3", without_models="fail") as world:
        world.run()
        answer, estimate, spent = world.stack.files(JOB).find_answer(), world.plan()["estimate"], world.spent()
    assert answer is not None
    assert (answer["mode"], answer["model"]) == ("models", "mistral-large-3")
    assert estimate["input_tokens"] == pytest.approx(spent["input_tokens"], rel=0.15)


def test_a_job_never_costs_more_than_its_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many children at once, and a plan that thought nothing of it: the rest is done without models."""
    monkeypatch.setattr(Limits, "missed", lambda *_: [])
    texts = [document(number, 9_000) for number in range(16)]
    with job_world(TWO, texts, budget_usd=0.03, over_budget="extractive") as world:
        world.run()
        spent = world.spent()
    assert world.last["status"] == "done"
    assert 0 < spent["cost_nanousd"] <= 0.03e9
    assert 0 < spent["batches_extracted"] < spent["batches_total"]


def test_a_dry_run_shows_the_plan_at_a_glance() -> None:
    """Documents, calls, tokens, a bar for each model, and what was changed; nothing was called for it."""
    with job_world(TWO, [document(number, 9_000) for number in range(6)], dry_run=True, budget_usd=0.02) as world:
        world.run()
        plan, spent = world.plan(), world.spent()
    assert "calls" not in spent
    shown = "\n".join(plan_lines(plan))
    assert shown.startswith(f"It would read {plan['estimate']['documents']} documents in ")
    assert "tokens in" in shown
    assert "nova-pro  ━" in shown
    assert "Changed: it reads only the most relevant passages of each document: the budget of $0.02" in shown


@pytest.mark.parametrize("share", [0.4, 0.7, 1.0, 1.05, 1.2, 1.5, 2.05, 2.3, 5.2])
def test_batches_are_predicted_as_they_are_packed(share: float) -> None:
    """Documents of any size beside a batch's: what is cut off one is packed with what is cut off others."""
    ahead = outlook(TWO)
    room = ahead.readers.documents_room()
    texts = [document(number, int(share * room * CHARACTERS_PER_TOKEN)) for number in range(40)]
    held = [cast(Document, {**info, "text": text}) for info, text in zip(infos(40, len(texts[0])), texts, strict=True)]
    (load,) = predicted(ahead, held)
    batches = list(pack(held, room))
    assert load.calls == pytest.approx(len(batches), rel=0.12)
    tokens = sum(passage_tokens(passage) for batch in batches for passage in batch["passages"])
    assert load.input_tokens - load.calls * ahead.readers.frame_tokens("summarize") == pytest.approx(tokens, rel=0.05)


def test_the_same_again_pays_for_the_answer_alone() -> None:
    """What models have taught meanwhile would cut batches elsewhere, and no notes would be found again."""
    texts = [document(number, 3_100) for number in range(120)]
    with job_world(TWO, texts) as world:
        world.run()
        first = world.spent()
        world.run_again(texts)
        second, estimate = world.spent(), world.plan()["estimate"]
        world.run_again([texts[0].replace("a", "e"), *texts[1:]])
        edited = world.spent()
        world.run_again(texts, reuse=False)
        afresh = world.spent()
    assert first["calls"] > 2 * SAMPLES
    assert (second["batches_reused"], second["calls"]) == (second["batches_total"], 1)
    assert estimate["batches"] == first["batches_total"]
    assert edited["batches_total"] - edited["batches_reused"] == 1
    assert afresh["batches_total"] < first["batches_total"]
    assert afresh["calls"] > afresh["batches_total"]


def test_a_pile_that_has_grown_pays_for_what_is_new() -> None:
    """An inbox of every week: the plan stands, so that the batches of before find their notes."""
    texts = [document(number, 3_100) for number in range(150)]
    with job_world(TWO, texts[:120]) as world:
        world.run()
        world.run_again(texts)
        grown, plan = world.spent(), world.plan()
    assert plan["reused"]
    assert grown["batches_total"] - grown["batches_reused"] <= 30 // 2 + OPEN_BATCHES
    assert grown["calls"] <= grown["batches_total"] - grown["batches_reused"] + 5


def test_what_is_new_is_planned_on_the_models_that_will_read_it() -> None:
    """Models are rotated by a batch's place among all, written or not; the new ones are mostly the last."""
    texts = [document(number, 9_000) for number in range(40)]
    with job_world(ROTA, texts[:30]) as world:
        world.run()
        for count in (32, 34, 40):
            world.run_again(texts[:count])
            estimate, spent = world.plan()["estimate"], world.spent()
            assert (estimate["written"], estimate["calls"]) == (spent["batches_reused"], spent["calls"])
            assert estimate["cost_usd"] == pytest.approx(spent["cost_nanousd"] / 1e9, rel=0.15)
            assert estimate["input_tokens"] == pytest.approx(spent["input_tokens"], rel=0.15)


def test_a_limit_counts_only_what_is_still_to_be_paid() -> None:
    """A known pile is read as asked for, whatever it would cost anew; so is one of which a little is new."""
    texts = [document(number, 3_100) for number in range(150)]
    with job_world(TWO, texts[:140]) as world:
        world.run()
        first, enough_usd = world.spent(), 0.25 * world.spent()["cost_nanousd"] / 1e9
        world.run_again(texts[:140], budget_usd=enough_usd)
        again, known = world.spent(), world.plan()
        world.run_again(texts, budget_usd=enough_usd)
        grown, more = world.spent(), world.plan()
        filled = {"type": "object", "properties": {"summary": {"type": "string"}}, "required": ["summary"]}
        world.run_again(texts, budget_usd=enough_usd, answer_schema=filled)
        as_json = world.stack.files(world.job_id).find_answer()
        world.run_again(texts, budget_usd=enough_usd, reuse=False)
        afresh = world.plan()
        world.run_again(texts, dry_run=True)
        planned = world.plan()["estimate"]
    assert (known["adjusted"], known["left_out"]) == (more["adjusted"], more["left_out"]) == ([], [])
    assert known["estimate"]["written"] == known["estimate"]["batches"] == first["batches_total"]
    assert again["calls"] == 1
    assert 1 <= known["estimate"]["calls"] <= 4  # whether merged notes are there, too, is not looked for
    assert more["estimate"]["written"] == grown["batches_reused"] < grown["batches_total"]
    assert more["estimate"]["calls"] == pytest.approx(grown["calls"], rel=0.15)
    assert grown["cost_nanousd"] / 1e9 <= enough_usd
    assert as_json is not None
    assert afresh["adjusted"]
    assert planned["written"] == planned["batches"]
