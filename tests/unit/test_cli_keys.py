"""`rota keys`, on the local stack and on a deployed stage."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from cli import deployment
from cli.main import main
from rota.keys import KeyStore

TABLE = "keys-of-dev"


class CloudFormation:
    """The one call that `rota keys --stage` makes."""

    def describe_stacks(self, *, StackName: str) -> dict[str, Any]:  # noqa: N803 - boto3's name
        """Only the stack of stage `dev` exists."""
        if StackName != "Rota-dev":
            raise ClientError({"Error": {"Message": f"Stack with id {StackName} does not exist"}}, "DescribeStacks")
        return {"Stacks": [{"Outputs": [{"OutputKey": "KeysTable", "OutputValue": TABLE}]}]}


class Session:
    """boto3's session, with a CloudFormation of our own: moto's needs far more than the rest of moto."""

    def client(self, service: str, **_options: Any) -> Any:
        """A client."""
        return CloudFormation() if service == "cloudformation" else boto3.client(service, region_name="us-east-1")


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[KeyStore]:
    """The keys of a deployed stage `dev`."""
    monkeypatch.setattr(deployment, "boto3", SimpleNamespace(Session=Session))
    with mock_aws():
        dynamodb = boto3.client("dynamodb", region_name="us-east-1")
        dynamodb.create_table(
            TableName=TABLE,
            KeySchema=[{"AttributeName": "key_hash", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "key_hash", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        yield KeyStore(dynamodb, TABLE)


def test_a_created_key_works_until_it_is_revoked(store: KeyStore, capsys: pytest.CaptureFixture[str]) -> None:
    """Its text is printed once; the listing never has it."""
    assert main(["keys", "create", "--stage", "dev", "--owner", "ada", "--label", "laptop"]) == 0
    text = capsys.readouterr().out.strip()
    found = store.find(text)
    assert found is not None
    assert (found.owner, found.label) == ("ada", "laptop")
    assert main(["keys", "list", "--stage", "dev"]) == 0
    listed = capsys.readouterr().out
    assert f"{found.key_id}  " in listed
    assert text not in listed
    assert main(["keys", "revoke", found.key_id, "--stage", "dev"]) == 0
    assert store.find(text) is None


def test_json_for_scripts(store: KeyStore, capsys: pytest.CaptureFixture[str]) -> None:
    """The key itself only when it is made."""
    assert main(["keys", "create", "--stage", "dev", "--owner", "ada", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert store.find(made.pop("key")) is not None
    assert main(["keys", "list", "--stage", "dev", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [made]


def test_a_key_carries_a_tier_and_a_budget(store: KeyStore, capsys: pytest.CaptureFixture[str]) -> None:
    """Made with them, listed with them; without them it is free, and unlimited by itself."""
    assert main(["keys", "create", "--stage", "dev", "--owner", "ada", "--tier", "pro", "--budget-usd", "20"]) == 0
    found = store.find(capsys.readouterr().out.strip())
    assert found is not None
    assert (found.tier, found.budget_usd) == ("pro", 20.0)
    assert main(["keys", "create", "--stage", "dev", "--owner", "bob"]) == 0
    capsys.readouterr()
    assert main(["keys", "list", "--stage", "dev"]) == 0
    listed = {line.split()[4]: line.split()[5:] for line in capsys.readouterr().out.splitlines()}
    assert listed == {"ada": ["pro", "$20.00", "a", "month"], "bob": ["free"]}
    assert main(["keys", "list", "--stage", "dev", "--json"]) == 0
    shown = {key["owner"]: (key["tier"], key["budget_usd"]) for key in json.loads(capsys.readouterr().out)}
    assert shown == {"ada": ("pro", 20.0), "bob": ("free", None)}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["create", "--owner", "ada", "--budget-usd", "-1", "--stage", "dev"], "budget_usd: must be more than 0"),
        (["revoke", "k-00000000", "--stage", "dev"], "there is no key k-00000000"),
        (["create", "--owner", "a/b", "--stage", "dev"], "owner: must be"),
        (["list", "--stage", "nowhere"], "cannot be reached"),
    ],
)
def test_failures_are_sentences(
    store: KeyStore, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    """Exit code 1 and no traceback."""
    assert main(["keys", *arguments]) == 1
    err = capsys.readouterr().err
    assert err.startswith("rota: ")
    assert sentence in err


def test_without_a_stack_the_way_to_one_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Local, or a stage."""
    monkeypatch.setattr(deployment, "home", lambda: tmp_path)
    assert main(["keys", "list"]) == 1
    assert "--stage" in capsys.readouterr().err
