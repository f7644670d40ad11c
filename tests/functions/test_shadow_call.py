"""ShadowCall on its sample events, and how calls get there; the vendor is scripted, everything else is real (moto)."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError
from pydantic import ValidationError

from functions import call_watcher, parts
from functions.call_watcher import CallWatcher
from functions.shadow_call.handler import handle
from rota.calls import Finished
from rota.catalog import Catalog
from rota.catalog_file import load_catalog
from rota.errors import ProviderError, ProviderRejectedError, ProviderUnavailableError, RateLimitedError
from rota.outcomes.months import month_of
from rota.policy import Budget, Shadow
from rota.providers.base import Completion, ModelCall, Turn
from rota.routing.request import ModelRequest, Stakes
from rota.tickets import queue
from rota.usage import Usage
from tests.fixtures.job_stack import REPOSITORY, Context, JobStack, job_stack

EVENTS = REPOSITORY / "events" / "shadow_call"
CANDIDATE = "nova-lite"
ANSWER = "- The lease ends in 2028 [1]."


class LongContext(Context):
    """Enough time for any call."""

    def get_remaining_time_in_millis(self) -> int:
        """Five minutes."""
        return 300_000


class Vendor:
    """Answers with `text`, or fails with `error`; remembers who was called with what."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, ModelCall]] = []
        self.text = ANSWER
        self.error: ProviderError | None = None

    def prepare(self, timeout_s: float) -> None:
        """Nothing to prepare."""

    def complete(self, model: str, vendor_model: str, call: ModelCall, timeout_s: float) -> Completion:
        """One answer of 900 + 60 tokens."""
        self.calls.append((model, call))
        if self.error:
            raise self.error
        return Completion(self.text, Usage(900, 60), "end", 250)


class Lambda:
    """Takes invocations once it is `open`; `refusal` is what it says otherwise."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.taken: list[dict[str, Any]] = []
        self.refusal = ""

    def invoke(self, **invocation: Any) -> None:
        """As boto3's client."""
        assert self.open.wait(10)
        if self.refusal:
            raise ClientError({"Error": {"Code": self.refusal, "Message": "no"}}, "Invoke")
        self.taken.append(invocation)


@pytest.fixture
def vendor() -> Vendor:
    """Stands where a paid service would."""
    return Vendor()


