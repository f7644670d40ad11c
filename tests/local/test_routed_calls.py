"""Every routing strategy on the deployed stack, with the faults that trigger it, through OpenAI's own client."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from deployed_stack import DeployedStack

from rota.schemas import UserTier

SIMPLE = "What is the capital of Norway?"
COMPLEX = "Prove that the schedule below is optimal, and derive the trade-offs of a concurrent variant."


@pytest.fixture
def stack(routed: DeployedStack) -> Iterator[DeployedStack]:
    """Faults end with their test, and breakers with theirs: a blocked model would change the next test."""
    yield routed
    routed.simulated.clear_faults()
    routed.close_breakers()


class Client:
    """OpenAI's client with a key of its own owner."""

    def __init__(self, stack: DeployedStack, owner: str | None = None, tier: UserTier = "free") -> None:
        self.stack = stack
        self.key = stack.new_key(owner, tier=tier)
        self.openai = openai.OpenAI(base_url=f"{stack.api_url}/v1", api_key=self.key, max_retries=0, timeout=35)

    def chat(self, text: str = SIMPLE, feature: str = "chat", model: str = "auto", **options: Any) -> Any:
        """One chat; `metadata` by name beside the feature."""
        metadata = {"feature": feature, **options.pop("metadata", {})}
        messages: Any = [{"role": "user", "content": text}]
        return self.openai.chat.completions.create(model=model, messages=messages, metadata=metadata, **options)

    def close(self) -> None:
        """Close its connections."""
        self.openai.close()


@pytest.fixture
def client(stack: DeployedStack) -> Iterator[Client]:
    """A client of an owner that nobody else is."""
    client = Client(stack)
    yield client
    client.close()


def rota(reply: Any) -> dict[str, Any]:
    """How a reply came about."""
    return dict(reply.model_extra["rota"])


def test_a_small_model_decides_between_tiers(client: Client) -> None:
    """C1, C6, D1: no model is named; the classifier's level, the reason and the cost are in reply and log."""
    simple, hard = rota(client.chat()), rota(client.chat(COMPLEX))
    assert (simple["rule"], simple["level"], simple["model_tier"]) == ("default", "simple", 1)
    assert (hard["level"], hard["model"], hard["signals"]) == ("complex", "strong", {"model": 0.85})
    assert 0 < simple["cost_usd"] < hard["cost_usd"]
    lines = client.stack.log_lines("serve_api", event="model_call", decision=hard["decision"])
    assert [(line["task"], line["outcome"]) for line in lines] == [("classification", "ok"), ("chat", "ok")]


def test_rules_go_by_the_keys_tier_the_value_and_the_task(stack: DeployedStack, client: Client) -> None:
    """C2, C4, C7."""
    firm = Client(stack, tier="enterprise")
    assert rota(firm.chat(metadata={"value": "high"}))["rule"] == "rule:dear"
    assert rota(firm.chat(metadata={"value": "high"}))["model"] == "strong"
    assert rota(client.chat(metadata={"value": "high"}))["rule"] == "default"
    translated = rota(client.chat("Good morning", metadata={"task": "translation"}))
    assert (translated["rule"], translated["model"]) == ("rule:translations", "small-elsewhere")
    firm.close()


@pytest.mark.parametrize(("pool", "model"), [("cheapest", "small"), ("weighted", "middle"), ("best", "middle")])
def test_the_order_of_a_pool_is_its_strategy(client: Client, pool: str, model: str) -> None:
    """B8, C7: by cost ÷ TPM, by weight, by price among those that can start now."""
    assert client.chat(model=pool).model == model


def test_the_fastest_is_the_one_whose_calls_were(stack: DeployedStack, client: Client) -> None:
    """B8: a slow-down of one model moves the pool's calls to another, as the ledger learns of it."""
    for model in ("small", "middle", "strong"):
        stack.simulated.change(model, latency={"base_ms": {"small": 1500, "middle": 60, "strong": 900}[model]})
        for _ in range(2):
            client.chat(model=model, max_tokens=60)
    try:
        assert stack.eventually(lambda: client.chat(model="fastest", max_tokens=60).model == "middle", timeout_s=30)
    finally:
        for model in ("small", "middle", "strong"):
            stack.simulated.change(model, latency={"base_ms": 150})


