"""Chat completions, feedback, budgets, decisions: the API around single calls. Only the vendor is scripted."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from functions import parts
from functions.serve_api.handler import handle
from rota.catalog_file import parse_catalog
from rota.errors import ModelUnavailableError, ProviderError, ProviderRejectedError, ProviderUnavailableError
from rota.outcomes.months import month_of
from rota.providers.base import Completion, ModelCall
from rota.usage import Usage
from tests.fixtures.job_stack import REPOSITORY, Context, JobStack, job_stack
from tests.fixtures.tiers import document

FACTS = "Berlin has 3.7 million inhabitants."
JUDGE = {
    "checks": [{"pool": "best", "percent": 100, "when": {"task": "chat"}}],
    "routing": {"default": {"tier": "auto"}, "classifier": {"kind": "model", "pool": "cheap"}},
}


class LongContext(Context):
    """As long as an API request may take."""

    def get_remaining_time_in_millis(self) -> int:
        """29 seconds."""
        return 29_000


class Vendor:
    """Answers by what it is asked: a classification, a verdict, or a text; fails with what `fails` gives."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, ModelCall]] = []
        self.fails: Callable[[str], ProviderError | None] = lambda model: None
        self.texts: dict[str, str] = {}
        self.level: dict[str, Any] = {"level": "simple", "confidence": 0.9}
        self.verdict = "good"

    def prepare(self, timeout_s: float) -> None:
        """Nothing to prepare."""

    def complete(self, model: str, vendor_model: str, call: ModelCall, timeout_s: float) -> Completion:
        """One answer of 100 + 20 tokens."""
        self.calls.append((model, call))
        if error := self.fails(model):
            raise error
        asked = set((call.json_schema or {}).get("properties", {}))
        if asked == {"level", "confidence"}:
            return Completion(json.dumps(self.level), Usage(90, 15), "end", 60)
        if asked == {"verdict", "reason"}:
            return Completion(json.dumps({"verdict": self.verdict, "reason": "so"}), Usage(200, 15), "end", 60)
        return Completion(self.texts.get(model, f"{model} says: {FACTS}"), Usage(100, 20), "end", 250)

    @property
    def models(self) -> list[str]:
        """Who was called, in order."""
        return [model for model, _ in self.calls]


@pytest.fixture
def vendor() -> Vendor:
    """The only fake: it stands where a paid service would."""
    return Vendor()