@pytest.fixture
def stack(vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> Iterator[JobStack]:
    """Tables, and the default pool."""
    with job_stack() as stack:
        monkeypatch.setattr(parts, "provider", lambda name: vendor)
        yield stack


@pytest.fixture
def functions(monkeypatch: pytest.MonkeyPatch) -> Lambda:
    """Stands where Lambda would."""
    functions = Lambda()
    monkeypatch.setattr(parts, "lambda_client", lambda: functions)
    return functions


def use(monkeypatch: pytest.MonkeyPatch, **policy: Any) -> Catalog:
    """The default pool with another policy."""
    catalog = load_catalog(REPOSITORY / "rota.yaml").model_copy(update=policy)
    for each in (parts.ledger, parts.budgets):
        each.cache_clear()
    monkeypatch.setattr(parts, "catalog", lambda: catalog)
    return catalog


def run(name: str = "notes") -> dict[str, Any]:
    """Hand a sample event to the function; the line that it answers with."""
    event = json.loads((EVENTS / f"{name}.json").read_text("utf-8"))
    return dict(json.loads(json.dumps(handle(event, LongContext()))))


def lines(stack: JobStack, event: str) -> list[dict[str, Any]]:
    """Log lines of a kind."""
    found = [json.loads(line) for line in stack.log.getvalue().splitlines()]
    return [line for line in found if line.get("event") == event]


def booked() -> int:
    """Tokens of the candidate's quota that are taken."""
    ledger = parts.ledger()
    return ledger.account(CANDIDATE).used("tpm", ledger.clock.now_ms() + 1_000)


def expected(line: Mapping[str, Any], outcome: str) -> bool:
    """Whether the line says that there was nothing to compare."""
    nothing = ("latency_ms", "cost_usd", "output_tokens", "valid", "similarity")
    return line["outcome"] == outcome and [line[name] for name in nothing] == [None] * len(nothing)


def test_a_candidate_is_compared(stack: JobStack, vendor: Vendor) -> None:
    """One call of exactly that model with the primary's prompt, booked and settled; the line has both sides."""
    line = run()
    ((model, call),) = vendor.calls
    assert (model, call.system, call.max_output_tokens) == (CANDIDATE, "You take notes on documents.", 500)
    assert line == {
        "event": "shadow_call",
        "decision": "d-512d0000000000aa",
        "task": "summarize",
        "candidate": CANDIDATE,
        "primary": "nova-micro",
        "outcome": "ok",
        "latency_ms": 250,
        "primary_latency_ms": 640,
        "cost_usd": pytest.approx(900 * 0.06e-6 + 60 * 0.24e-6),
        "primary_cost_usd": pytest.approx(33.46e-6),
        "output_tokens": 60,
        "primary_output_tokens": 14,
        "valid": None,
        "similarity": pytest.approx(10 / 12, abs=1e-4),
    }
    (logged,) = lines(stack, "shadow_call")
    assert {name: value for name, value in line.items() if value is not None}.items() <= logged.items()
    assert "valid" not in logged  # so that queries count only what there is
    assert booked() == 960
    assert "lease" not in stack.log.getvalue()


def test_a_shadow_is_charged_to_rota(stack: JobStack) -> None:
    """Counters and the call's own line name neither the user nor the feature that the request was for."""
    run()
    month = month_of(parts.ledger().clock.now_ms())
    ((key, totals),) = parts.usage_counters().of_all(month)
    assert (key.user, key.feature, key.query_type, key.model) == ("rota", "shadow", "summarize", CANDIDATE)
    assert (totals.calls, totals.output_tokens) == (1, 60)
    (line,) = lines(stack, "model_call")
    assert (line["user"], line["feature"], line.get("job"), line["rule"]) == ("rota", "shadow", None, "asked")
    assert line["decision"] == "d-512d0000000000aa"


@pytest.mark.parametrize(
    ("text", "valid", "similarity"),
    [
        ('{"year": 2027}', True, 1),
        ('```json\n{"year": 2027}\n```', True, 0.8),
        ('{"year": "2027"}', False, 1),
        ("2027", False, 2 / 3),
    ],
)
def test_json_is_looked_at(stack: JobStack, vendor: Vendor, text: str, valid: bool, similarity: float) -> None:
    """Where the call asked for a schema; an answer that does not conform is an answer. The conversation is the same."""
    vendor.text = text
    line = run("conversation_with_schema")
    assert (line["outcome"], line["valid"]) == ("ok", valid)
    assert line["similarity"] == pytest.approx(similarity, abs=1e-4)
    ((_, call),) = vendor.calls
    assert call.turns[:2] == (Turn("user", "What is the rent?"), Turn("assistant", "900 euros a month."))
    assert call.json_schema is not None


def test_without_spare_quota_nothing_is_booked(stack: JobStack, vendor: Vendor) -> None:
    """The candidate's quota is spent for the minute: skipped at once."""
    ledger = parts.ledger()
    ledger.book(ledger.account(CANDIDATE), {"tpm": 100_000}, ledger.clock.now_ms() + 999)
    before = ledger.account(CANDIDATE)
    assert expected(run(), "skipped")
    assert (vendor.calls, lines(stack, "model_call")) == ([], [])
    assert ledger.account(CANDIDATE) == before


def test_room_is_left_to_those_who_queue(stack: JobStack, vendor: Vendor) -> None:
    """A ticket is out: what opens meanwhile is its holder's."""
    ledger = parts.ledger()
    account, now_ms = ledger.account(CANDIDATE), ledger.clock.now_ms()
    assert ledger.queue(queue(account, {"tpm": 50_000}, {"tpm": 50_000}, now_ms, 0)) is not None
    assert ledger.account(CANDIDATE).tail_ms > now_ms + 20_000
    assert expected(run(), "skipped")
    assert vendor.calls == []


def test_a_call_that_the_candidate_cannot_take_is_skipped(stack: JobStack, vendor: Vendor) -> None:
    """Larger than what it is given at once."""
    event = json.loads((EVENTS / "notes.json").read_text("utf-8")) | {"input_tokens": 2_000_000}
    assert expected(handle(event, LongContext()), "skipped")
    assert vendor.calls == []


def test_a_spent_budget_stops_shadows(stack: JobStack, vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    """The feature `shadow` can be given one; what was booked goes back."""
    use(monkeypatch, budgets=(Budget(per="feature", name="shadow", month_usd=0.0001),))
    assert expected(run(), "skipped")
    assert (vendor.calls, booked()) == ([], 0)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (ProviderUnavailableError("503", provider="bedrock", model=CANDIDATE, status=503), "provider_unavailable"),
        (ProviderRejectedError("400", provider="bedrock", model=CANDIDATE, status=400), "provider_rejected"),
        (RateLimitedError("over", provider="bedrock", model=CANDIDATE, retry_after_s=0), "rate_limited"),
    ],
)
def test_a_failure_is_recorded_and_not_raised(
    stack: JobStack, vendor: Vendor, error: ProviderError, outcome: str
) -> None:
    """Once, also where the vendor would take it again at once; it counts against the candidate."""
    vendor.error = error
    line = run()
    assert (line["outcome"], line["cost_usd"], line["output_tokens"], line["similarity"]) == (outcome, 0, 0, None)
    assert line["latency_ms"] is not None
    assert len(vendor.calls) == len(lines(stack, "model_call")) == 1
    assert booked() == 0


