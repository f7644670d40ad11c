"""Quotas of the deployed stack: found at the vendors, set by hand; IAM is enforced and every wire is real."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from deployed_stack import DeployedStack

from cli import deployment
from cli.main import main

SYNCED, BY_HAND = "nova-lite", "nova-micro"
QUESTION = "What did the repair cost?"
TEXTS = {
    f"{n}.md": f"# Chapter {n}\n\n" + " ".join(f"The repair of machine {n}-{i} cost {i} euros." for i in range(150))
    for n in range(3)
}


def limits(amount: int) -> list[dict[str, Any]]:
    """A simulated Bedrock model's quota."""
    return [{"kind": "tpm", "amount": amount, "algorithm": "sliding_window"}]


def shown(stack: DeployedStack, model: str) -> dict[str, Any]:
    """A model as GET /v1/models shows it."""
    data = stack.api("GET", "models").body["data"]
    return dict(next(each for each in data if each["id"] == model))


@pytest.fixture
def rota(
    stack: DeployedStack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[DeployedStack]:
    """The stack as `rota models …` finds it; its quotas are those of rota.yaml again afterwards."""
    monkeypatch.setattr(deployment, "load", lambda _: stack.state)
    yield stack
    stack.simulated.change(SYNCED, limits=limits(100_000))
    stack.simulated.change(BY_HAND, limits=limits(100_000))
    assert main(["models", "set", BY_HAND, "--tpm", "default", "--enable"]) == 0
    assert main(["models", "sync"]) == 0
    for model in (SYNCED, BY_HAND):
        [tpm] = shown(stack, model)["limits"]
        assert (tpm["configured"], tpm["set_by_hand"]) == (100_000, None)
        assert tpm["found"] in (None, 100_000)


def sync(capsys: pytest.CaptureFixture[str]) -> dict[tuple[str, str], dict[str, Any]]:
    """`rota models sync --json`, by model and kind."""
    capsys.readouterr()
    assert main(["models", "sync", "--json"]) == 0
    return {(quota["model"], quota["kind"]): quota for quota in json.loads(capsys.readouterr().out)["quotas"]}


def test_the_vendors_quotas_reach_the_ledger(rota: DeployedStack, capsys: pytest.CaptureFixture[str]) -> None:
    """Raised at the vendor it stands at the ceiling, lowered it stands lower, and a job keeps within it."""
    rota.simulated.change(SYNCED, limits=limits(9_000_000))
    found = sync(capsys)
    quota = found[SYNCED, "tpm"]
    assert (quota["found"], quota["standing"], quota["changed"]) == (9_000_000, 1_000_000, True)
    assert found["gpt-oss-20b", "tpm"]["source"] == "headers"
    [tpm] = shown(rota, SYNCED)["limits"]
    assert (tpm["found"], tpm["ceiling"], tpm["configured"]) == (9_000_000, 1_000_000, 100_000)
    assert 900_000 <= tpm["amount"] <= 1_000_000  # another test's refusals may have shrunk it
    rota.simulated.change(SYNCED, limits=limits(20_000))
    assert sync(capsys)[SYNCED, "tpm"]["standing"] == 20_000
    job = rota.wait_for_job(rota.start_job(QUESTION, TEXTS, model=SYNCED, reuse=False))
    assert (job["status"], job["usage"]["refusals"]) == ("done", 0)
    assert job["usage"]["models"][SYNCED]["calls"] >= 3
    [tpm] = shown(rota, SYNCED)["limits"]
    assert tpm["amount"] <= 20_000
    assert rota.simulated.stats()[SYNCED]["refused"] == {}
    [line] = rota.log_lines("refresh_pool", event="quota_changed", model=SYNCED, to=20_000)
    assert (line["from"], line["source"]) == (9_000_000, "service quotas")


def test_a_person_overrides_without_a_deployment(rota: DeployedStack, capsys: pytest.CaptureFixture[str]) -> None:
    """A lower quota and a disabled model hold from the next booking on, and so does taking that back."""
    assert main(["models", "set", BY_HAND, "--tpm", "30000"]) == 0
    [tpm] = shown(rota, BY_HAND)["limits"]
    assert tpm["set_by_hand"] == 30_000
    assert tpm["amount"] <= 30_000
    assert main(["models", "set", BY_HAND, "--disable"]) == 0
    assert shown(rota, BY_HAND)["disabled"]
    before = rota.simulated.stats()[BY_HAND]["calls"]
    alone = {"model": BY_HAND, "answer_model": BY_HAND}
    job = rota.wait_for_job(rota.start_job(QUESTION, TEXTS, **alone))
    assert job["mode"] == "extractive"
    assert BY_HAND not in job["usage"]["models"]
    assert rota.simulated.stats()[BY_HAND]["calls"] == before
    assert main(["models", "set", BY_HAND, "--enable"]) == 0
    job = rota.wait_for_job(rota.start_job(QUESTION, TEXTS, model=BY_HAND, reuse=False))
    assert job["usage"]["models"][BY_HAND]["calls"] >= 3
    assert rota.simulated.stats()[BY_HAND]["calls"] > before
