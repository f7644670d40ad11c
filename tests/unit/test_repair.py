"""The repair turn: malformed JSON is asked for once more of the model that wrote it, then of one a tier up.

The ledger is real (on a table in memory), the vendors are the simulated ones with their quotas and their faults.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from local.simulated.models import parse_models
from local.simulated.vendor import Admission, Asked, Vendors
from rota.calls import CallRecord, Errand, Finished
from rota.catalog import Catalog
from rota.catalog_file import parse_catalog
from rota.chat_output import schema_check
from rota.clock import ServiceClock
from rota.dispatch import Dispatcher, Pending, Waiting
from rota.documents.extraction.extract import quote_texts
from rota.errors import InvalidOutputError, ProviderRejectedError, RateLimitedError
from rota.gateway import Gateway
from rota.ledger import Ledger
from rota.providers.base import Completion, ModelCall
from rota.routing.request import ModelRequest
from rota.steps.repair import added_tokens, can_be_repaired, repair
from rota.usage import Usage
from tests.fixtures.fake_dynamodb import FakeDynamoDB
from tests.fixtures.tiers import document, three_tiers

START_MS = 1_700_000_000_000
SCHEMA = {
    "type": "object",
    "properties": {"answer": {"type": "string"}, "grade": {"enum": ["low", "high"]}},
    "required": ["answer", "grade"],
}
CALL = ModelCall("Fill the form.", "<question>Who pays?</question><note>- The owner pays [1].</note>", 300, 0.2, SCHEMA)
BROKEN = '{"answer": "The owner", "grade": "middling"}'


@dataclass
class World:
    """One gateway and everything that it stands on; time passes only when somebody sleeps or a vendor works."""

    catalog: Catalog
    at_ms: int = START_MS
    breaks: dict[str, int] = field(default_factory=dict)
    """How many of a model's next answers break the schema."""
    rejects: bool = False
    """Vendors take no conversation."""
    records: list[CallRecord] = field(default_factory=list)
    texts_kept: list[str] = field(default_factory=list)
    shadows: list[str] = field(default_factory=list)
    calls: list[tuple[str, ModelCall]] = field(default_factory=list)
    refusals: int = 0

    def __post_init__(self) -> None:
        configs = parse_models(self.catalog.model_dump(mode="json"))
        self.vendors = Vendors(configs, quote_texts, lambda: self.at_ms / 1000)
        table: Any = FakeDynamoDB(lambda: self.at_ms)
        self.ledger = Ledger(table, "Ledger", self.catalog, ServiceClock(lambda: self.at_ms), self.sleep)
        self.gateway = Gateway(self.catalog, self.ledger, lambda _: self, self, sleep=self.sleep)

    def sleep(self, seconds: float) -> None:
        """Time passes."""
        self.at_ms += round(seconds * 1000)

    def called(self, record: CallRecord) -> None:
        """See `gateway.Watcher`."""
        self.records.append(record)

    def kept(self, record: CallRecord, text: str) -> None:
        """See `gateway.Watcher`."""
        self.texts_kept.append(text)

    def shadow(self, model: str, errand: Errand[Any], record: CallRecord, completion: Completion) -> None:
        """See `gateway.Watcher`."""
        self.shadows.append(errand.call.prompt)

    def prepare(self, timeout_s: float) -> None:
        """Nothing to build."""

    def complete(self, model: str, vendor_model: str, call: ModelCall, timeout_s: float) -> Completion:
        """The simulated vendor: quotas first, a second of work, then prose where a form was asked for, or the form."""
        self.calls.append((model, call))
        if self.rejects and call.history:
            raise ProviderRejectedError("no conversations", provider="local", model=model, status=400)
        vendor = self.vendors.find("openai_compatible", vendor_model)
        assert vendor is not None
        prompt = "\n".join(turn.text for turn in call.turns)
        asked = Asked(vendor_model, call.system, prompt, call.max_output_tokens, call.json_schema)
        admission = vendor.admit(self.at_ms / 1000, asked)
        if not isinstance(admission, Admission):
            self.refusals += 1
            raise RateLimitedError("over quota", provider="local", model=model)
        reply = vendor.answer(asked)
        self.sleep(1)
        vendor.settle(self.at_ms / 1000, admission, reply)
        text = reply.text
        if self.breaks.get(model):
            self.breaks[model] -= 1
            text = BROKEN
        return Completion(text, Usage(reply.input_tokens, reply.output_tokens), "end", 1000)

    def run(self, call: ModelCall = CALL, pending: Pending | None = None, **fields: Any) -> Finished[str]:
        """Ask a tier-1 model, as a job's step does."""
        request = replace(ModelRequest("chat", "cheap", 200, 300, priority="interactive"), **fields)
        check = schema_check(call.json_schema)
        outcome = self.gateway.run(request, call, check, lambda: 300_000, pending)
        assert isinstance(outcome, Finished)
        return outcome

    @property
    def models(self) -> list[str]:
        """Who was called, in order."""
        return [model for model, _ in self.calls]

    def used(self, model: str) -> int:
        """Tokens that stand against the model's quota now."""
        return self.ledger.account(model).used("tpm", self.at_ms)


