"""This API as an OpenAPI 3.1 document, made from the routes and their validation: it cannot say anything else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

TITLE, VERSION = "Rota", "1"
ABOUT = "Reads a pile of documents with every model you have quota for, and never trips a rate limit."

STATUS = {"create_job": 202, "stop_job": 202, "rerun_job": 202, "create_upload": 201}
"""What a route answers when all is well, by its function's name, where that is not 200."""

HEADERS: Mapping[str, Mapping[str, str]] = {
    "create_job": {"Idempotency-Key": "A repeated request with the same key and body gets the first one's job."},
    "show_job": {
        "If-None-Match": "An ETag of this job: 304 while nothing has changed.",
        "Prefer": "`wait=20`: answer at the next change, at the latest after so many seconds.",
    },
}
"""Headers that a route looks at, by its function's name, and what they do."""

_NOT_OURS = ("HTTPValidationError", "ValidationError", "ResponseValidationError")
_PROBLEM = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "request_id"],
            "properties": {
                "code": {"type": "string", "description": "Stays the same; for programs."},
                "message": {"type": "string", "description": "A sentence for people."},
                "field": {"type": "string", "description": "The path of what is wrong in the request."},
                "request_id": {"type": "string"},
            },
        }
    },
}


@cache
def document(app: APIGatewayHttpResolver) -> str:
    """The document as JSON. Bodies of requests are described whole, those of replies are objects."""
    found: dict[str, Any] = json.loads(app.get_openapi_json_schema(title=TITLE, version=VERSION, description=ABOUT))
    del found["servers"]  # wherever this was had from
    for operations in found["paths"].values():
        for operation in operations.values():
            _describe(operation)
    components = found["components"]
    for name in _NOT_OURS:
        components["schemas"].pop(name, None)
    components["schemas"]["Problem"] = _PROBLEM
    problem = {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    components["responses"] = {"Problem": {"description": "What is wrong, in one shape", "content": problem}}
    components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    found["security"] = [{"key": []}]
    return json.dumps(found)


def _describe(operation: dict[str, Any]) -> None:
    """The name of its function as its id, its headers, and what it really answers."""
    name = operation["operationId"].partition("_v1_")[0]
    operation["operationId"] = name
    headers = [
        {"name": header, "in": "header", "required": False, "schema": {"type": "string"}, "description": does}
        for header, does in HEADERS.get(name, {}).items()
    ]
    if headers:
        operation["parameters"] = [*operation.get("parameters", ()), *headers]
    good = {"description": "Done", "content": {"application/json": {"schema": {"type": "object"}}}}
    problem = {"$ref": "#/components/responses/Problem"}
    operation["responses"] = {str(STATUS.get(name, 200)): good, "4XX": problem, "5XX": problem}
    if "If-None-Match" in HEADERS.get(name, {}):
        operation["responses"]["304"] = {"description": "Nothing has changed"}
