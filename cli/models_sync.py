"""`rota models sync`: ask the vendors for their quotas now, and show what has changed."""

from __future__ import annotations

import argparse
import json
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from cli.deployment import deployment
from cli.errors import FAILED, CliError
from cli.figures import amount
from cli.table import print_table

PATIENT = Config(read_timeout=310, retries={"total_max_attempts": 1})
"""The function may take five minutes, and asking twice would call every model twice."""
TITLES = ["model", "limit", "configured", "ceiling", "found", "stands at", "", "source"]


def main(options: argparse.Namespace) -> int:
    """Run the command; see `rota models sync --help`. Exit code 1 when a provider could not be asked."""
    answer = _invoke(options.stage)
    if options.json:
        print(json.dumps(answer, indent=2))
    else:
        _print(answer)
    return FAILED if answer["failed"] else 0


def _invoke(stage: str | None) -> dict[str, Any]:
    try:
        stack = deployment(stage)
        reply = stack.client("lambda", PATIENT).invoke(FunctionName=stack.outputs["RefreshPool"], Payload=b"{}")
    except (BotoCoreError, ClientError) as error:
        raise CliError(f"The function refresh_pool cannot be called: {error}") from error
    answer: dict[str, Any] = json.loads(reply["Payload"].read())
    if reply.get("FunctionError"):
        raise CliError(f"The function refresh_pool failed: {answer.get('errorMessage', 'its log says why')}")
    return answer


def _print(answer: dict[str, Any]) -> None:
    print_table([TITLES, *(_cells(quota) for quota in answer["quotas"])])
    changed = sum(quota["changed"] for quota in answer["quotas"])
    print(f"\n{changed or 'No'} quota{'' if changed == 1 else 's'} changed.")
    for provider, why in answer["failed"].items():
        print(f"{provider} could not be asked: {why}")


def _cells(quota: dict[str, Any]) -> list[str]:
    known = quota["found"] is not None
    return [
        quota["model"],
        quota["kind"],
        amount(quota["configured"]),
        amount(quota["ceiling"]),
        amount(quota["found"]) if known else "–",
        amount(quota["standing"]),
        f"was {amount(quota['before'])}" if quota["changed"] else "",
        quota["source"] if known else quota["why"],
    ]
