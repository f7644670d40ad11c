"""Where a stack's parts are, for commands that need AWS credentials: the local stack, or a deployed stage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config

from cli.errors import CliError
from local.aws import local_session
from local.state import home, load


@dataclass(frozen=True, slots=True)
class Deployment:
    """A stack's outputs, and the session that reaches them (`endpoint`: the emulator's, None for AWS)."""

    session: Any
    endpoint: str | None
    outputs: Mapping[str, str]

    def client(self, service: str, config: Config | None = None) -> Any:
        """A boto3 client."""
        return self.session.client(service, endpoint_url=self.endpoint, config=config)


def deployment(stage: str | None) -> Deployment:
    """The deployed stage with the caller's credentials, or without a name the local stack. Raises CliError."""
    if stage:
        session = boto3.Session()
        [stack] = session.client("cloudformation").describe_stacks(StackName=f"Rota-{stage}")["Stacks"]
        outputs = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
        return Deployment(session, None, outputs)
    state = load(home())
    if not state.outputs:
        raise CliError("The local stack is not running: start it with `rota up`, or name a deployed one with --stage.")
    return Deployment(local_session(), state.endpoint, state.outputs)
