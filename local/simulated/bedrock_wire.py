"""Bedrock's Converse as REST-JSON: `POST /model/{id}/converse`, error types in `x-amzn-errortype`.

Types, statuses and sentences as botocore's model and Bedrock's users report them; no header speaks of quotas.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from typing import Any

from local.simulated.faults import Fault, FaultKind
from local.simulated.http_server import Request, Response
from local.simulated.quotas import Refusal
from local.simulated.vendor import Asked, VendorModel
from local.simulated.wire import Rejected
from rota.providers.simulated import SimulatedReply

_TYPES = {
    400: "ValidationException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    408: "ModelTimeoutException",
    424: "ModelErrorException",
    429: "ThrottlingException",
    500: "InternalServerException",
    503: "ServiceUnavailableException",
}
_REFUSALS = {
    "rpm": "Too many requests, please wait before trying again.",
    "rpd": "Too many requests per day, please wait before trying again.",
    "tpd": "Too many tokens per day, please wait before trying again.",
}
_TOO_MANY_TOKENS = "Too many tokens, please wait before trying again."
_TOO_LONG = "Input is too long for requested model."
_FAULTS: Mapping[FaultKind, tuple[int, str]] = {
    FaultKind.RATE_LIMIT: (429, _TOO_MANY_TOKENS),
    FaultKind.OUTAGE: (503, "Bedrock is unable to process your request."),
    FaultKind.CAPACITY: (503, "Bedrock is unable to process your request."),
    FaultKind.TOO_LARGE: (400, _TOO_LONG),
    FaultKind.DENIED: (403, "You don't have access to the model with the specified model ID."),
    FaultKind.NOT_FOUND: (404, "This model version has reached the end of its life."),
}


class BedrockWire:
    """See `Wire`."""

    kind = "bedrock"

    def __init__(self) -> None:
        self._ids = itertools.count(1)

    def parse(self, request: Request) -> Asked:
        """Any signature passes (SigV4, or a Bedrock API key as bearer), none does not."""
        if not request.headers.get("authorization", "").startswith(("AWS4-HMAC-SHA256 ", "Bearer ")):
            raise Rejected(self._error(403, "Missing Authentication Token", "MissingAuthenticationTokenException"))
        try:
            return _asked(request.path, request.json())
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise Rejected(self._error(400, f"Malformed input request: {error!r}")) from error

    def unknown_model(self, asked: Asked) -> Response:
        """See `Wire.unknown_model`; Bedrock calls it a validation error."""
        return self._error(400, f"The provided model identifier is invalid. ({asked.vendor_model})")

    def check(self, model: VendorModel, asked: Asked) -> None:
        """See `Wire.check`."""
        config = model.config
        if asked.json_schema is not None and not config.schema_wire:
            field = "outputConfig.textFormat"
            sentence = f"This model doesn't support the {field} field. Remove {field} and try again."
            raise Rejected(self._error(400, sentence))
        if model.output_limit(asked) > config.max_output_tokens:
            most = config.max_output_tokens
            raise Rejected(
                self._error(
                    400,
                    f"The maximum tokens you requested exceeds the model limit of {most}. "
                    f"Try again with a maximum tokens value that is lower than {most}.",
                )
            )
        if model.input_tokens(asked) > config.context_tokens:
            raise Rejected(self._error(400, _TOO_LONG))

    def refused(self, _model: VendorModel, refusal: Refusal) -> Response:
        """See `Wire.refused`; Bedrock does not say how long to wait."""
        return self._error(429, _REFUSALS.get(refusal.kind, _TOO_MANY_TOKENS))

    def faulty(self, _model: VendorModel, fault: Fault) -> Response:
        """See `Wire.faulty`."""
        status, sentence = _FAULTS.get(fault.kind, (fault.status, "The system encountered an unexpected error."))
        return self._error(status, fault.message or sentence, fault.error)

    def answered(self, _model: VendorModel, reply: SimulatedReply, latency_ms: int, empty: bool) -> Response:
        """See `Wire.answered`."""
        content = [] if empty else [{"text": reply.text}]
        body: dict[str, Any] = {
            "output": {"message": {"role": "assistant", "content": content}},
            "stopReason": "max_tokens" if reply.stop_reason == "length" else "end_turn",
            "usage": {
                "inputTokens": reply.input_tokens,
                "outputTokens": reply.output_tokens,
                "totalTokens": reply.input_tokens + reply.output_tokens,
            },
            "metrics": {"latencyMs": latency_ms},
        }
        return Response.of_json(200, body, {"x-amzn-requestid": self._request_id()})

    def _error(self, status: int, message: str, error_type: str = "") -> Response:
        name = error_type or _TYPES.get(status, "InternalServerException")
        headers = {
            "x-amzn-errortype": f"{name}:http://internal.amazon.com/coral/com.amazon.bedrock/",
            "x-amzn-requestid": self._request_id(),
        }
        return Response.of_json(status, {"message": message}, headers)

    def _request_id(self) -> str:
        return f"simulated-{next(self._ids):08d}"


def _asked(path: str, body: Mapping[str, Any]) -> Asked:
    texts = [block["text"] for message in body["messages"] for block in message["content"] if "text" in block]
    schema = body.get("outputConfig", {}).get("textFormat", {}).get("structure", {}).get("jsonSchema")
    return Asked(
        vendor_model=path.removeprefix("/model/").removesuffix("/converse"),
        system="\n".join(block["text"] for block in body.get("system", ()) if "text" in block),
        prompt="\n".join(texts),
        max_output_tokens=body.get("inferenceConfig", {}).get("maxTokens"),
        json_schema=json.loads(schema["schema"]) if schema else None,
    )