def test_the_other_host_of_a_model_comes_first_and_then_the_next_tier(stack: DeployedStack, client: Client) -> None:
    """A4, C3, D8, D12: Groq is down, then Together too; later calls find the breakers open and lose no time."""
    stack.simulated.fault("outage", "small")
    first = rota(client.chat(feature="hosts"))
    assert (first["model"], first["fallback_from"], first["fallback_used"]) == ("small-elsewhere", "small", True)
    stack.simulated.fault("outage", "small-elsewhere")
    second = rota(client.chat("And of Sweden?", feature="hosts"))
    assert (second["model"], second["model_tier"]) == ("middle", 2)
    third = rota(client.chat("And of Denmark?", feature="hosts"))
    assert (third["model"], third["attempts"]) == ("middle", [])
    stack.simulated.clear_faults()
    assert stack.eventually(lambda: client.chat("And of Iceland?", feature="hosts").model == "small", timeout_s=40)


def test_a_refusal_moves_the_call(stack: DeployedStack, client: Client) -> None:
    """A4: somebody else spent the quota; the call goes to the other model and nobody sees an error."""
    stack.simulated.fault("rate_limit", "small", count=1)
    reply = rota(client.chat(feature="hosts"))
    assert (reply["model"], reply["attempts"][0]["code"]) == ("small-elsewhere", "rate_limited")


def test_a_rejected_request_does_not_burn_the_chain(stack: DeployedStack, client: Client) -> None:
    """C3: one call, and an error that names the provider's reason."""
    before = sum(model["calls"] for model in stack.simulated.stats().values())
    stack.simulated.fault("error", status=400)
    with pytest.raises(openai.BadRequestError) as error:
        client.chat(feature="hosts")
    assert error.value.code == "provider_rejected"
    assert sum(model["calls"] for model in stack.simulated.stats().values()) == before + 1


def test_everything_down_is_one_error_that_says_so(stack: DeployedStack, client: Client) -> None:
    """C3: every attempt is named."""
    stack.simulated.fault("outage")
    with pytest.raises(openai.InternalServerError) as error:
        client.chat(feature="hosts")
    assert error.value.code == "all_models_failed"
    assert "small-elsewhere: provider_unavailable" in str(error.value)


