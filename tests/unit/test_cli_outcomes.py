"""`rota outcomes`, on a deployed stage's table."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from cli import deployment
from cli.main import main
from rota.outcomes.decisions import OutcomeStore, new_decision_id
from rota.outcomes.usage import UsageCounters, UsageKey, UsageTotals

TABLE = "outcomes-of-dev"
NOVEMBER_MS = 1_795_000_000_000
"""In November 2026."""


class Session:
    """boto3's session, with a CloudFormation of our own."""

    outputs = {"OutcomesTable": TABLE}  # noqa: RUF012 - replaced as a whole

    def client(self, service: str, **_options: Any) -> Any:
        """A client."""
        return self if service == "cloudformation" else boto3.client(service, region_name="us-east-1")

    def describe_stacks(self, *, StackName: str) -> dict[str, Any]:  # noqa: N803 - boto3's name
        """Outputs of stage `dev`."""
        return {
            "Stacks": [{"Outputs": [{"OutputKey": key, "OutputValue": text} for key, text in self.outputs.items()]}]
        }


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[OutcomeStore]:
    """The outcomes of stage `dev`."""
    monkeypatch.setattr(deployment, "boto3", SimpleNamespace(Session=Session))
    with mock_aws():
        dynamodb = boto3.client("dynamodb", region_name="us-east-1")
        dynamodb.create_table(
            TableName=TABLE,
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
            BillingMode="PAY_PER_REQUEST",
        )
        yield OutcomeStore(dynamodb, TABLE)


def decide(store: OutcomeStore, tier: int, level: str, **facts: Any) -> str:
    """One decision of Ada's; its id."""
    decision_id = new_decision_id(NOVEMBER_MS)
    store.record({"id": decision_id, "owner": "ada", "tier": tier, "level": level, "score": 0.2, **facts})
    return decision_id


def command(*arguments: str) -> int:
    """`rota outcomes … --month 2026-11 --stage dev`."""
    return main(["outcomes", *arguments, "--month", "2026-11", "--stage", "dev"])


def test_accuracy_by_tier_and_level_with_what_was_wrong(
    store: OutcomeStore, capsys: pytest.CaptureFixture[str]
) -> None:
    """Shares with their intervals, reasons by number."""
    for _ in range(6):
        decide(store, 1, "simple")
    bad = decide(store, 1, "simple")
    store.feedback(bad, "ada", "bad", "user", NOVEMBER_MS)
    store.feedback(bad, "ada", "bad", "rephrased", NOVEMBER_MS)
    store.feedback(decide(store, 2, "medium"), "ada", "good", "user", NOVEMBER_MS)
    decide(store, 2, "medium", escalated=True)
    store.feedback(decide(store, 1, "simple"), "ada", "bad", "user", NOVEMBER_MS)
    assert command() == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == "2026-11: 10 decisions, 70.0 % right (39.7 to 89.2 %), as far as anybody has said"
    assert "1 8 6, 75.0 % ━━━━━━━━━━━━━━━───── 40.9 to 92.8 %" in lines
    assert any(line.startswith("medium 2 1, 50.0 %") for line in lines)
    assert lines[-4] == "3 decisions found wrong, some for several reasons:"
    assert lines[-3] == "2 rated bad by the user"
    assert set(lines[-2:]) == {"1 asked again in other words", "1 had to be written one tier up"}
    assert command("--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["month"], shown["accuracy"]["right"]) == ("2026-11", 7)
    assert "usage" not in shown


def test_an_empty_month_and_a_faultless_one(store: OutcomeStore, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither is an error."""
    assert command() == 0
    assert capsys.readouterr().out == "2026-11: no decisions.\n"
    decide(store, 1, "simple")
    assert command() == 0
    assert capsys.readouterr().out.endswith("Nothing was found wrong with any.\n")


def test_an_export_has_features_and_outcomes_and_no_names(
    store: OutcomeStore, capsys: pytest.CaptureFixture[str]
) -> None:
    """One JSON object a line, and nothing else on standard output."""
    bad = decide(store, 1, "simple", signals={"length": 1.0}, latency_ms=900)
    store.feedback(bad, "ada", "bad", "user", NOVEMBER_MS)
    decide(store, 3, "complex")
    assert command("--export") == 0
    exported = {each["id"]: each for each in map(json.loads, capsys.readouterr().out.splitlines())}
    assert len(exported) == 2
    assert exported[bad] == {
        "id": bad,
        "tier": 1,
        "level": "simple",
        "score": 0.2,
        "signals": {"length": 1.0},
        "latency_ms": 900,
        "feedback": {"user": "bad"},
    }


def test_everybodys_usage(store: OutcomeStore, capsys: pytest.CaptureFixture[str]) -> None:
    """On request, by user first."""
    counters = UsageCounters(boto3.client("dynamodb", region_name="us-east-1"), TABLE)
    for user, cost in (("ada", 1_000_000_000), ("bob", 3_000_000_000)):
        counters.add(UsageKey(user, "chat", "chat", "small"), UsageTotals(calls=2, cost_nanousd=cost), NOVEMBER_MS)
    assert command("--users") == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "2026-11: 4 calls · 0 tokens in, 0 out · $4.00" in lines
    at = next(number for number, line in enumerate(lines) if line.startswith("user calls"))
    assert [line.split()[0] for line in lines[at + 1 : at + 3]] == ["bob", "ada"]
    assert command("--users", "--json") == 0
    assert set(json.loads(capsys.readouterr().out)["usage"]["by_user"]) == {"ada", "bob"}


def test_failures_are_sentences(
    store: OutcomeStore, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table that is not there, a stack that has none."""
    monkeypatch.setattr(Session, "outputs", {"OutcomesTable": "gone"})
    assert command() == 1
    assert "The outcomes table cannot be read" in capsys.readouterr().err
    monkeypatch.setattr(Session, "outputs", {"LedgerTable": "ledger"})
    assert command("--export") == 1
    assert "bring it up to date" in capsys.readouterr().err
