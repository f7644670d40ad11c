"""Creates or updates the stack through the emulator's CloudFormation, then sets what that ignores."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import boto3
from botocore.exceptions import ClientError
from mypy_boto3_cloudformation.client import CloudFormationClient

from local.assets import Template, publish
from local.state import LocalStackError

DEPLOYED_WITHIN_S = 120
NEVER_CREATED = {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED"}
"""CloudFormation lets such a stack only be deleted."""


def deploy(session: boto3.Session, endpoint: str, assembly: Path, parameters: Mapping[str, str]) -> dict[str, str]:
    """Deploy the assembly's stack with these parameters and return its outputs.

    Raises LocalStackError with the reasons of the resources that failed.
    """
    cloudformation = session.client("cloudformation", endpoint_url=endpoint)
    template = publish(assembly, session.client("s3", endpoint_url=endpoint))
    if _submit(cloudformation, template, parameters):
        _wait(cloudformation, template.stack)
        _complete(session, endpoint, cloudformation, template)
    [stack] = cloudformation.describe_stacks(StackName=template.stack)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def _submit(cloudformation: CloudFormationClient, template: Template, parameters: Mapping[str, str]) -> bool:
    """Create or update. False when the stack is already so."""
    known = template.body.get("Parameters", {})
    given = [{"ParameterKey": name, "ParameterValue": text} for name, text in parameters.items() if name in known]
    status = _status(cloudformation, template.stack)
    if status in NEVER_CREATED:
        cloudformation.delete_stack(StackName=template.stack)
        status = _gone(cloudformation, template.stack)
    change = cloudformation.update_stack if status else cloudformation.create_stack
    try:
        change(
            StackName=template.stack,
            TemplateURL=template.url,
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
            Parameters=given,  # type: ignore[arg-type] # the stubs want their own TypedDict
        )
    except ClientError as error:
        if "No updates are to be performed" in str(error):
            return False
        raise LocalStackError(f"the emulator refuses the template: {error}") from error
    return True


def _status(cloudformation: CloudFormationClient, name: str) -> str:
    """The stack's status, empty when there is none."""
    try:
        [stack] = cloudformation.describe_stacks(StackName=name)["Stacks"]
    except ClientError:
        return ""
    return stack["StackStatus"]


def _gone(cloudformation: CloudFormationClient, name: str) -> str:
    deadline = time.monotonic() + DEPLOYED_WITHIN_S
    while (status := _status(cloudformation, name)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return status


def _wait(cloudformation: CloudFormationClient, name: str) -> None:
    deadline = time.monotonic() + DEPLOYED_WITHIN_S
    while time.monotonic() < deadline:
        status = _status(cloudformation, name)
        if status in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
            return
        if not status.endswith("IN_PROGRESS") or "ROLLBACK" in status:
            raise LocalStackError(f"the stack could not be deployed ({status}):\n{_reasons(cloudformation, name)}")
        time.sleep(0.1)
    raise LocalStackError(f"the stack was not deployed within {DEPLOYED_WITHIN_S} s")


def _reasons(cloudformation: CloudFormationClient, name: str) -> str:
    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    return "\n".join(
        f"  {event.get('LogicalResourceId')}: {event['ResourceStatusReason']}"
        for event in events
        if event.get("ResourceStatus", "").endswith("FAILED") and event.get("ResourceStatusReason")
    )


def _complete(session: boto3.Session, endpoint: str, cloudformation: CloudFormationClient, template: Template) -> None:
    """Expiry of items and reserved concurrency: properties that the emulator's CloudFormation accepts and forgets."""
    found = cloudformation.describe_stack_resources(StackName=template.stack)["StackResources"]
    physical = {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in found}
    dynamodb = session.client("dynamodb", endpoint_url=endpoint)
    functions = session.client("lambda", endpoint_url=endpoint)
    for name, resource in template.body["Resources"].items():
        properties = resource.get("Properties", {})
        expiry = properties.get("TimeToLiveSpecification")
        if expiry and not _expires(dynamodb.describe_time_to_live(TableName=physical[name])):
            dynamodb.update_time_to_live(TableName=physical[name], TimeToLiveSpecification=expiry)
        reserved = properties.get("ReservedConcurrentExecutions")
        if reserved is not None:
            functions.put_function_concurrency(FunctionName=physical[name], ReservedConcurrentExecutions=int(reserved))


def _expires(description: Mapping[str, object]) -> bool:
    return "ENABLED" in str(description.get("TimeToLiveDescription"))
