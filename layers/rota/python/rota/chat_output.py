"""The check of a chat's output: the text itself, or JSON that conforms to the schema that was asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from rota.errors import InvalidInputError, InvalidOutputError
from rota.steps.output import bare


def schema_check(schema: Mapping[str, Any] | None) -> Callable[[str], str]:
    """A check that gives back the text without fence or reasoning around it, and raises InvalidOutputError.

    Raises InvalidInputError itself for a schema that is none. References outside the schema are not followed: they
    would be requests to addresses that a caller chooses.
    """
    if schema is None:
        return _some_text
    from jsonschema import Draft202012Validator  # half a tenth of a second, which other calls are spared
    from jsonschema.exceptions import SchemaError
    from jsonschema_specifications import REGISTRY
    from referencing.exceptions import Unresolvable

    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        raise InvalidInputError("response_format.json_schema.schema", f"is no JSON schema: {error.message}") from error
    validator = Draft202012Validator(schema, registry=REGISTRY)

    def check(text: str) -> str:
        text = bare(text)
        try:
            value = json.loads(text)
            first = next(validator.iter_errors(value), None)
        except ValueError as error:
            raise InvalidOutputError(f"the output is not JSON: {error}") from error
        except (Unresolvable, RecursionError) as error:
            raise InvalidOutputError(f"the output cannot be checked: {type(error).__name__}") from error
        if first is not None:
            path = ".".join(map(str, first.absolute_path)) or "the value"
            raise InvalidOutputError(f"the output does not conform to the schema: {path}: {first.message[:200]}")
        return text

    return check


def _some_text(text: str) -> str:
    if not text.strip():
        raise InvalidOutputError("the model wrote nothing")
    return text