@pytest.fixture
def stack(vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> Iterator[JobStack]:
    """Tables and bucket, and a pool file with three tiers."""
    with job_stack() as stack:
        use(monkeypatch)
        monkeypatch.setattr(parts, "provider", lambda name: vendor)
        yield stack


def use(monkeypatch: pytest.MonkeyPatch, **sections: Any) -> None:
    """Another pool file for what follows."""
    catalog = parse_catalog(document(**sections))
    for each in (parts.ledger, parts.budgets):
        each.cache_clear()
    monkeypatch.setattr(parts, "catalog", lambda: catalog)


def post(path: str, body: Any, method: str = "POST", **context: str) -> tuple[int, Any, dict[str, str]]:
    """Status, body and headers of one request of Ada's, or of the owner in `context`."""
    event = json.loads((REPOSITORY / "events/serve_api/create_job.json").read_text("utf-8"))
    event["rawPath"] = event["requestContext"]["http"]["path"] = f"/v1/{path}"
    event["requestContext"]["http"]["method"] = method
    event["requestContext"]["authorizer"]["lambda"] |= context
    event["body"] = json.dumps(body)
    reply = handle(event, LongContext())
    text = reply["body"]
    return reply["statusCode"], json.loads(text) if text.startswith("{") else text, reply.get("headers", {})


def chat(text: str = "What time is it in Berlin?", **body: Any) -> tuple[int, Any]:
    """A chat with one message; `metadata` by keyword."""
    context = body.pop("context", {})
    status, reply, _ = post("chat/completions", {"messages": [{"role": "user", "content": text}], **body}, **context)
    return status, reply


def down(*models: str) -> Callable[[str], ProviderError | None]:
    """These models answer 503."""
    return lambda model: (
        ProviderUnavailableError("503", provider="p", model=model, status=503) if model in models else None
    )


def lines(stack: JobStack, event: str) -> list[dict[str, Any]]:
    """Log lines of a kind."""
    found = [json.loads(line) for line in stack.log.getvalue().splitlines() if line.startswith("{")]
    return [line for line in found if line.get("event") == event]


def test_a_chat_is_answered_in_openais_shape_with_its_decision(stack: JobStack, vendor: Vendor) -> None:
    """A simple question goes to the lowest tier; the reply says why, and the log line, counters and outcome agree."""
    status, reply = chat()
    assert status == 200
    assert reply["object"] == "chat.completion"
    assert FACTS in reply["choices"][0]["message"]["content"]
    assert reply["usage"] == {
        "prompt_tokens": 100,
        "completion_tokens": 20,
        "total_tokens": 120,
        "prompt_tokens_details": {"cached_tokens": 0},
    }
    rota = reply["rota"]
    assert (rota["rule"], rota["target"], rota["level"], rota["model_tier"]) == ("default", "tier:1", "simple", 1)
    assert reply["model"] == rota["model"] == vendor.models[0]
    (line,) = lines(stack, "model_call")
    assert (line["decision"], line["rule"], line["user"], line["feature"]) == (
        rota["decision"],
        "default",
        "ada",
        "chat",
    )
    stored = parts.outcomes().get(rota["decision"], "ada")
    assert (stored["task"], stored["tier"], stored["level"], stored["feedback"]) == ("chat", 1, "simple", {})
    ((key, totals),) = parts.usage_counters().of_user("ada", month_of(parts.ledger().clock.now_ms()))
    assert (key.feature, key.query_type, key.model, totals.calls) == ("chat", "chat", reply["model"], 1)
    assert "Berlin" not in stack.log.getvalue()


def test_the_conversation_reaches_the_model_as_it_was(stack: JobStack, vendor: Vendor) -> None:
    """System texts together, turns that alternate, the last one as the prompt; tokens of all of them are booked."""
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi."},
        {"role": "assistant", "content": "Hello."},
        {
            "role": "user",
            "content": [{"type": "text", "text": "How many people"}, {"type": "text", "text": "live there?"}],
        },
        {"role": "user", "content": "In Berlin."},
    ]
    status, _, _ = post(
        "chat/completions", {"messages": messages, "model": "small", "max_tokens": 50, "temperature": 1}
    )
    (_, call) = vendor.calls[0]
    assert status == 200
    assert (call.system, call.temperature, call.max_output_tokens) == ("Be brief.", 1, 50)
    assert [(turn.role, turn.text) for turn in call.turns] == [
        ("user", "Hi."),
        ("assistant", "Hello."),
        ("user", "How many people\nlive there?\n\nIn Berlin."),
    ]


@pytest.mark.parametrize(
    ("model", "rule", "first"),
    [("auto", "default", 1), ("tier-2", "asked", 2), ("best", "asked", 2), ("strong", "asked", 3)],
)
def test_a_model_may_be_auto_a_tier_a_pool_or_a_model(stack: JobStack, model: str, rule: str, first: int) -> None:
    """C6: one name for all of them."""
    _, reply = chat(model=model)
    assert (reply["rota"]["rule"], reply["rota"]["model_tier"]) == (rule, first)


def test_a_stream_is_events_in_one_piece(stack: JobStack) -> None:
    """Chunks, usage when asked for, and the end that clients wait for."""
    body = {"messages": [{"role": "user", "content": "Hi"}], "stream": True, "stream_options": {"include_usage": True}}
    status, text, headers = post("chat/completions", body)
    assert (status, headers["Content-Type"]) == (200, "text/event-stream")
    *chunks, end = [line.removeprefix("data: ") for line in text.strip().split("\n\n")]
    assert end == "[DONE]"
    parsed = [json.loads(chunk) for chunk in chunks]
    assert FACTS in parsed[0]["choices"][0]["delta"]["content"]
    assert parsed[1]["choices"][0]["finish_reason"] == "stop"
    assert parsed[2]["usage"]["total_tokens"] == 120