def test_a_broken_event_is_told_without_its_texts(stack: JobStack) -> None:
    """The error names the place; it ends up in the log."""
    event = json.loads((EVENTS / "notes.json").read_text("utf-8"))
    for broken in (event | {"task": "baking"}, event | {"primary": {**event["primary"], "latency_ms": "long"}}):
        with pytest.raises(ValidationError, match=r"task|primary\.latency_ms") as caught:
            handle(broken, LongContext())
        assert "lease" not in str(caught.value)


def test_an_answer_is_handed_over_and_compared(
    stack: JobStack, vendor: Vendor, functions: Lambda, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the answer of one function to the line of the other, through what is sent; nobody waits for it."""
    use(monkeypatch, shadows=(Shadow(model=CANDIDATE, percent=100), Shadow(model="nova-micro", percent=100)))
    monkeypatch.setenv("ROTA_SHADOW_FUNCTION", "rota-test-shadow_call")
    parts.settings.cache_clear()
    watcher = CallWatcher("ada", "chat", "d-512d0000000000cc", "calls/")
    request = ModelRequest(
        "chat", "", 900, 500, model="nova-micro", stakes=Stakes("ada", feature="chat"), subjects={"request": "r"}
    )
    call = ModelCall("", "When does the lease end?", 500, 0.7, None, (Turn("user", "Hello"), Turn("assistant", "Hi")))
    finished = parts.gateway(watcher).run(request, call, str, lambda: 300_000)
    assert isinstance(finished, Finished)
    assert functions.taken == []
    functions.open.set()
    watcher.finish()
    (invocation,) = functions.taken
    assert (invocation["FunctionName"], invocation["InvocationType"]) == ("rota-test-shadow_call", "Event")
    vendor.text = "In 2028."
    line = handle(json.loads(invocation["Payload"]), LongContext())
    (primary, first), (candidate, second) = vendor.calls
    assert (primary, candidate, first) == ("nova-micro", CANDIDATE, second)
    assert (line["decision"], line["primary"], line["candidate"]) == ("d-512d0000000000cc", primary, candidate)
    assert line["primary_cost_usd"] == finished.record.cost_nanousd / 1e9
    assert line["similarity"] == pytest.approx(2 * 2 / 8, abs=1e-4)
    assert "lease" not in stack.log.getvalue()


def test_what_is_too_large_to_hand_over_is_told(
    stack: JobStack, vendor: Vendor, functions: Lambda, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lambda takes no more; the answer stands."""
    use(monkeypatch, shadows=(Shadow(model=CANDIDATE, percent=100),))
    watcher = CallWatcher("ada", "chat", "d-512d0000000000cc", "calls/")
    call = ModelCall("", "x" * call_watcher.MOST_HANDED_OVER, 500)
    request = ModelRequest("chat", "", 60_000, 500, model="nova-micro", subjects={"request": "r"})
    assert isinstance(parts.gateway(watcher).run(request, call, str, lambda: 300_000), Finished)
    watcher.finish()
    assert functions.taken == []
    (line,) = lines(stack, "shadow_skipped")
    assert (line["model"], line["why"]) == (CANDIDATE, "too large")


def test_what_lambda_refuses_is_told(
    stack: JobStack, vendor: Vendor, functions: Lambda, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And is no failure of the request."""
    use(monkeypatch, shadows=(Shadow(model=CANDIDATE, percent=100),))
    functions.refusal = "TooManyRequestsException"
    functions.open.set()
    watcher = CallWatcher("ada", "chat", "d-512d0000000000cc", "calls/")
    request = ModelRequest("chat", "", 900, 500, model="nova-micro", subjects={"request": "r"})
    finished = parts.gateway(watcher).run(request, ModelCall("", "Hi", 500), str, lambda: 300_000)
    assert isinstance(finished, Finished)
    watcher.finish()
    (line,) = lines(stack, "shadow_skipped")
    assert line["why"] == "TooManyRequestsException"


def test_every_sample_event_is_run_here() -> None:
    """A new file in events/ without a test fails this one."""
    source = (REPOSITORY / "tests" / "functions" / "test_shadow_call.py").read_text("utf-8")
    files = [file.stem for file in EVENTS.glob("*.json")]
    assert files
    assert [name for name in files if f'"{name}"' not in source] == []
