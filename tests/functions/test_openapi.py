"""The API's own description: valid, whole, and about what is really there."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from openapi_spec_validator import validate

from functions.serve_api.handler import handle
from functions.serve_api.openapi import HEADERS, STATUS
from functions.serve_api.routes import ROUTES
from tests.fixtures.job_stack import REPOSITORY, Context, job_stack


def get(path: str, method: str = "GET") -> dict[str, Any]:
    """A request with a valid key; the reply as the gateway gets it."""
    event = json.loads((REPOSITORY / "events" / "serve_api" / "list_models.json").read_text("utf-8"))
    event["rawPath"] = event["requestContext"]["http"]["path"] = path
    event["requestContext"]["http"]["method"] = method
    with job_stack():
        return handle(event, Context())


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """As a client gets it."""
    reply = get("/v1/openapi.json")
    assert (reply["statusCode"], reply["headers"]["Content-Type"]) == (200, "application/json")
    found: dict[str, Any] = json.loads(reply["body"])
    return found


def test_it_is_valid_and_tells_of_every_route_and_no_other(document: dict[str, Any]) -> None:
    """Also the table of the documentation is about the same routes."""
    validate(document)
    said = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    there = {(method, path.replace("<", "{").replace(">", "}")) for path, m in ROUTES.items() for method in m}
    assert said == there
    table = re.findall(r"^\| `([A-Z]+) (/v1/[^?`]*)", (REPOSITORY / "docs/api.md").read_text("utf-8"), re.M)
    assert set(table) == there


def test_operations_say_what_they_take_and_answer(document: dict[str, Any]) -> None:
    """Requests with their limits, headers, the good status, errors in our one shape, a key."""
    create = document["paths"]["/v1/jobs"]["post"]
    assert create["summary"] == "Start a job; with an Idempotency-Key, once."
    assert create["requestBody"]["content"]["application/json"]["schema"]["$ref"].endswith("JobRequest")
    assert set(create["responses"]) == {"202", "4XX", "5XX"}
    assert [each["name"] for each in create["parameters"]] == ["Idempotency-Key"]
    assert "304" in document["paths"]["/v1/jobs/{job_id}"]["get"]["responses"]
    schemas = document["components"]["schemas"]
    assert schemas["JobOptions"]["properties"]["depth"]
    assert {"Problem", "JobRequest", "ChatRequest"} <= set(schemas)
    assert not [name for name in schemas if "ValidationError" in name]
    assert document["security"] == [{"key": []}]
    ids = [operation["operationId"] for methods in document["paths"].values() for operation in methods.values()]
    assert len(ids) == len(set(ids))
    assert set(STATUS) | set(HEADERS) <= set(ids)


def test_no_field_is_of_several_types_unnoticed(document: dict[str, Any]) -> None:
    """The validator adds the type's name to the path of what is wrong: such a field needs a sentence of its own."""
    several = [
        f"{name}.{field}"
        for name, schema in document["components"]["schemas"].items()
        for field, found in schema.get("properties", {}).items()
        if sum(kind != {"type": "null"} for kind in found.get("anyOf", ())) > 1
    ]
    assert several == ["Message.content"]


def test_an_unknown_path_leads_to_it() -> None:
    """And what a path takes is still said for the methods that it does not."""
    lost = json.loads(get("/v1/job")["body"])
    assert "/v1/openapi.json" in lost["error"]["message"]
    assert get("/v1/openapi.json", "DELETE")["statusCode"] == 405