@pytest.mark.parametrize(
    ("body", "status", "field", "words"),
    [
        ({"messages": []}, 422, "messages", "at least 1"),
        ({"messages": [{"role": "assistant", "content": "x"}]}, 400, "messages", "begin and end"),
        ({"messages": [{"role": "user", "content": " "}]}, 400, "messages.0.content", "empty"),
        ({"messages": [{"role": "user", "content": "x"}], "model": "gpt-9"}, 400, "model", "auto, tier-1"),
        ({"messages": [{"role": "user", "content": "x"}], "tools": []}, 422, "tools", "not permitted"),
        ({"messages": [{"role": "user", "content": "x"}], "n": 2}, 422, "n", "1"),
        (
            {"messages": [{"role": "user", "content": "x"}], "metadata": {"task": "cooking"}},
            400,
            "metadata.task",
            "code, review",
        ),
        ({"messages": [{"role": "user", "content": "x"}], "metadata": {"feature": "a#b"}}, 400, "feature", "1 to 63"),
        (
            {"messages": [{"role": "user", "content": "x"}], "metadata": {"least_tier": "4"}},
            400,
            "metadata.least_tier",
            "1, 2, 3",
        ),
        (
            {
                "messages": [{"role": "user", "content": "x"}],
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "a", "schema": {"type": "nonsense"}},
                },
            },
            400,
            "response_format.json_schema.schema",
            "no JSON schema",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]},
            422,
            "messages.0.content",
            "only text is taken",
        ),
        ({"messages": [{"role": "user", "content": None}]}, 422, "messages.0.content", "a list of parts"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, 422, "messages.0.content", '"text": …'),
        (
            {"messages": [{"role": "user", "content": " "}, {"role": "system", "content": "Be brief."}]},
            400,
            "messages.0.content",
            "empty",
        ),
    ],
)
def test_bad_input_names_the_field_and_calls_nobody(
    stack: JobStack, vendor: Vendor, body: Any, status: int, field: str, words: str
) -> None:
    """What would change the answer and is not supported is refused, never ignored."""
    found, reply, _ = post("chat/completions", body)
    assert found == status
    assert reply["error"]["field"] == field
    assert words in reply["error"]["message"]
    assert vendor.calls == []


