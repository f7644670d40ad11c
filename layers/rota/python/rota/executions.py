"""Executions of one state machine, started and stopped by name: doing either twice is the same as doing it once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


class Executions:
    """`machine_arn` is the state machine's; `stepfunctions` is a boto3 client."""

    def __init__(self, stepfunctions: SFNClient, machine_arn: str) -> None:
        self._stepfunctions, self._machine_arn = stepfunctions, machine_arn

    def start(self, name: str, state: Mapping[str, Any]) -> None:
        """Start an execution of that name; one that was started before, running or ended, is success."""
        try:
            self._stepfunctions.start_execution(
                stateMachineArn=self._machine_arn, name=name, input=json.dumps(dict(state), sort_keys=True)
            )
        except self._stepfunctions.exceptions.ExecutionAlreadyExists:
            return

    def stop(self, name: str) -> None:
        """Stop the execution of that name; one that never started or has ended is success."""
        try:
            self._stepfunctions.stop_execution(executionArn=self._arn(name), cause="stopped by its owner")
        except (
            self._stepfunctions.exceptions.ExecutionDoesNotExist,
            self._stepfunctions.exceptions.ValidationException,  # "is not running"; the ARN is well formed
        ):
            return

    def _arn(self, name: str) -> str:
        return f"{self._machine_arn.replace(':stateMachine:', ':execution:', 1)}:{name}"
