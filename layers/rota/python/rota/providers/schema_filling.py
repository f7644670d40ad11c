"""A value that conforms to a JSON schema, filled with given phrases: how a simulated model answers in JSON."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

_MAX_ITEMS = 5
_MAX_DEPTH = 6
_SIMPLE = {"boolean": False, "null": None}
_FORMATS = {
    "date": "1970-01-01",
    "email": "nobody@example.com",
    "ipv4": "0.0.0.0",  # noqa: S104 - nobody listens there
    "ipv6": "::",
    "uuid": "00000000-0000-0000-0000-000000000000",
}
"""What a sentence is not: values that nobody takes for found ones."""
_MARK = re.compile(r"\[(\d{1,6})\]")


def fill_schema(schema: Mapping[str, Any], phrases: Sequence[str], text: str) -> Any:
    """Objects get every property, lists the phrases, lone strings the text; enums and bounds are kept.

    A list of integers holds the numbers of the documents that the text around it cites.

    Understands what structured output is asked with: types, enum, const, anyOf and its like (the first choice),
    local `$ref`, sizes.
    """
    return _Filling(schema, phrases or [text]).value(schema, text, 0)


class _Filling:
    """One schema being filled: its root (for `$ref`) and the phrases for its lists."""

    def __init__(self, root: Mapping[str, Any], phrases: Sequence[str]) -> None:
        self._root = root
        self._phrases = phrases

    def value(self, schema: Mapping[str, Any], text: str, depth: int) -> Any:
        schema = self._resolved(schema)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return schema["enum"][0]
        kind = _type(schema)
        if kind == "object":
            return self._object(schema, text, depth)
        if kind == "array":
            return self._array(schema, text, depth)
        if kind in ("integer", "number"):
            return _number(schema, kind)
        return _SIMPLE[kind] if kind in _SIMPLE else _string(schema, text)

    def _resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        for _ in range(_MAX_DEPTH):
            choices = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
            if "$ref" in schema:
                schema = self._referenced(schema["$ref"])
            elif choices:
                schema = choices[0]
            else:
                break
        return schema

    def _referenced(self, reference: str) -> Mapping[str, Any]:
        target: Any = self._root
        for part in filter(None, reference.removeprefix("#").split("/")):
            target = target[part]
        return cast("Mapping[str, Any]", target)

    def _object(self, schema: Mapping[str, Any], text: str, depth: int) -> dict[str, Any]:
        properties: Mapping[str, Any] = schema.get("properties", {})
        # A recursive schema ends by leaving out what it may leave out.
        names = list(properties) if depth < _MAX_DEPTH else [n for n in properties if n in schema.get("required", ())]
        return {name: self.value(properties[name], text, depth + 1) for name in names}

    def _array(self, schema: Mapping[str, Any], text: str, depth: int) -> list[Any]:
        least = schema.get("minItems", 0)
        most = 0 if depth >= _MAX_DEPTH else min(schema.get("maxItems", _MAX_ITEMS), _MAX_ITEMS)
        items: Mapping[str, Any] = schema.get("items", {})
        cited = list(dict.fromkeys(int(number) for number in _MARK.findall(text)))[:most]
        if _is_plain_integer(items) and len(cited) >= least:
            return cited
        count = max(least, min(len(self._phrases), most))
        values = [self.value(items, self._phrases[at % len(self._phrases)], depth + 1) for at in range(count)]
        return _distinct(values) if schema.get("uniqueItems") else values


def _type(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = kind[0]
    if kind is None:
        kind = "object" if "properties" in schema else "array" if "items" in schema else "string"
    return str(kind)


def _is_plain_integer(schema: Any) -> bool:
    return isinstance(schema, Mapping) and schema.get("type") == "integer" and not {"enum", "const"} & set(schema)


def _distinct(values: Sequence[Any]) -> list[Any]:
    return [value for at, value in enumerate(values) if value not in values[:at]]


def _number(schema: Mapping[str, Any], kind: str) -> float:
    value = schema.get("minimum", schema.get("exclusiveMinimum", -1) + 1)
    value = min(value, schema.get("maximum", value))
    return int(value) if kind == "integer" else value


def _string(schema: Mapping[str, Any], text: str) -> str:
    if schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]]
    padded = text.ljust(schema.get("minLength", 0), ".")
    return padded[: schema.get("maxLength", len(padded))]
