"""Asking for JSON in words, for wires that cannot be told otherwise.

Bedrock has a field for it (`outputConfig.textFormat`), but only for some models, and Amazon's Nova are not among them;
a schema in the system prompt works with every model. What comes back is checked by the caller either way.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

_SCHEMA = re.compile(r"<json_schema>(.*?)</json_schema>", re.DOTALL)
_FENCE = re.compile(r"\A\s*```[a-zA-Z]*\s*\n(.*?)\n?\s*```\s*\Z", re.DOTALL)


def schema_instruction(schema: Mapping[str, Any]) -> str:
    """The sentences that ask for `schema`; count them when estimating a call's input tokens."""
    # An escaped "<" keeps a description inside the schema from closing the delimiter.
    text = json.dumps(schema, separators=(",", ":")).replace("<", "\\u003c")
    return (
        "Reply with one JSON value that conforms to the JSON schema below: no other text, no code fence.\n"
        f"<json_schema>{text}</json_schema>"
    )


def find_schema(prompt: str) -> dict[str, Any] | None:
    """The schema that `schema_instruction` wrote into a prompt, or None."""
    found = _SCHEMA.search(prompt)
    return json.loads(found.group(1)) if found else None


def without_fence(text: str) -> str:
    """`text` without the Markdown code fence that models like to put around JSON."""
    fenced = _FENCE.match(text)
    return fenced.group(1) if fenced else text
