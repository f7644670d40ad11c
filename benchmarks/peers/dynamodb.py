"""A DynamoDB for Rota's ledger: the local emulator, one for all cells, with a table for each."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.aws import local_session
from local.emulator import start_emulator, stop_emulator, wait_until_ready
from local.processes import free_port


@contextmanager
def emulator(running: Path) -> Iterator[str]:
    """Its endpoint, for as long as this lasts; its files are in `running` meanwhile."""
    with tempfile.TemporaryDirectory(prefix="emulator-", dir=running) as folder:
        port, log, scratch = free_port(), Path(folder) / "emulator.log", Path(folder) / "scratch"
        process = start_emulator(port, scratch=scratch, log=log, tied=True)
        try:
            wait_until_ready(process, port, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            stop_emulator(process, scratch)


@contextmanager
def ledger_table(endpoint: str, number: int) -> Iterator[str]:
    """The name of an empty table."""
    name, dynamodb = f"LedgerOfPeers{number}", local_session().client("dynamodb", endpoint_url=endpoint)
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "model", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "model", "AttributeType": "S"}],
    )
    try:
        yield name
    finally:
        dynamodb.delete_table(TableName=name)
