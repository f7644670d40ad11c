"""A job's documents in batches: code and prose apart, each as large as its models take, and what they will need."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, cast

import pytest

from rota.accounts import Account
from rota.batches import write_batches
from rota.catalog import Catalog
from rota.catalog_file import parse_catalog
from rota.documents.group import passage_tokens
from rota.errors import NoCapacityError
from rota.estimate import Load
from rota.job_files import JobFiles
from rota.job_item import Job
from rota.job_requests import step_of, summary_request
from rota.readers import CODE_QUOTA_SHARE, Readers
from rota.records import Batch, Document
from rota.steps import summarize
from tests.fixtures.tiers import MODELS, document

FOCUS = ["the end"]
ANALYZE = {"pool": "both", "max_input_tokens": 50_000, "max_output_tokens": 400}
RULE = {"name": "hard", "when": {"task": "analyze", "complexity": "complex"}, "use": {"pool": "strong"}}


def catalog(analyze: dict[str, Any] | None = ANALYZE, quota: int = 20_000, **strong: Any) -> Catalog:
    """`small` for prose and code, `strong` for complex code; `strong` has further facts of the model of that name."""
    step = {"pool": "small", "max_input_tokens": 2_000, "max_output_tokens": 100}
    pools = {"small": {"models": ["small"]}, "both": {"models": ["small", "middle"]}, "strong": {"models": ["strong"]}}
    steps = dict.fromkeys(("plan", "summarize", "synthesize", "answer"), step)
    found = document(pools=pools, steps=steps | ({"analyze": analyze} if analyze else {}), routing={"rules": [RULE]})
    for model in found["models"]:
        model["limits"][0]["amount"] = quota
        if model["id"] == "strong":
            model["limits"][0]["amount"] = 2 * quota
            model.update(strong)
    assert {model["id"] for model in found["models"]} == set(MODELS)
    return parse_catalog(found)


class Pile:
    """The files of a job in memory."""

    def __init__(self, documents: Iterable[Document]) -> None:
        self.documents = {one["number"]: one for one in documents}
        self.batches: dict[str, Batch] = {}
        self.manifest: list[str] = []

    def document_list(self) -> Any:
        """Everything but the texts."""
        infos = [{name: value for name, value in one.items() if name != "text"} for one in self.documents.values()]
        return {"documents": infos, "failed": []}

    def document(self, number: int) -> Document:
        """One with its text."""
        return self.documents[number]

    def put_batch(self, batch: Batch) -> None:
        """Keep it."""
        self.batches[batch["batch_id"]] = batch

    def put_manifest(self, batches: dict[str, list[int]]) -> None:
        """Keep the order."""
        self.manifest = list(batches)


def readers(pool: Catalog, **options: Any) -> Readers:
    """Of a job on a ledger on which nothing was ever booked."""
    accounts = {}
    for model in pool.models:
        limiters = {limit.name: limit.limiter() for limit in model.limits}
        accounts[model.id] = Account(model.id, limiters, limiters)
    job = Job("j", "ada", "api", "planning", "What is it?", 0, options=options)
    return Readers(job, pool, accounts, FOCUS)


def one(number: int, title: str, imports: list[str] | None = None, words: int = 400) -> Document:
    """A document, of code if it has imports: 1,600 characters, 500 tokens."""
    text = "word\n" * words
    found = Document(
        number=number,
        title=title,
        origin="request",
        media_type="text/plain",
        bytes=len(text),
        characters=len(text),
        text=text,
    )
    if imports is not None:
        found["imports"] = imports
    return found


def close(first: int, count: int) -> list[Document]:
    """Files of which each imports all others."""
    numbers = range(first, first + count)
    return [one(n, f"close/m{n}.py", [f"close.m{other}" for other in numbers if other != n]) for n in numbers]


def write(documents: Iterable[Document], pool: Catalog, **options: Any) -> tuple[Pile, list[Load]]:
    """The batches of a job with these documents."""
    pile = Pile(documents)
    written = write_batches(cast(JobFiles, pile), readers(pool, **options))
    assert pile.manifest == [f"b{n:04d}" for n in range(1, len(pile.manifest) + 1)] == list(pile.batches)
    held = sorted({p["number"] for batch in pile.batches.values() for p in batch["passages"]})
    assert held == sorted(pile.documents)
    return pile, written


def kinds(pile: Pile) -> list[tuple[str | None, int]]:
    """Kind and number of documents of each batch."""
    return [(batch.get("kind"), len({p["number"] for p in batch["passages"]})) for batch in pile.batches.values()]


MIXED = [one(1, "a.md"), *(one(n, f"loose/m{n}.py", []) for n in range(2, 8)), one(8, "b.md"), one(9, "c.json")]


def test_code_and_prose_are_in_batches_of_their_own() -> None:
    """Code first and together, the rest as before; ids go on."""
    pile, written = write(MIXED, catalog())
    assert sum(load.calls for load in written) == 3
    assert kinds(pile) == [("code", 6), (None, 2), (None, 1)]
    assert all("lines" in passage for passage in pile.batches["b0001"]["passages"])
    again, _ = write(MIXED, catalog())
    assert again.batches == pile.batches


def test_without_a_step_for_it_code_is_summarised_like_the_rest() -> None:
    """Pool files of before are valid and mean what they meant; so it is without models."""
    for pile, written in (write(MIXED, catalog(None)), write(MIXED, catalog(), mode="extractive")):
        assert [count for _, count in kinds(pile)] == [2, 2, 2, 2, 1]
        assert all("kind" not in batch for batch in pile.batches.values())
        assert {load.task for load in written} == {"summarize"}
        assert sum(load.calls for load in written) == len(pile.batches)


def test_models_that_take_little_summarise_code() -> None:
    """When half of their quota is less than a summary may read, many small analyses are no gain."""
    pile, _ = write(MIXED, catalog(quota=3_000))
    assert all("kind" not in batch for batch in pile.batches.values())


def test_complex_code_goes_to_the_stronger_model_in_larger_batches() -> None:
    """Half of the quota of each: 13 files of 640 tokens beside the prompt for the small one, twice as many else."""
    pile, written = write([*close(1, 26), *(one(n, f"loose/m{n}.py", []) for n in range(27, 53))], catalog())
    batches = list(pile.batches.values())
    assert [batch["complexity"]["score"] > 0.7 for batch in batches] == [True, *[False] * (len(batches) - 1)]
    assert len(batches[0]["passages"]) == 26
    for batch in batches:
        quota = 40_000 if batch["complexity"]["score"] > 0.7 else 20_000
        asked = summarize.prompt("What is it?", FOCUS, batch, 400)
        assert asked.tokens + 400 <= CODE_QUOTA_SHARE * quota
    asked = readers(catalog())
    aimed = [[model.id for model in asked.models(load.task, load.score)] for load in written]
    assert aimed == [["strong"], ["small", "middle"]]
    assert [load.calls for load in written] == [1, len(batches) - 1]


def test_a_model_may_bound_its_batches() -> None:
    """In bytes, whatever else it could take."""
    pile, _ = write(close(1, 30), catalog(max_batch_kb=16))
    for batch in pile.batches.values():
        assert sum(len(passage["text"]) for passage in batch["passages"]) <= 16 * 1024


def test_a_caller_who_names_a_model_gets_batches_of_its_size() -> None:
    """Whatever the rules say."""
    pile, written = write(close(1, 30), catalog(), model="small")
    assert len(pile.batches) > 1
    [load] = written
    assert [model.id for model in readers(catalog(), model="small").models(load.task, load.score)] == ["small"]


def test_loads_are_told_by_task() -> None:
    """Calls, tokens of prompts, and the most that may be answered."""
    pile, written = write(MIXED, catalog())
    loads = {load.task: load for load in written}
    assert list(loads) == ["analyze", "summarize"]
    assert [load.calls for load in loads.values()] == [1, 2]
    assert [load.output_tokens for load in loads.values()] == [400, 200]
    code = pile.batches["b0001"]
    frame = summarize.frame_tokens("What is it?", FOCUS, 400, "analyze")
    assert loads["analyze"].input_tokens == frame + sum(map(passage_tokens, code["passages"]))
    assert sum(load.calls for load in written) == 3


def test_calls_that_read_code_are_of_a_task_and_step_of_their_own() -> None:
    """So that rules, logs and costs tell them apart; a file without the step has the summaries' one."""
    job = Job("j", "ada", "api", "summarizing", "What is it?", 0)
    step = step_of(catalog(), "analyze")
    request = summary_request(job, step, 10, "b0003", task="analyze")
    assert (request.task, request.pool, request.max_output_tokens, request.rotation) == ("analyze", "both", 400, 2)
    assert request.subjects["request"] == "j:analyze:b0003"
    assert step_of(catalog(None), "analyze") == step_of(catalog(), "summarize")


