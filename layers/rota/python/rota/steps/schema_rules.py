"""What a caller's JSON schema must be before any model is asked to fill it: valid, self-contained, small, bounded."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn
from urllib.parse import unquote

from rota.errors import InvalidInputError, InvalidOutputError
from rota.steps.conformity import MOST_STEPS, PATTERN_STEPS, Conformity, Path, shown
from rota.steps.patterns import cost

MOST_BYTES = 32_768
"""As compact JSON: about ten thousand tokens, which stand in every prompt that asks for it."""
DEEPEST = 24
"""Levels of schemas within schemas."""
LONGEST_PATTERN = 300
TRIED_CHARACTERS = 64
"""A text of this length may cost a pattern MOST_STEPS / 10: what is dearer could hardly ever be checked."""
TRIAL_STEPS = 100_000
"""For checking an empty object: it has nothing that could take many."""
DRAFTS = ("https://json-schema.org/draft/2020-12/schema", "http://json-schema.org/draft-07/schema")
"""What `$schema` may name; without it the first is meant."""

_NAMED = ("properties", "$defs", "definitions", "dependentSchemas", "dependencies")
_LISTED = ("allOf", "anyOf", "oneOf", "prefixItems", "items")
_SINGLE = (
    *("items", "additionalItems", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames"),
    *("unevaluatedItems", "unevaluatedProperties", "contentSchema"),
)
_NOT_TAKEN = ("$id", "$anchor", "$dynamicRef", "$dynamicAnchor", "patternProperties")


def check_schema(schema: Mapping[str, Any], field: str, objects_only: bool = False) -> None:
    """Raises InvalidInputError for `field`, with the place in the schema and what is allowed there.

    `objects_only`: its values must be objects.
    """
    _Rules(schema, field).check()
    if objects_only and schema.get("type") != "object":
        raise InvalidInputError(field, '$.type: must be "object": the answer is one JSON object')


class _Rules:
    def __init__(self, schema: Mapping[str, Any], field: str) -> None:
        self._schema, self._field = schema, field

    def check(self) -> None:
        self._check_size()
        draft = self._schema.get("$schema", DRAFTS[0])
        if not isinstance(draft, str) or draft.rstrip("#") not in DRAFTS:
            self._refuse(("$schema",), f"names a draft that is not known; allowed: {', '.join(DRAFTS)}")
        nodes = list(self._nodes(self._schema, (), DEEPEST))
        for path, node in nodes:
            self._check_node(path, node)
        self._check_form()
        self._check_references(nodes)
        try:
            Conformity(self._schema).problems({}, TRIAL_STEPS)
        except InvalidOutputError as error:
            self._refuse((), f"cannot be checked, not even for an empty object: {error}; does it refer to itself?")

    def _check_size(self) -> None:
        try:
            # As characters, so that those that cannot be written are found as well.
            size = len(json.dumps(self._schema, allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode())
        except (ValueError, RecursionError) as error:
            raise InvalidInputError(
                self._field, "holds a number that is not JSON, half a character, or is nested too deep"
            ) from error
        if size > MOST_BYTES:
            self._refuse((), f"has {size:,} bytes, at most {MOST_BYTES:,} are taken")

    def _nodes(self, node: Any, path: Path, levels: int) -> Iterator[tuple[Path, Mapping[str, Any]]]:
        """Every schema within the schema, with its place. What is no schema where one should be is passed over."""
        if not isinstance(node, dict):
            return
        if not levels:
            self._refuse(path, f"is nested too deep; at most {DEEPEST} levels are taken")
        yield path, node
        for name in _NAMED:
            if isinstance(node.get(name), dict):
                for key, inner in node[name].items():
                    yield from self._nodes(inner, (*path, name, key), levels - 1)
        for name in _LISTED:
            if isinstance(node.get(name), list):
                for at, inner in enumerate(node[name]):
                    yield from self._nodes(inner, (*path, name, at), levels - 1)
        for name in _SINGLE:
            yield from self._nodes(node.get(name), (*path, name), levels - 1)

    def _check_node(self, path: Path, node: Mapping[str, Any]) -> None:
        names = (*_NOT_TAKEN, "$schema") if path else _NOT_TAKEN
        for name in names:
            if name in node and not (name == "$id" and not path):
                self._refuse((*path, name), f"is not taken; nor is any of {', '.join(_NOT_TAKEN)}")
        pattern = node.get("pattern")
        if isinstance(pattern, str):
            self._check_pattern((*path, "pattern"), pattern)

    def _check_pattern(self, path: Path, pattern: str) -> None:
        if len(pattern) > LONGEST_PATTERN:
            self._refuse(path, f"has {len(pattern)} characters, at most {LONGEST_PATTERN} are taken")
        try:
            steps = cost(pattern)(TRIED_CHARACTERS)
        except ValueError as error:
            self._refuse(path, f"is no regular expression: {error}")
        if PATTERN_STEPS * steps > MOST_STEPS / 10:
            self._refuse(
                path, "could take too long; begin it with ^, and repeat nothing that is repeated or has choices"
            )

    def _check_form(self) -> None:
        from jsonschema import Draft202012Validator, FormatChecker  # half a tenth of a second
        from jsonschema.exceptions import SchemaError
        from jsonschema.validators import validator_for

        draft: Any = validator_for(self._schema, default=Draft202012Validator)
        try:
            draft.check_schema(self._schema, format_checker=FormatChecker(()))  # patterns have been compiled above
        except SchemaError as error:
            self._refuse(tuple(error.absolute_path), f"is no JSON schema: {error.message[:200]}")

    def _check_references(self, nodes: list[tuple[Path, Mapping[str, Any]]]) -> None:
        known = {_pointer(path) for path, _ in nodes}
        for path, node in nodes:
            if "$ref" in node and unquote(node["$ref"]) not in known:
                self._refuse(
                    (*path, "$ref"),
                    f"{str(node['$ref'])[:100]!r} is not a schema within this one; allowed are such as '#/$defs/name'",
                )

    def _refuse(self, path: Path, why: str) -> NoReturn:
        raise InvalidInputError(self._field, f"{shown(path)}: {why}")


def _pointer(path: Path) -> str:
    return "#" + "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)
