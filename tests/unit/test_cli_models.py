"""`rota models`, `rota models sync` and `rota models set`."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from loopback_api import LoopbackApi, loopback_api, model
from moto import mock_aws

from cli import deployment
from cli.main import main
from cli.models import remarks
from rota.catalog_file import load_catalog
from rota.ledger import Ledger
from rota.ledger_notices import Notices
from tests.fixtures.job_stack import REPOSITORY

TABLE = "ledger-of-dev"
QUOTA = {
    "provider": "bedrock",
    "model": "nova-pro",
    "kind": "tpm",
    "configured": 100_000,
    "ceiling": 1_000_000,
    "before": 100_000,
    "found": 2_000_000,
    "standing": 1_000_000,
    "changed": True,
    "source": "service quotas",
    "why": None,
}
UNKNOWN = {**QUOTA, "model": "nova-lite", "found": None, "changed": False, "standing": 100_000, "why": "no such name"}


class Lambda:
    """The one call of `rota models sync`."""

    reply: Any = None
    error: str | None = None

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803 - boto3's names
        """The function of stage `dev`."""
        assert FunctionName == "rota-dev-refresh_pool"
        told = {"FunctionError": self.error} if self.error else {}
        return {"Payload": io.BytesIO(json.dumps(self.reply).encode()), **told}


class Session:
    """boto3's session, with a CloudFormation and a Lambda of our own."""

    function = Lambda()

    def client(self, service: str, **options: Any) -> Any:
        """A client."""
        if service == "lambda":
            return self.function
        if service == "cloudformation":
            return self
        return boto3.client("dynamodb", region_name="us-east-1", config=options["config"])

    def describe_stacks(self, *, StackName: str) -> dict[str, Any]:  # noqa: N803 - boto3's name
        """Outputs of stage `dev`."""
        outputs = {"LedgerTable": TABLE, "RefreshPool": "rota-dev-refresh_pool"}
        return {"Stacks": [{"Outputs": [{"OutputKey": key, "OutputValue": text} for key, text in outputs.items()]}]}


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    """The ledger of a deployed stage `dev`."""
    monkeypatch.setattr(deployment, "boto3", SimpleNamespace(Session=Session))
    monkeypatch.delenv("ROTA_CONFIG", raising=False)
    with mock_aws():
        dynamodb = boto3.client("dynamodb", region_name="us-east-1")
        dynamodb.create_table(
            TableName=TABLE,
            KeySchema=[{"AttributeName": "model", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "model", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        yield Ledger(dynamodb, TABLE, load_catalog(REPOSITORY / "rota.yaml"))


def command(*arguments: str) -> int:
    """`rota models … --stage dev`."""
    return main(["models", *arguments, "--stage", "dev"])


def test_a_quota_set_by_hand_stands_until_it_is_taken_back(ledger: Ledger, capsys: pytest.CaptureFixture[str]) -> None:
    """What is set, several at once, and the default again."""
    assert command("set", "gpt-oss-20b", "--tpm", "4000", "--rpm", "10") == 0
    assert "gpt-oss-20b stands at 4k tpm, 10 rpm" in capsys.readouterr().out
    whole = ledger.account("gpt-oss-20b").whole
    assert (whole["tpm"].amount, whole["rpm"].amount, whole["tpd"].amount) == (4000, 10, 200_000)
    assert command("set", "gpt-oss-20b", "--tpm", "default", "--json") == 0
    view = json.loads(capsys.readouterr().out)
    assert {limit["kind"]: limit["set_by_hand"] for limit in view["limits"]}["tpm"] is None
    assert ledger.account("gpt-oss-20b").whole["tpm"].amount == 8000


def test_a_model_is_disabled_and_enabled(ledger: Ledger, capsys: pytest.CaptureFixture[str]) -> None:
    """Quotas set by hand outlive it."""
    assert command("set", "nova-pro", "--disable", "--tpm", "50000") == 0
    assert "disabled" in capsys.readouterr().out
    assert ledger.account("nova-pro").standing.disabled
    assert command("set", "nova-pro", "--enable") == 0
    assert "disabled" not in capsys.readouterr().out
    standing = ledger.account("nova-pro").standing
    assert (standing.disabled, standing.by_hand) == (False, {"tpm": 50_000})


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nova-x", "--tpm", "1"], "allowed: gpt-oss-120b, gpt-oss-20b, mistral-large-3, nova-lite"),
        (["nova-pro", "--rpm", "1"], "nova-pro has no limit rpm in rota.yaml; it has tpm."),
        (["nova-pro", "--tpm", "1000001"], "at most 1,000,000, its ceiling; raise `ceiling`"),
        (["gpt-oss-20b", "--rpm", "31"], "at most 30, its ceiling"),
        (["nova-pro", "--tpm", "0"], "at least 1, or `default`"),
        (["nova-pro", "--tpm", "much"], "at least 1, or `default`"),
        (["nova-pro"], "Say what to set"),
    ],
)
def test_what_cannot_be_set_is_a_sentence(
    ledger: Ledger, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    """Exit code 1, and nothing is written."""
    assert command("set", *arguments) == 1
    assert sentence in capsys.readouterr().err
    assert ledger.account("nova-pro").version == ledger.account("gpt-oss-20b").version == 0


def test_a_sync_shows_every_quota(
    ledger: Ledger, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What changed, what is not known and why; a provider that did not answer makes the exit code 1."""
    monkeypatch.setattr(Lambda, "reply", {"quotas": [QUOTA, UNKNOWN], "failed": {}})
    assert command("sync") == 0
    _, first, second, _, last = capsys.readouterr().out.splitlines()
    assert first.split() == ["nova-pro", "tpm", "100k", "1M", "2M", "1M", "was", "100k", "service", "quotas"]
    assert second.endswith("no such name")
    assert last == "1 quota changed."
    monkeypatch.setattr(Lambda, "reply", {"quotas": [UNKNOWN], "failed": {"groq": "no key"}})
    assert command("sync") == 1
    assert "groq could not be asked: no key" in capsys.readouterr().out
    assert main(["models", "--json", "sync", "--stage", "dev"]) == 1
    assert json.loads(capsys.readouterr().out) == Lambda.reply


def test_a_broken_function_is_a_sentence(
    ledger: Ledger, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No traceback of somebody else's process."""
    monkeypatch.setattr(Lambda, "reply", {"errorMessage": "out of memory"})
    monkeypatch.setattr(Lambda, "error", "Unhandled")
    assert command("sync") == 1
    assert capsys.readouterr().err == "rota: The function refresh_pool failed: out of memory\n"


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackApi]:
    """Rota's API on this machine."""
    with loopback_api() as served:
        monkeypatch.setenv("ROTA_API_URL", served.url)
        monkeypatch.setenv("ROTA_API_KEY", "rota_key")
        yield served


def test_the_pool_shows_what_was_used_and_what_is_not_as_configured(
    api: LoopbackApi, capsys: pytest.CaptureFixture[str]
) -> None:
    """Used of booked, tokens per estimated token, remarks; a dash where nothing is known."""
    [limit] = model()["limits"]
    by_hand = limit | {"amount": 50_000, "set_by_hand": 50_000}
    new = model("new", booked_tokens=0, learned={"input_tokens_per_estimated_token": None}, health=None)
    set_low = model("low", limits=[by_hand], disabled=True)
    api.replies["GET /v1/models"] = [(200, {"object": "list", "data": [model(), new, set_low]})]
    assert main(["models"]) == 0
    _, first, second, third = capsys.readouterr().out.splitlines()
    assert "71 %" in first
    assert "0.91" in first
    assert "0.8 % 0.9 s" in " ".join(first.split())
    assert second.count("–") == 5
    assert "disabled; tpm 50k, not 100k (set by hand)" in third


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, []),
        ({"amount": 60_000, "found": 60_000}, ["tpm 60k, not 100k (found)"]),
        ({"found": 9_000_000, "amount": 500_000, "ceiling": 500_000}, ["tpm 500k, not 100k (found 9M, ceiling)"]),
        ({"amount": 93_000, "shrunk_share": 0.93}, ["tpm 93k, not 100k (shrunk to 93 %)"]),
        ({"amount": 0, "found": 0}, ["tpm 0, not 100k (found)"]),
        ({"amount": 93, "set_by_hand": 100, "shrunk_share": 0.93}, ["tpm 93, not 100k (set by hand, shrunk to 93 %)"]),
    ],
)
def test_remarks_say_why(changes: dict[str, Any], said: list[str]) -> None:
    """Each reason in words; none when the quota is as configured."""
    [limit] = model()["limits"]
    assert remarks(model(limits=[limit | changes])) == said
    out = model(limits=[limit | changes], breaker="half-open", breaker_reason="slow: 2.4 s on average")
    assert remarks(out)[0] == "breaker half-open (slow: 2.4 s on average)"


def test_a_model_that_stays_although_it_is_unfit_is_remarked() -> None:
    """Nobody could take its place; what is healthy, or not known, is no remark."""
    for verdict, said in {"failing: 3.1 % of 320 calls": 1, "healthy": 0, "unknown": 0}.items():
        shown = model(health=model()["health"] | {"verdict": verdict})
        assert remarks(shown) == [verdict] * said


def test_notices_write_what_the_command_promises(ledger: Ledger) -> None:
    """A quota set by hand is kept to whatever the vendor is found to give."""
    assert command("set", "nova-pro", "--tpm", "50000") == 0
    Notices(ledger).found("nova-pro", {"tpm": 70_000})
    assert ledger.account("nova-pro").whole["tpm"].amount == 50_000