def test_an_override_of_the_summaries_pool_reads_code_as_well() -> None:
    """A stack whose batches go to two models only means all of its batches."""
    moved = catalog().with_overrides({}, summaries_pool="small,middle")
    assert {step_of(moved, "analyze").pool, step_of(moved, "summarize").pool} == {"summaries-override"}
    assert catalog(None).with_overrides({}, summaries_pool="small").steps.analyze is None


def test_no_room_for_documents_is_said() -> None:
    """Rather than failing at each batch."""
    with pytest.raises(NoCapacityError, match="at least 400"):
        write(MIXED, catalog(None, quota=600))


def test_documents_are_read_as_batches_need_them() -> None:
    """Memory holds some documents, not all of them."""

    class Watched(Pile):
        most = 0
        reading = 0

        def document(self, number: int) -> Document:
            self.reading += 1
            self.most = max(self.most, self.reading - sum(len(b["passages"]) for b in self.batches.values()))
            return super().document(number)

    pile = Watched([one(n, f"d{n % 10}/m{n}.py", []) for n in range(1, 1_001)])
    write_batches(cast(JobFiles, pile), readers(catalog()))
    assert pile.reading == 1_000
    assert pile.most < 800


@pytest.mark.parametrize(("characters", "at_once"), [(1_600, 8), (5_000_000, 1), (3_000_000, 2)])
def test_large_documents_are_read_few_at_a_time(characters: int, at_once: int) -> None:
    """Memory is bounded in characters, not in documents."""

    class Counting(Pile):
        now = most = 0
        lock = threading.Lock()

        def document(self, number: int) -> Document:
            with self.lock:
                self.now += 1
                self.most = max(self.most, self.now)
            time.sleep(0.02)
            with self.lock:
                self.now -= 1
            return super().document(number)

    large = [{**one(number, f"{number}.md"), "characters": characters} for number in range(1, 9)]
    pile = Counting(cast(list[Document], large))
    write_batches(cast(JobFiles, pile), readers(catalog()))
    assert pile.most == at_once


def test_rooms_of_an_earlier_job_are_taken_where_they_are_about_as_large() -> None:
    """Batches cut as before find their notes again; what would not fit any more, or wastes calls, is not taken."""
    now = readers(catalog())
    rooms = now.rooms_by_reader()
    (documents,) = (name for name in rooms if name.startswith("summarize"))
    room = now.room("summarize")
    assert rooms[documents] == room
    for before, expected in ((room, room), (int(0.7 * room), int(0.7 * room)), (room // 2, room), (2 * room, room)):
        earlier = replace(now, rooms={documents: before})
        assert earlier.room("summarize") == expected
        assert earlier.room("analyze", 0.1) == now.room("analyze", 0.1)
    larger = replace(now, rooms={documents: room + 100})
    assert larger.room("summarize") == room + 100
    tight = readers(catalog(quota=2_100))
    assert replace(tight, rooms=larger.rooms).room("summarize") == tight.room("summarize") < room
