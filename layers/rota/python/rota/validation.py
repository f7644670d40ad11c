"""A validator's errors as a person can use them: the path in the file, what is allowed there, what was likely meant."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

SHOWN_CHARACTERS = 60
"""Of a value that is wrong."""
_SUBJECT = re.compile(r"^(?:Input|Value|String|List|Tuple|Dictionary|Data) should ")
_IN_QUOTES = re.compile(r"'([^']*)'")
_SAID = {
    **dict.fromkeys(("dict_type", "mapping_type", "model_type"), "must be a mapping: keys with values"),
    **dict.fromkeys(("list_type", "tuple_type"), "must be a list"),
}
"""In place of the validator's own words, which are about Python."""


def sentences(errors: Iterable[ErrorDetails], document: Any, schema: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong in a parsed file, by path; alternatives of which none fits are one sentence.

    `schema` is the JSON schema of the whole file.
    """
    found: dict[str, list[str]] = {}
    for error in errors:
        if error["type"] == "too_short" and len(error["input"]) >= error["ctx"]["min_length"]:
            continue  # it counts only what is valid, and what is not has an error of its own
        place = _place(error, document)
        found.setdefault(".".join(map(str, place)), []).append(_sentence(error, place, document, schema))
    return {path: ", or ".join(dict.fromkeys(said)) for path, said in found.items()}


def meant(given: object, allowed: Iterable[object]) -> str:
    """`; did you mean 'rotate'?`, or nothing when none of what is allowed is near."""
    near = get_close_matches(str(given), list(map(str, allowed)), 1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _place(error: ErrorDetails, document: Any) -> tuple[int | str, ...]:
    """Where it is in the file: the validator's path without the names of its own alternatives."""
    kept: list[int | str] = []
    at = document
    for part in error["loc"]:
        if _has(at, part):
            kept.append(part)
            at = at[part]
    if error["type"] == "missing":
        kept.append(error["loc"][-1])
    if error["type"].startswith("union_tag_"):
        kept.append(error["ctx"]["discriminator"].strip("'"))
    return tuple(kept)


def _has(value: Any, part: int | str) -> bool:
    if isinstance(value, Mapping):
        return part in value
    return isinstance(value, list | tuple) and isinstance(part, int) and part < len(value)


def _sentence(error: ErrorDetails, place: Sequence[int | str], document: Any, schema: Mapping[str, Any]) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind in _SAID:
        return _SAID[kind]
    if kind == "extra_forbidden":
        allowed = _allowed(_at(schema, document, place[:-1]))
        return f"unknown key; allowed: {', '.join(allowed)}{meant(place[-1], allowed)}"
    if kind in ("missing", "union_tag_not_found"):
        allowed = _allowed(_at(schema, document, place))
        return f"is missing; allowed: {', '.join(allowed)}" if allowed else "is missing"
    if kind == "union_tag_invalid":
        return _choice(context["tag"], context["expected_tags"].replace(", ", " or "))
    if kind in ("literal_error", "enum"):
        return _choice(error["input"], context["expected"])
    said = _SUBJECT.sub("must ", error["msg"].removeprefix("Value error, ")).partition(", unable to ")[0]
    return f"{said}{_not(error['input'])}" if said.startswith("must ") else said


def _choice(given: Any, expected: str) -> str:
    """`expected` such as `'a', 'b' or 'c'`."""
    return f"must be {expected}{_not(given)}{meant(given, _IN_QUOTES.findall(expected))}"


def _not(given: Any) -> str:
    """What stands there, if it is short enough to be shown."""
    shown = repr(given) if given is None or isinstance(given, str | int | float) else ""
    return f", not {shown}" if 0 < len(shown) <= SHOWN_CHARACTERS else ""


def _at(schema: Mapping[str, Any], document: Any, place: Sequence[int | str]) -> list[Mapping[str, Any]]:
    """The schema of a place of the file, of which there are several where it may be one thing or another."""
    shapes, at = list(_shapes(schema, schema, document)), document
    for part in place:
        at = at[part] if _has(at, part) else None
        shapes = [shape for each in shapes for below in _below(each, part) for shape in _shapes(schema, below, at)]
    return shapes


def _allowed(shapes: Iterable[Mapping[str, Any]]) -> list[str]:
    """The values that may stand at a place, or the keys; nothing where any text or number may."""
    allowed: dict[str, None] = {}
    for shape in shapes:
        values = shape.get("enum") or ([shape["const"]] if "const" in shape else shape.get("properties", ()))
        allowed |= dict.fromkeys(map(str, values))
    return list(allowed)


def _shapes(schema: Mapping[str, Any], node: Mapping[str, Any], value: Any) -> Iterator[Mapping[str, Any]]:
    """A node's alternatives; only the one that a value says it is, where values say that."""
    if "$ref" in node:
        yield from _shapes(schema, schema["$defs"][node["$ref"].rpartition("/")[2]], value)
        return
    alternatives = node.get("anyOf") or node.get("oneOf") or ()
    said = node.get("discriminator")
    if said and isinstance(value, Mapping) and value.get(said["propertyName"]) in said["mapping"]:
        alternatives = [{"$ref": said["mapping"][value[said["propertyName"]]]}]
    for each in alternatives:
        yield from _shapes(schema, each, value)
    if not alternatives:
        yield node


def _below(node: Mapping[str, Any], part: int | str) -> Iterator[Mapping[str, Any]]:
    properties = node.get("properties", {})
    if part in properties:
        yield properties[part]
        return
    yield from node.get("patternProperties", {}).values()
    yield from (each for each in (node.get("items"), node.get("additionalProperties")) if isinstance(each, Mapping))
