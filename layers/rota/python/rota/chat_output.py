"""The check of a chat's output: the text itself, or JSON that conforms to the schema that was asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rota.errors import InvalidOutputError
from rota.steps.conformity import Conformity
from rota.steps.schema_rules import check_schema

FIELD = "response_format.json_schema.schema"


def schema_check(schema: Mapping[str, Any] | None) -> Callable[[str], str]:
    """A check that gives back the text without fence, reasoning or words around it, and raises InvalidOutputError.

    Raises InvalidInputError itself for a schema that is not taken (see `steps.schema_rules`).
    """
    if schema is None:
        return _some_text
    check_schema(schema, FIELD)
    conformity = Conformity(schema)
    return lambda text: conformity.read(text).text


def _some_text(text: str) -> str:
    if not text.strip():
        raise InvalidOutputError("the model wrote nothing")
    return text
