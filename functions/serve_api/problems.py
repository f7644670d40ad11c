"""Errors as the API tells them: `{"error": {"code", "message", "field"?, "request_id"}}`."""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler.exceptions import NotFoundError as NoRouteError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError

from rota.errors import (
    AllModelsFailedError,
    InvalidInputError,
    NoCapacityError,
    PoolBusyError,
    ProviderRejectedError,
    RotaError,
)
from rota.observability import logger

JSON = "application/json"
NO_PATH = "there is no such path; GET /v1/openapi.json lists those that there are"
UNKNOWN = "Something went wrong on our side. Try again; if it stays, tell us the request id."


class MethodNotAllowedError(RotaError):
    """The path exists, for other methods; `allowed` lists them."""

    code = "method_not_allowed"
    http_status = 405

    def __init__(self, allowed: Sequence[str]) -> None:
        self.allowed = ", ".join(sorted(allowed))
        super().__init__(f"this path takes {self.allowed}")


class UnsupportedMediaTypeError(RotaError):
    """The body is not said to be JSON."""

    code = "unsupported_media_type"
    http_status = 415


class NotAuthenticatedError(RotaError):
    """The authorizer told of no owner, or of none that can be one."""

    code = "not_authenticated"
    http_status = 401


@dataclass(frozen=True, slots=True)
class Problem:
    """One error of the API; `field` is the path of what is wrong in the request."""

    status: int
    code: str
    message: str
    field: str = ""
    headers: Mapping[str, str] | None = None

    def body(self, request_id: str) -> dict[str, Any]:
        """The one shape."""
        named = {"field": self.field} if self.field else {}
        return {"error": {"code": self.code, "message": self.message, **named, "request_id": request_id}}

    def as_reply(self, request_id: str) -> dict[str, Any]:
        """The response of a function behind an HTTP API."""
        headers = {"Content-Type": JSON, **(self.headers or {})}
        body = json.dumps(self.body(request_id))
        return {"statusCode": self.status, "headers": headers, "body": body, "isBase64Encoded": False}


def problem_of(error: Exception) -> Problem:  # noqa: PLR0911 - one line for each kind of error
    """What to tell of an error. Only Rota's own sentences and the validator's are told, never another library's."""
    match error:
        case RequestValidationError():
            return _invalid(error.errors()[0])
        case NoRouteError():
            return Problem(HTTPStatus.NOT_FOUND, "not_found", NO_PATH)
        case MethodNotAllowedError():
            return Problem(error.http_status, error.code, str(error), headers={"Allow": error.allowed})
        case InvalidInputError():
            return Problem(error.http_status, error.code, error.message, error.field)
        case PoolBusyError():
            wait_s = max(1, -(-(error.retry_at_ms - time.time_ns() // 1_000_000) // 1000))
            said = f"{error}; try again in {wait_s} s"
            return Problem(error.http_status, error.code, said, headers={"Retry-After": str(wait_s)})
        case AllModelsFailedError() | NoCapacityError():
            return Problem(error.http_status, error.code, str(error))
        case ProviderRejectedError():
            return Problem(HTTPStatus.BAD_REQUEST, error.code, f"the model's provider rejects the request: {error}")
        case RotaError() if error.http_status < HTTPStatus.INTERNAL_SERVER_ERROR:
            return Problem(error.http_status, error.code, str(error))
        case _:
            return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, RotaError.code, UNKNOWN)


def report(error: Exception) -> None:
    """Log an error that is ours, by where it arose: its text may quote a request, and so a document or a key."""
    if problem_of(error).status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return
    frames = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
    code = getattr(error, "response", {}).get("Error", {}).get("Code")
    told = {"event": "request_failed", "error": type(error).__name__, "aws_code": code, "frames": frames[-8:]}
    logger.error("request failed", extra=told)


def _invalid(first: Mapping[str, Any]) -> Problem:
    """The validator's first finding; its place begins with the part of the request, which is no key of it."""
    place = [str(part) for part in first["loc"][1:]]
    if place[:1] == ["sources"] and len(place) > 2:
        del place[2]  # the validator's name of the source's type, which is none either
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, InvalidInputError.code, first["msg"], ".".join(place) or "body")