SCHEMA: Any = {
    "type": "json_schema",
    "json_schema": {
        "name": "city",
        "schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def test_output_that_breaks_its_schema_goes_one_tier_up_and_is_kept(stack: DeployedStack, client: Client) -> None:
    """D5: the caller gets JSON; what failed lies in the bucket, for whoever improves the router."""
    for model in ("small", "small-elsewhere"):
        stack.simulated.fault("schema_break", model)
    reply = client.chat(feature="hosts", response_format=SCHEMA)
    assert "city" in json.loads(reply.choices[0].message.content)
    assert (reply.model, rota(reply)["escalated_from"]) == ("middle", 1)
    decision = rota(reply)["decision"]
    kept = json.loads(stack.wait_for_object(f"calls/{decision[:6]}/{decision}-1.json", timeout_s=10))
    assert (kept["outcome"], "prose" in kept["text"]) == ("invalid_output", True)


def test_i_do_not_know_and_hallucinations_go_one_tier_up(stack: DeployedStack, client: Client) -> None:
    """D3: the first by its words, the second because another model read it again."""
    for model in ("small", "small-elsewhere"):
        stack.simulated.fault("doubt", model)
    assert rota(client.chat("Who won in 1954?", feature="hosts"))["escalated_from"] == 1
    stack.simulated.clear_faults()
    good = rota(client.chat("Name a fruit that is red.", feature="checks"))
    assert (good["model_tier"], good["escalated_from"]) == (1, None)
    for model in ("small", "small-elsewhere"):
        stack.simulated.fault("hallucinate", model)
    checked = rota(client.chat("How much was it?", feature="checks"))
    assert (checked["model_tier"], checked["escalated_from"]) == (2, 1)
    assert checked["attempts"][0]["code"] == "doubtful_output"


def test_asking_again_goes_one_tier_up(stack: DeployedStack, client: Client) -> None:
    """D4: a question in other words, and words of frustration; the first answers are marked for the router's sake."""
    first = rota(client.chat("Which of the two harbours is the larger one in Norway?"))
    again = rota(client.chat("Which one of the two harbours in Norway is larger now?"))
    assert (first["model_tier"], again["model_tier"], again["asked_again"]) == (1, 2, "rephrased")
    cross = rota(client.chat("That's wrong."))
    assert (cross["model_tier"], cross["asked_again"]) == (3, "frustrated")
    reply = stack.api("POST", f"decisions/{again['decision']}/feedback", {"rating": "bad"}, key=client.key)
    assert reply.body["recorded"] is True
    assert stack.api("POST", f"decisions/{again['decision']}/feedback", {"rating": "bad"}).status == 404


def test_an_experiment_divides_users_and_reports_its_arms(stack: DeployedStack) -> None:
    """C5: the same arm for the same user, outcomes by arm with intervals."""
    for at in range(6):
        client = Client(stack, f"subject-{at}")
        names = {rota(client.chat(f"{SIMPLE} {word}", feature="trial"))["experiment"] for word in ("Now", "Please")}
        assert len(names) == 1
        client.close()
    (trial,) = stack.api("GET", "experiments").body["experiments"]
    assert sum(arm["calls"] for arm in trial["arms"]) == 12
    assert all(arm["calls"] == 0 or arm["success_interval"][0] > 0 for arm in trial["arms"])


def test_a_spent_budget_refuses_and_the_usage_says_where_the_money_went(stack: DeployedStack, client: Client) -> None:
    """D11: by feature, query type and model; never more than the budget."""

    def ask_on() -> None:
        for at in range(20):
            client.chat(f"What is {at} times {at}?", feature="budget", max_tokens=900)

    with pytest.raises(openai.APIStatusError) as error:
        ask_on()
    assert (error.value.status_code, error.value.code) == (402, "budget_spent")
    usage = stack.api("GET", "usage", key=client.key).body
    assert 0 < usage["by_feature"]["budget"]["cost_usd"] <= 0.0004
    assert usage["by_query_type"]["chat"]["calls"] >= 1


def test_long_conversations_move_to_models_that_hold_them(client: Client) -> None:
    """D10: 40,000 tokens fit no model of the lowest tier, though the question is simple."""
    reply = rota(client.chat(f"{'word ' * 26_000}\n\nWhat is the first word?", feature="hosts", max_tokens=50))
    assert reply["model_tier"] == 2
    assert set(reply["left_out"]) == {"small", "small-elsewhere"}


def test_a_decision_is_explained_without_a_call(stack: DeployedStack, client: Client) -> None:
    """What would be done, and nothing spent."""
    before = {name: model["calls"] for name, model in stack.simulated.stats().items()}
    told = stack.api("POST", "route", {"text": COMPLEX, "error_tolerance": "low"}, key=client.key).body
    assert told["candidates"]
    assert told["why"]
    assert told["classifier"] == "model"
    assert {name: model["calls"] for name, model in stack.simulated.stats().items()} == before


def test_a_jobs_options_route_its_steps_and_feedback_asks_again_one_tier_up(
    stack: DeployedStack, client: Client
) -> None:
    """C7, D4: the answer's tier by option; a bad rating with retry starts the job anew, its answer one tier up."""
    texts = {"lease.md": "The lease ends in 2027. The rent is 900 euros a month."}
    job_id = stack.start_job("When does the lease end?", texts, key=client.key, answer_tier=1, feature="leases")
    job = stack.wait_for_job(job_id, key=client.key)
    assert (job["status"], job["tier"]) == ("done", 1)
    reply = stack.api("POST", f"jobs/{job_id}/feedback", {"rating": "bad", "retry": True}, key=client.key)
    again = stack.wait_for_job(reply.body["retry"]["job_id"], key=client.key)
    assert (reply.body["recorded"], again["status"], again["tier"]) == (True, "done", 2)
    usage = stack.api("GET", "usage", key=client.key).body
    assert set(usage["by_query_type"]) >= {"plan", "summarize", "answer"}
    assert set(usage["by_feature"]) == {"leases"}


def test_complex_code_goes_to_the_stronger_pool(stack: DeployedStack, client: Client) -> None:
    """A2: ten files that import each other against prose; the rule's condition is the batch's measured complexity."""
    names = [f"app/part{at}.py" for at in range(10)]
    body = "\n".join(f"def work_{at}(x):\n    return x * {at}\n" for at in range(40))
    code = {
        name: "".join(f"from app import part{other}\n" for other in range(10) if other != at) + body
        for at, name in enumerate(names)
    }
    job_id = stack.start_job("What does it do?", code, key=client.key)
    assert stack.wait_for_job(job_id, key=client.key)["status"] == "done"
    prose = stack.start_job("What is it about?", {"a.md": "A lease. " * 300}, key=client.key)
    assert stack.wait_for_job(prose, key=client.key)["status"] == "done"
    hard = stack.log_lines("summarize_batch", event="model_call", job=job_id)
    easy = stack.log_lines("summarize_batch", event="model_call", job=prose)
    assert {line["rule"] for line in easy} == {"step"}
    assert "rule:complex-code" in {line["rule"] for line in hard}
