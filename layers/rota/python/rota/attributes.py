"""Plain values as DynamoDB's typed attributes, and back: text, whole numbers and truth are all that items hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Plain = str | int | bool


def typed(values: Mapping[str, Plain | None]) -> dict[str, Any]:
    """Attributes as the client wants them; None is left out."""
    return {name: _typed(value) for name, value in values.items() if value is not None}


def plain(item: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """An item of the client as plain values."""
    return {name: _plain(attribute) for name, attribute in item.items()}


def _typed(value: Plain) -> dict[str, Any]:
    if isinstance(value, bool):  # before int, which a bool is as well
        return {"BOOL": value}
    return {"N": str(value)} if isinstance(value, int) else {"S": value}


def _plain(attribute: Mapping[str, Any]) -> Any:
    ((kind, value),) = attribute.items()
    return int(value) if kind == "N" else value