@pytest.fixture
def world() -> World:
    """Three tiers; `small` comes first."""
    return World(three_tiers())


def test_the_same_model_repairs_its_own_output(world: World) -> None:
    """No fallback, no escalation: one more call of the same model, which sees what it wrote and what is wrong."""
    world.breaks["small"] = 1
    done = world.run()
    assert json.loads(done.value)["grade"] == "low"
    assert world.models == ["small", "small"]
    assert (done.record.repaired, done.fallback_used, done.record.escalated_from) == (True, False, None)
    assert [(one.model, one.code) for one in done.attempts] == [("small", "invalid_output")]
    assert [(one.outcome, one.attempts, one.repaired) for one in world.records] == [
        ("invalid_output", 1, False),
        ("ok", 2, True),
    ]
    again = world.calls[1][1]
    assert [(turn.role, turn.text) for turn in again.history] == [("user", CALL.prompt), ("assistant", BROKEN)]
    assert '$.grade: must be one of ["low","high"]' in again.prompt
    assert (again.json_schema, again.max_output_tokens) == (SCHEMA, 300)
    assert world.texts_kept == [BROKEN]


def test_every_attempt_is_booked_and_settled(world: World) -> None:
    """The repair is booked for the longer conversation; in the end stands what the three calls used, no more."""
    world.breaks["small"] = 2
    world.run()
    first, second, third = world.records
    assert second.booked_tokens > first.booked_tokens
    assert all(record.settled for record in world.records)
    assert world.refusals == 0
    assert world.ledger.account("small").counters.calls == 2
    assert world.ledger.account("middle").counters.calls == 1
    assert world.used("middle") <= third.booked_tokens


def test_a_repair_that_breaks_it_again_goes_one_tier_up(world: World) -> None:
    """As it was without repairs; both outputs are kept."""
    world.breaks["small"] = 2
    done = world.run()
    assert world.models == ["small", "small", "middle"]
    assert (done.record.escalated_from, done.record.fallback_from, done.record.repaired) == (1, "small", False)
    assert [record.escalated_from for record in world.records] == [None, None, 1]
    assert world.texts_kept == [BROKEN, BROKEN]


def test_one_repair_in_a_chain_of_calls(world: World) -> None:
    """What breaks the schema further up is not asked for again, however often the chain waits in between."""
    world.breaks |= {"small": 2, "middle": 1}
    world.run()
    assert world.models == ["small", "small", "middle", "strong"]
    world.calls.clear()
    world.breaks["small"] = 1
    pending = Pending.from_dict(Pending(world.at_ms, repaired=True).as_dict())
    world.run(pending=pending)
    assert world.models == ["small", "middle"]


@pytest.mark.parametrize(("left", "models"), [(520, ["small", "middle"]), (900, ["small", "small"])])
def test_without_room_on_the_model_the_call_goes_up_at_once(left: int, models: list[str]) -> None:
    """Of a quota of 50 tokens a second: nothing waits for it, and nothing is left booked."""
    parts = document()
    parts["models"][0]["limits"][0]["amount"] = 3_000
    world = World(parse_catalog(parts))
    world.breaks["small"] = 1
    account = world.ledger.account("small")
    world.ledger.book(account, {"tpm": account.limiters["tpm"].capacity - left}, world.at_ms + 999)
    began_ms, before = world.at_ms, world.used("small")
    world.run()
    assert world.models == models
    assert world.at_ms - began_ms <= 4_500
    assert world.used("small") < before + 350 * models.count("small")
    assert world.refusals == 0


def test_a_conversation_that_no_context_holds_is_not_begun(world: World) -> None:
    """The model took the request, but not the longer one."""
    world.breaks["small"] = 1
    world.run(input_tokens=31_690)
    assert world.models[:2] == ["small", "middle"]


@pytest.mark.parametrize(
    ("max_wait_ms", "remaining_ms", "models"),
    [
        (8_000, 29_000, ["small", "small"]),
        (1_500, 29_000, ["small", "middle"]),
        (8_000, 5_500, ["small", "middle"]),
    ],
    ids=["time for both", "the next model would come too late", "the function ends too soon"],
)
def test_on_the_line_a_repair_leaves_time_for_the_next_model(
    world: World, max_wait_ms: int, remaining_ms: int, models: list[str]
) -> None:
    """Both are taken to last as long as the first call."""
    world.breaks["small"] = 1
    ends_ms = world.at_ms + remaining_ms
    request = ModelRequest("chat", "cheap", 200, 300, priority="interactive", max_wait_ms=max_wait_ms)
    outcome = world.gateway.run(request, CALL, schema_check(SCHEMA), lambda: ends_ms - world.at_ms)
    assert isinstance(outcome, Finished)
    assert world.models == models