def test_a_model_that_is_down_is_replaced_and_the_reply_says_so(
    stack: JobStack, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C3 and D12: the other host of the same model first."""
    vendor.fails = down("small")
    use(monkeypatch, routing={"default": {"tier": 1, "prefer": "small"}})
    _, reply = chat()
    assert vendor.models == ["small", "small-elsewhere"]
    rota = reply["rota"]
    assert (rota["fallback_used"], rota["fallback_from"], rota["model"]) == (True, "small", "small-elsewhere")
    assert [(each["model"], each["code"]) for each in rota["attempts"]] == [("small", "provider_unavailable")]
    status, alone = chat(model="small")
    assert (status, alone["error"]["code"]) in ((502, "all_models_failed"), (429, "pool_busy"))  # probed, or kept off


def test_a_whole_tier_that_is_down_is_promoted(stack: JobStack, vendor: Vendor) -> None:
    """D8: more expensive, and available; then the breakers are open, and nobody is asked in vain any more."""
    vendor.fails = down("small", "small-elsewhere", "tiny")
    _, reply = chat()
    assert (reply["model"], reply["rota"]["fallback_used"]) == ("middle", True)
    assert {attempt["code"] for attempt in reply["rota"]["attempts"]} == {"provider_unavailable"}
    vendor.calls.clear()
    _, later = chat("How late is it in Rome?")
    assert vendor.models == ["middle"]
    assert later["model"] == "middle"
    assert lines(stack, "model_call")[-1]["promoted"] == 1


def test_all_down_is_an_error_that_says_who_failed(stack: JobStack, vendor: Vendor) -> None:
    """C3: a named error with every attempt."""
    vendor.fails = down("small", "small-elsewhere", "tiny", "middle", "strong")
    status, reply = chat()
    assert (status, reply["error"]["code"]) == (502, "all_models_failed")
    for model in ("small", "middle", "strong"):
        assert f"{model}: provider_unavailable" in reply["error"]["message"]


def test_what_another_model_cannot_cure_does_not_burn_the_chain(stack: JobStack, vendor: Vendor) -> None:
    """A rejected request is told after one call; a refused key spares the provider's other models."""
    vendor.fails = lambda model: ProviderRejectedError("bad parameter", provider="p", model=model, status=400)
    status, reply = chat()
    assert (status, reply["error"]["code"], len(vendor.calls)) == (400, "provider_rejected", 1)
    vendor.calls.clear()

    def unauthorized(model: str) -> ProviderError | None:
        fast = model in ("small", "tiny", "middle")
        return ModelUnavailableError("wrong key", provider="fast", model=model, status=401) if fast else None

    vendor.fails = unauthorized
    status, reply = chat("And in Paris?")
    assert status == 200
    assert len({model for model in vendor.models if model in ("small", "tiny", "middle")}) == 1


def test_quota_that_is_gone_moves_the_call_up_and_then_says_when_to_come_back(stack: JobStack, vendor: Vendor) -> None:
    """Waiting for capacity beyond some seconds is the caller's to decide: 429 with a Retry-After that is true."""
    ledger = parts.ledger()

    def spend(*models: str) -> None:
        for model in models:
            account = ledger.account(model)
            capacity = account.limiters["tpm"].capacity
            ledger.book(account, {"tpm": capacity}, ledger.clock.now_ms() + 999)

    long = {"messages": [{"role": "user", "content": "x " * 30_000}], "max_tokens": 3900}
    spend("small", "small-elsewhere")
    assert post("chat/completions", long)[1]["model"] == "middle"
    spend("strong")
    ledger.book(ledger.account("middle"), {"tpm": 50_000}, ledger.clock.now_ms() + 999)
    vendor.calls.clear()
    status, told, headers = post("chat/completions", long)
    assert (status, told["error"]["code"], vendor.calls) == (429, "pool_busy", [])
    assert 1 <= int(headers["Retry-After"]) <= 60


SCHEMA = {
    "type": "json_schema",
    "json_schema": {
        "name": "city",
        "schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def test_output_that_breaks_its_schema_goes_one_tier_up_and_is_kept(stack: JobStack, vendor: Vendor) -> None:
    """D5: repaired once in vain, the call goes up; the caller gets JSON, and the failed outputs lie in the bucket."""
    vendor.texts = dict.fromkeys(("small", "small-elsewhere", "tiny"), "It is Berlin.") | {
        "middle": '{"city": "Berlin"}'
    }
    status, reply = chat(response_format=SCHEMA)
    assert (status, reply["model"]) == (200, "middle")
    assert json.loads(reply["choices"][0]["message"]["content"]) == {"city": "Berlin"}
    first, second, third = vendor.models
    assert (first, third, reply["rota"]["escalated_from"]) == (second, "middle", 1)
    assert vendor.calls[1][1].history[-1].text == "It is Berlin."
    kept = [stack.bucket.read_json(key) for key in stack.keys_under("calls/")]
    assert [(one["outcome"], one["text"]) for one in kept] == [("invalid_output", "It is Berlin.")] * 2
    assert parts.outcomes().get(reply["rota"]["decision"], "ada")["escalated"] is True


def test_i_do_not_know_goes_one_tier_up_unless_nobody_is_above(stack: JobStack, vendor: Vendor) -> None:
    """D3 without a model: the strongest may say so."""
    vendor.texts = dict.fromkeys(("small", "small-elsewhere", "tiny", "middle"), "I'm sorry, but I don't know.")
    _, reply = chat()
    assert (reply["model"], reply["rota"]["escalated_from"]) == ("strong", 2)
    vendor.texts["strong"] = "I don't know."
    status, told = chat("Who will win in 2090?")
    assert (status, told["model"], told["choices"][0]["message"]["content"]) == (200, "strong", "I don't know.")


def test_a_spot_check_by_another_model_sends_it_up(
    stack: JobStack, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """D3: sampled, by a model that did not write it; a check that finds nothing lets the answer pass."""
    use(monkeypatch, checks=JUDGE["checks"])
    _, good = chat()
    assert good["rota"]["escalated_from"] is None
    assert vendor.models[1] in ("middle", "strong")
    vendor.verdict, vendor.calls = "hallucination", []
    _, reply = chat("How many people live in Berlin?")
    assert (reply["model"], reply["rota"]["escalated_from"]) == ("strong", 2)
    assert reply["rota"]["attempts"][0]["code"] == "doubtful_output"


def test_a_small_model_decides_and_rules_stand_in_for_it(
    stack: JobStack, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """D1 and D2: its level; one up when it is unsure; the rules when it fails; not asked when the tier is given."""
    use(monkeypatch, routing=JUDGE["routing"])
    vendor.level = {"level": "complex", "confidence": 0.9}
    _, reply = chat()
    assert (reply["model"], reply["rota"]["level"], reply["rota"]["signals"]) == ("strong", "complex", {"model": 0.85})
    assert vendor.calls[0][1].json_schema is not None
    assert "business impact" in vendor.calls[0][1].prompt.lower()
    vendor.level = {"level": "simple", "confidence": 0.5}
    assert chat("And now?")[1]["rota"]["model_tier"] == 2
    vendor.level = {"level": "dreadful"}
    assert chat("And then?")[1]["rota"]["level"] == "simple"
    vendor.calls.clear()
    chat("Really?", model="strong")
    assert vendor.models == ["strong"]


def test_asking_again_goes_one_tier_up_and_is_held_against_the_first_answer(stack: JobStack, vendor: Vendor) -> None:
    """D4: in other words, or with words of frustration; a new question is a new question."""
    _, first = chat("How many people live in the city of Berlin today?")
    _, second = chat("How many people live in the city of Berlin nowadays?")
    assert first["rota"]["model_tier"] == 1
    assert (second["rota"]["model_tier"], second["rota"]["asked_again"]) == (2, "rephrased")
    assert parts.outcomes().get(first["rota"]["decision"], "ada")["feedback"] == {"rephrased": "bad"}
    _, third = chat("That's wrong.")
    assert (third["rota"]["model_tier"], third["rota"]["asked_again"]) == (3, "frustrated")
    _, other = chat("Translate 'good morning' into Spanish.")
    assert (other["rota"]["model_tier"], other["rota"].get("asked_again")) == (1, None)
    _, strangers = chat("How many people live in the city of Berlin nowadays?", context={"owner": "bob"})
    assert strangers["rota"]["model_tier"] == 1


def test_feedback_is_stored_once_with_its_decision(stack: JobStack) -> None:
    """Another owner's decision does not exist; the second word of the same user does not count."""
    decision = chat()[1]["rota"]["decision"]
    path = f"decisions/{decision}/feedback"
    assert post(path, {"rating": "bad"})[1] == {"decision": decision, "rating": "bad", "recorded": True}
    assert post(path, {"rating": "good"})[1]["recorded"] is False
    assert post(path, {"rating": "good"}, owner="bob")[0] == 404
    assert post(path, {"rating": "fine"})[1]["error"]["field"] == "rating"
    assert post(path, {"rating": "bad", "retry": True})[1]["error"]["field"] == "retry"
    assert parts.outcomes().get(decision, "ada")["feedback"] == {"user": "bad"}


def test_an_experiment_is_counted_by_arm(stack: JobStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """C5: assignment by user, outcomes by arm, results with intervals; ratings count, too."""
    arms = [{"name": "old", "percent": 50}, {"name": "new", "percent": 50, "use": {"model": "strong"}}]
    use(monkeypatch, experiments={"trial": {"subject": "user", "arms": arms}}, routing={"default": {"tier": 1}})
    replies = [chat("What is a quota?", context={"owner": f"user-{at}"}) for at in range(12)]
    assert all(status == 200 for status, _ in replies)
    strong = [reply for _, reply in replies if reply["model"] == "strong"]
    assert 0 < len(strong) < 12
    assert {reply["rota"]["experiment"] for reply in strong} == {"trial:new"}
    owner = next(f"user-{at}" for at, (_, reply) in enumerate(replies) if reply["model"] == "strong")
    post(f"decisions/{strong[0]['rota']['decision']}/feedback", {"rating": "bad"}, owner=owner)
    _, shown, _ = post("experiments", None, "GET")
    (trial,) = shown["experiments"]
    old, new = trial["arms"]
    assert (new["calls"], new["ok"], new["rated_bad"], old["calls"]) == (len(strong), len(strong), 1, 12 - len(strong))
    assert new["success_interval"][1] == 1.0
    assert "difference_interval" in new


def test_a_spent_budget_refuses_before_anything_is_called(
    stack: JobStack, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """D11: by user, by feature, and the key's own; the usage view shows where they stand."""
    use(
        monkeypatch,
        budgets=[{"per": "feature", "name": "search", "month_usd": 0.00065}],
        routing={"default": {"tier": 1}},
    )
    searching = {"metadata": {"feature": "search"}, "model": "small", "max_tokens": 2000}
    assert chat(**searching)[0] == 200
    statuses = [chat(f"Question {at}?", **searching)[0] for at in range(30)]
    assert 402 in statuses
    calls = len(vendor.calls)
    status, refused = chat("One more?", **searching)
    assert (status, refused["error"]["code"]) == (402, "budget_spent")
    assert "feature search" in refused["error"]["message"]
    assert len(vendor.calls) == calls
    assert chat("Elsewhere?")[0] == 200
    assert chat("Mine?", context={"budget_usd": "0.0000001"})[0] == 402
    _, usage, _ = post("usage", None, "GET", budget_usd="0.5")
    assert usage["by_feature"]["search"]["calls"] == calls
    assert usage["total"]["cost_usd"] > 0
    assert [(budget["budget"], budget["limit_usd"]) for budget in usage["budgets"]] == [("user ada", 0.5)]


def test_a_decision_is_explained_without_a_call(stack: JobStack, vendor: Vendor) -> None:
    """Score, tier, candidates, when each could start, what it would cost; nothing is booked."""
    status, told, _ = post("route", {"text": "What time is it?", "business_impact": "high", "error_tolerance": "low"})
    assert (status, told["tier"], told["candidates"], vendor.calls) == (200, 3, ["strong"], [])
    assert {model["id"] for model in told["models"]} == {"small", "small-elsewhere", "tiny", "middle", "strong"}
    assert all(model["start_ms"] and model["most_usd"] > 0 for model in told["models"])
    assert any("depends on it" in sentence for sentence in told["why"])
    assert parts.ledger().account("strong").version == 0
    assert post("route", {"text": ""})[1]["error"]["field"] == "text"
    assert post("route", {"text": "x", "task": "cooking"})[1]["error"]["field"] == "task"
    assert post("route", {"text": "x", "model": "gone"})[1]["error"]["field"] == "model"


def test_every_example_pool_is_valid(stack: JobStack) -> None:
    """What the documentation shows can be used."""
    from rota.catalog_file import load_catalog

    for path in sorted(Path(REPOSITORY / "examples").glob("*.yaml")):
        assert load_catalog(path).models
