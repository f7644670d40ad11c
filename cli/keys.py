"""`rota keys`: issue, list and revoke API keys in the Keys table of the local stack or of a deployed stage."""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict

from botocore.exceptions import BotoCoreError, ClientError

from cli.deployment import deployment
from cli.errors import CliError
from cli.figures import moment, money
from local.stack import laptop_owner
from rota.errors import InvalidInputError, NotFoundError
from rota.keys import KeyStore


def main(options: argparse.Namespace) -> int:
    """Run the command; see `rota keys --help`."""
    actions = {"create": _create, "list": _list, "revoke": _revoke}
    try:
        actions[options.action](_store(options.stage), options)
    except (BotoCoreError, ClientError) as error:
        raise CliError(f"The Keys table cannot be reached: {error}") from error
    except (InvalidInputError, NotFoundError) as error:
        raise CliError(f"{error}.") from error
    return 0


def _create(store: KeyStore, options: argparse.Namespace) -> None:
    owner, now_ms = options.owner or laptop_owner(), int(time.time() * 1000)
    issued = store.issue(owner, options.label, now_ms, options.tier, options.budget_usd)
    print(json.dumps({**asdict(issued.key), "key": issued.text}, indent=2) if options.json else issued.text)


def _list(store: KeyStore, options: argparse.Namespace) -> None:
    keys = store.list()
    if options.json:
        print(json.dumps([asdict(key) for key in keys], indent=2))
        return
    for key in keys:
        state = "revoked" if key.revoked else "valid"
        budget = "" if key.budget_usd is None else f"{money(key.budget_usd)} a month"
        entitled = f"{key.tier:<10}  {budget:<16}"
        print(f"{key.key_id}  {moment(key.created_ms)}  {state:<7}  {key.owner:<16}  {entitled}  {key.label}".rstrip())
    if not keys:
        print("There are no keys; make one with `rota keys create`.")


def _revoke(store: KeyStore, options: argparse.Namespace) -> None:
    store.revoke(options.key_id)
    # The gateway remembers a checked key for a moment; see `key_cache_s` in infra/stages.py.
    print(json.dumps({"revoked": options.key_id}) if options.json else f"{options.key_id} is revoked.")


def _store(stage: str | None) -> KeyStore:
    stack = deployment(stage)
    return KeyStore(stack.client("dynamodb"), stack.outputs["KeysTable"])