def test_who_asked_for_one_model_gets_its_repair_while_there_is_time(world: World) -> None:
    """There is no other model to leave time for."""
    world.breaks["small"] = 1
    world.run(model="small", max_wait_ms=1_500)
    assert world.models == ["small", "small"]


def test_too_little_time_left_gives_the_repairs_booking_back(world: World) -> None:
    """A job's step goes on in its next invocation, one tier up; nothing stands against the first model."""
    world.breaks["small"] = 1
    request = ModelRequest("chat", "cheap", 200, 300, priority="interactive")
    left = iter([300_000, 300_000])
    outcome = world.gateway.run(request, CALL, schema_check(SCHEMA), lambda: next(left, 20_000))
    assert isinstance(outcome, Waiting)
    assert (world.models, outcome.pending.repaired, outcome.pending.booking) == (["small"], False, None)
    assert world.used("small") < 500


def test_a_vendor_that_takes_no_conversation_costs_the_job_nothing(world: World) -> None:
    """Its rejection of the repair is one more failed attempt; the next model is asked the request itself."""
    world.breaks["small"] = 1
    world.rejects = True
    done = world.run()
    assert world.models == ["small", "small", "middle"]
    assert [one.code for one in done.attempts] == ["invalid_output", "provider_rejected"]
    assert done.record.escalated_from == 1
    assert not world.calls[2][1].history


def test_texts_are_not_repaired(world: World) -> None:
    """Only a form can be corrected; an empty answer, or one that fails for its words, is another model's turn."""
    plain = replace(CALL, json_schema=None)

    def check(text: str) -> str:
        if world.models == ["small"]:
            raise InvalidOutputError("nothing but marks")
        return text

    request = ModelRequest("chat", "cheap", 200, 300, priority="interactive")
    assert isinstance(world.gateway.run(request, plain, check, lambda: 300_000), Finished)
    assert world.models == ["small", "middle"]
    assert not can_be_repaired(CALL, " \n")


def test_calls_aside_are_not_repaired(world: World) -> None:
    """A classification must be quick, or not at all; nor does a dispatcher repair that was not told to."""
    world.breaks |= {"small": 1, "middle": 1, "small-elsewhere": 1, "tiny": 1}
    request = ModelRequest("classification", "cheap", 200, 300, priority="interactive", model="small")
    assert world.gateway.aside(request, CALL, schema_check(SCHEMA), lambda: 300_000) is None
    assert world.models == ["small"]
    plain = Dispatcher(world.catalog, world.ledger, lambda _: world, world.records.append, world.sleep)
    world.breaks["small"] = 1
    world.calls.clear()
    assert plain.run(replace(request, model=None), CALL, schema_check(SCHEMA), lambda: 300_000)
    assert "small" in world.models
    assert len(world.models) == len(set(world.models))


def test_a_candidate_is_compared_on_the_request_alone() -> None:
    """The shadow of a repair would be compared with half a conversation of another model."""
    world = World(three_tiers(shadows=[{"model": "tiny", "percent": 100}]))
    world.breaks["small"] = 1
    world.run()
    assert world.models == ["small", "small"]
    assert world.shadows == [CALL.prompt]


@pytest.mark.parametrize("seed", range(5))
def test_random_faults_never_lead_over_a_quota_or_past_the_chain(seed: int) -> None:
    """Whoever breaks what and when: at most two calls of the first model, one of each other, and no refusal."""
    chance = random.Random(seed)
    world = World(three_tiers())
    for _ in range(30):
        world.breaks = {model.id: chance.randint(0, 2) for model in world.catalog.models} | {"strong": 0}
        world.calls.clear()
        world.run(rotation=chance.randint(0, 9))
        repaired = [model for model in set(world.models) if world.models.count(model) > 1]
        assert all(world.models.count(model) == 2 for model in repaired)
        assert len(repaired) <= 1
    assert world.refusals == 0


def test_the_repairs_size_is_counted() -> None:
    """What the conversation adds to the call is in the estimate, whatever the output holds."""
    error = InvalidOutputError('$.a: must be of type "string"')
    again = repair(CALL, "words " * 100, error)
    added = sum(len(text) for text in (again.system, again.prompt, "words " * 100)) - len(CALL.system)
    assert added / 3.3 <= added_tokens("words " * 100, error) <= added / 3.3 + 10
