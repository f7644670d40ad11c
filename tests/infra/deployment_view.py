"""A synthesised deployment as tests look at it: resources by type, policies by function, machines as plain dicts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Resource = dict[str, Any]


def plain(value: Any) -> Any:
    """CloudFormation's functions as text: a Ref is `${Id}`, an attribute `${Id.Attribute}`, a Join is joined."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    if list(value) == ["Ref"]:
        return f"${{{value['Ref']}}}"
    if list(value) == ["Fn::GetAtt"]:
        return f"${{{'.'.join(value['Fn::GetAtt'])}}}"
    if list(value) == ["Fn::Join"]:
        separator, parts = value["Fn::Join"]
        return separator.join(str(plain(part)) for part in parts)
    return {key: plain(item) for key, item in value.items()}


def listed(value: Any) -> list[Any]:
    """IAM's habit of one item without its list, undone."""
    return value if isinstance(value, list) else [value]


@dataclass(frozen=True)
class View:
    """The main template of one stage, and the folder that it was synthesised into."""

    folder: Path
    template: dict[str, Any]

    @classmethod
    def of(cls, folder: Path, stage: str) -> View:
        """Read what was synthesised into `folder`."""
        return cls(folder, json.loads((folder / f"Rota-{stage}.template.json").read_text()))

    def resources(self, kind: str) -> dict[str, Resource]:
        """Properties by logical id of every resource of this type, such as `AWS::SQS::Queue`."""
        found = {name: body for name, body in self.template["Resources"].items() if body["Type"] == kind}
        return {name: plain(body.get("Properties", {})) for name, body in found.items()}

    def named(self, kind: str, part: str) -> tuple[str, Resource]:
        """The one resource of this type whose logical id contains `part`."""
        [found] = [item for item in self.resources(kind).items() if part in item[0]]
        return found

    def functions(self) -> dict[str, Resource]:
        """Every Lambda function by the name of its folder."""
        found = self.resources("AWS::Lambda::Function").values()
        return {function["Handler"].split(".")[1]: function for function in found}

    def function_ids(self) -> dict[str, str]:
        """Folder's name by logical id."""
        found = self.resources("AWS::Lambda::Function").items()
        return {name: function["Handler"].split(".")[1] for name, function in found}

    def statements(self, role: str) -> list[Resource]:
        """Every statement of a role's policies; the role as `${LogicalId}`."""
        policies = self.resources("AWS::IAM::Policy").values()
        attached = [policy for policy in policies if role in policy["Roles"]]
        return [statement for policy in attached for statement in policy["PolicyDocument"]["Statement"]]

    def rights(self, function: str) -> set[tuple[str, str]]:
        """Every (action, resource) that a function may do."""
        role = self.functions()[function]["Role"].replace(".Arn", "")
        return set(pairs(self.statements(role)))

    def machine(self, part: str) -> dict[str, Any]:
        """The definition of the state machine whose logical id contains `part`."""
        _, machine = self.named("AWS::StepFunctions::StateMachine", part)
        return dict(json.loads(machine["DefinitionString"]))


def pairs(statements: list[Resource]) -> Iterator[tuple[str, str]]:
    """Every (action, resource) of some statements."""
    for statement in statements:
        for action in listed(statement["Action"]):
            for resource in listed(statement["Resource"]):
                yield action, resource


def all_states(definition: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Every state by name, those of Maps' children too."""
    found: dict[str, dict[str, Any]] = {}
    for name, state in definition["States"].items():
        found[name] = state
        if "ItemProcessor" in state:
            found |= all_states(state["ItemProcessor"])
    return found
