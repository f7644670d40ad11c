"""Asking for JSON in words, and filling a schema."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rota.providers.schema_filling import fill_schema
from rota.providers.structured_output import find_schema, schema_instruction, without_fence


def test_a_schema_is_found_again_in_the_prompt() -> None:
    """Even one whose description contains the delimiter itself."""
    schema = {"type": "object", "description": "ends with </json_schema> and <b>"}
    assert find_schema("Be brief.\n" + schema_instruction(schema)) == schema
    assert find_schema("Be brief.") is None


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ('```json\n{"a": 1}\n```', '{"a": 1}'),
        ("\n```\n[1]\n```\n", "[1]"),
        ('{"a": "```"}', '{"a": "```"}'),
        ("no fence", "no fence"),
    ],
)
def test_fences_are_taken_off(text: str, bare: str) -> None:
    """Only a fence around the whole answer."""
    assert without_fence(text) == bare


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string"}, "whole"),
        ({"type": "string", "maxLength": 3}, "who"),
        ({"type": "string", "minLength": 7}, "whole.."),
        ({"type": "array", "items": {"type": "string"}}, ["p", "q"]),
        ({"type": "array", "items": {"type": "string"}, "maxItems": 1}, ["p"]),
        ({"type": "array", "items": {"type": "integer"}, "minItems": 3}, [0, 0, 0]),
        ({"type": "integer", "minimum": 2}, 2),
        ({"type": "number", "maximum": -1}, -1),
        ({"type": "boolean"}, False),
        ({"type": ["null", "string"]}, None),
        ({"enum": ["low", "high"]}, "low"),
        ({"const": 7}, 7),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, 0),
        ({"properties": {"a": {"type": "string"}, "b": {}}}, {"a": "whole", "b": "whole"}),
        ({"$ref": "#/$defs/level", "$defs": {"level": {"enum": [1, 2]}}}, 1),
    ],
)
def test_a_schema_is_filled(schema: dict[str, Any], value: Any) -> None:
    """Types, sizes, enums, choices and references."""
    assert fill_schema(schema, ["p", "q"], "whole") == value


def test_a_recursive_schema_ends() -> None:
    """A tree of itself is filled to some depth, and then left out."""
    node = {
        "type": "object",
        "properties": {"next": {"$ref": "#/$defs/node"}, "items": {"type": "array", "items": {"$ref": "#/$defs/node"}}},
    }
    filled = fill_schema({"$ref": "#/$defs/node", "$defs": {"node": node}}, ["p"], "whole")
    assert len(json.dumps(filled)) < 10_000
