"""cdk-nag's AwsSolutions rules, and the reason wherever Rota differs from one.

Each finding is named in full, so that a new wildcard is a new finding.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from aws_cdk import Acknowledgment, App, CfnElement, Validations
from cdk_nag import AwsSolutionsChecks
from constructs import Construct

from infra.stack import ACCESS, RotaStack

ANY_RESOURCE = "IAM5[Resource::*]"
NO_NARROWER = "X-Ray's, log delivery's and Service Quotas' actions know no narrower resource."


def check(app: App, stack: RotaStack) -> None:
    """Fail synthesis on every finding that has no reason here."""
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    for construct, finding, reason in _reasons(stack):
        acknowledgment = Acknowledgment(id=f"AwsSolutions::AwsSolutions-{finding}", reason=reason)
        Validations.of(construct).acknowledge(acknowledgment)


def _reasons(stack: RotaStack) -> Iterator[tuple[Construct, str, str]]:
    yield stack.functions, "L1", "Python 3.13 is the version that the layers' wheels are built and tested for."
    yield stack.functions, ANY_RESOURCE, NO_NARROWER
    yield stack.workflow, ANY_RESOURCE, NO_NARROWER
    yield stack.intake, ANY_RESOURCE, NO_NARROWER
    yield stack.storage, "S1", "Only Rota's functions reach the bucket, and they log what they do."
    if not stack.stage.keeps_data:
        yield stack.storage, "DDB3", "What this stage stores may be lost; production has point-in-time recovery."
    yield from _object_patterns(stack)
    yield from _invocations(stack)
    yield from _executions(stack)


def _object_patterns(stack: RotaStack) -> Iterator[tuple[Construct, str, str]]:
    bucket = _logical_id(stack, stack.storage.documents)
    reason = "Keys hold ids of jobs, uploads and inboxes that do not exist yet; infra.stack.ACCESS lists the patterns."
    patterns = {pattern for access in ACCESS.values() for pattern in (*access.reads, *access.writes)}
    for pattern in sorted(patterns | {"jobs/*"}):
        yield stack, f"IAM5[Resource::<{bucket}.Arn>/{pattern}]", reason


def _invocations(stack: RotaStack) -> Iterator[tuple[Construct, str, str]]:
    for function in stack.functions.by_name.values():
        finding = f"IAM5[Resource::<{_logical_id(stack, function)}.Arn>:*]"
        for machine in (stack.workflow, stack.intake):
            yield machine, finding, "The versions of one function, which the state machine is there to call."


def _executions(stack: RotaStack) -> Iterator[tuple[Construct, str, str]]:
    machine = f'{{"Fn::Select":[6,{{"Fn::Split":[":",{{"Ref":"{_logical_id(stack, stack.workflow.machine)}"}}]}}]}}'
    executions = f"arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:{machine}"
    reason = "Executions of the one workflow; their names are ids of jobs."
    for suffix in ("", "/SummarizeBatches", "/SynthesizeGroups"):
        yield stack, f"IAM5[Resource::{executions}{suffix}:*]", reason


def _logical_id(stack: RotaStack, construct: Construct) -> str:
    resource = cast(CfnElement, construct.node.default_child)
    return str(stack.resolve(stack.get_logical_id(resource)))
