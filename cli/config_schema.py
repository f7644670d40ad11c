"""`rota config schema`: what may stand in a pool file, as a JSON schema for editors; kept in rota.schema.json."""

from __future__ import annotations

import argparse
import json
from typing import Any

from rota.catalog import Catalog

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def main(options: argparse.Namespace) -> int:  # noqa: ARG001 - it takes none
    """Run the command; see `rota config --help`."""
    print(schema_text(), end="")
    return 0


def schema_text() -> str:
    """The schema as it stands in rota.schema.json."""
    schema = _tidy(Catalog.model_json_schema())
    return json.dumps({"$schema": DIALECT, "title": "rota.yaml", **schema}, indent=2, ensure_ascii=False) + "\n"


def _tidy(node: Any) -> Any:
    """Without titles, which only repeat the keys; and where keys must have a form, others are wrong."""
    if isinstance(node, list):
        return [_tidy(each) for each in node]
    if not isinstance(node, dict):
        return node
    tidy = {name: _tidy(value) for name, value in node.items() if name != "title" or not isinstance(value, str)}
    return {**tidy, "additionalProperties": False} if "patternProperties" in node else tidy
