"""OpenAI-compatible chat completions as Groq serves them: its headers, its error bodies, its sentences."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Mapping
from typing import Any

from local.simulated.faults import Fault, FaultKind
from local.simulated.http_server import Request, Response
from local.simulated.quotas import DAY_S, MINUTE_S, Refusal
from local.simulated.vendor import Asked, VendorModel, Vendors
from local.simulated.wire import Rejected
from rota.providers.simulated import SimulatedReply

_KINDS = {
    "tpm": "tokens per minute (TPM)",
    "itpm": "input tokens per minute (ITPM)",
    "otpm": "output tokens per minute (OTPM)",
    "tpd": "tokens per day (TPD)",
    "rpm": "requests per minute (RPM)",
    "rpd": "requests per day (RPD)",
}
_UPGRADE = "Need more tokens? Upgrade to Dev Tier today at https://console.groq.com/settings/billing"
_FAULTS: Mapping[FaultKind, tuple[int, str, str, str]] = {
    FaultKind.OUTAGE: (503, "Service Unavailable", "internal_server_error", "service_unavailable"),
    FaultKind.CAPACITY: (498, "Flex tier capacity exceeded", "flex_tier", "capacity_exceeded"),
    FaultKind.DENIED: (403, "The model is not permitted for this project", "permissions_error", "model_permission"),
}


def go_duration(seconds: float) -> str:
    """A duration as Go prints it, and so Groq: `665ms`, `4.77s`, `11m0.528s`, `1h0m2s`."""
    milliseconds = math.ceil(round(seconds * 1000, 3))
    if milliseconds < 1000:
        return f"{milliseconds}ms"
    minutes, milliseconds = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    text = f"{milliseconds / 1000:.3f}".rstrip("0").rstrip(".") + "s"
    if hours:
        return f"{hours}h{minutes}m{text}"
    return f"{minutes}m{text}" if minutes else text


class OpenAIWire:
    """See `Wire`."""

    kind = "openai_compatible"

    def __init__(self, vendors: Vendors) -> None:
        self._vendors = vendors
        self._ids = itertools.count(1)

    def parse(self, request: Request) -> Asked:
        """See `Wire.parse`."""
        self.authorize(request)
        try:
            return _asked(request.json())
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise Rejected(
                _error(400, f"invalid request: {error!r}", "invalid_request_error", "bad_request")
            ) from error

    def authorize(self, request: Request) -> None:
        """Any bearer key will do. Raises Rejected without one."""
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not key.strip():
            raise Rejected(_error(401, "Invalid API Key", "invalid_request_error", "invalid_api_key"))

    def listing(self) -> Response:
        """`GET /models`."""
        configs = [model.config for model in self._vendors.models() if model.config.wire == self.kind]
        data = [
            {
                "id": config.vendor_model,
                "object": "model",
                "created": 1_750_000_000,
                "owned_by": "simulated",
                "active": True,
                "context_window": config.context_tokens,
                "max_completion_tokens": config.max_output_tokens,
            }
            for config in configs
        ]
        return Response.of_json(200, {"object": "list", "data": data})

    def unknown_model(self, asked: Asked) -> Response:
        """See `Wire.unknown_model`."""
        return _no_such_model(asked.vendor_model)

    def check(self, model: VendorModel, asked: Asked) -> None:
        """See `Wire.check`."""
        most = model.config.max_output_tokens
        if model.output_limit(asked) > most:
            sentence = f"`max_completion_tokens` must be less than or equal to `{most}`"
            raise Rejected(_error(400, sentence, "invalid_request_error", "invalid_parameter"))
        if asked.json_schema is not None and not model.config.schema_wire:
            sentence = "This model does not support response format `json_schema`."
            raise Rejected(_error(400, sentence, "invalid_request_error", "invalid_parameter"))
        if model.input_tokens(asked) + (asked.max_output_tokens or 0) > model.config.context_tokens:
            sentence = "Please reduce the length of the messages or completion."
            raise Rejected(_error(400, sentence, "invalid_request_error", "context_length_exceeded"))

    def refused(self, model: VendorModel, refusal: Refusal) -> Response:
        """See `Wire.refused`: 413 for one request above the whole quota, 429 for what fits later."""
        if math.isinf(refusal.wait_s):
            return self._too_large(model, refusal.kind, refusal.limit, refusal.requested)
        wait_s = self._vendors.real_s(refusal.wait_s)
        figures = f"Limit {refusal.limit}, Used {math.ceil(refusal.used)}, Requested {refusal.requested}"
        return self._limited(model, refusal.kind, f"{figures}. ", wait_s)

    def faulty(self, model: VendorModel, fault: Fault) -> Response:
        """See `Wire.faulty`."""
        if fault.kind is FaultKind.RATE_LIMIT:
            return self._limited(model, "tpm", "", fault.retry_after_s)
        if fault.kind is FaultKind.TOO_LARGE:
            limit = max((limit.amount for limit in model.config.limits if limit.kind == "tpm"), default=1)
            return self._too_large(model, "tpm", limit, limit + 1)
        if fault.kind is FaultKind.NOT_FOUND:
            return _no_such_model(model.config.vendor_model)
        default = (fault.status, "Internal Server Error", "internal_server_error", "internal_error")
        status, sentence, kind, code = _FAULTS.get(fault.kind, default)
        return _error(status, fault.message or sentence, kind, fault.error or code)

    def answered(self, model: VendorModel, reply: SimulatedReply, latency_ms: int, empty: bool) -> Response:
        """See `Wire.answered`."""
        number = next(self._ids)
        message = {"role": "assistant", "content": reply.text}
        finish = "length" if reply.stop_reason == "length" else "stop"
        seconds = latency_ms / 1000
        body = {
            "id": f"chatcmpl-simulated-{number}",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": model.config.vendor_model,
            "choices": [] if empty else [{"index": 0, "message": message, "logprobs": None, "finish_reason": finish}],
            "usage": {
                "queue_time": 0.0,
                "prompt_tokens": reply.input_tokens,
                "prompt_time": 0.0,
                "completion_tokens": reply.output_tokens,
                "completion_time": seconds,
                "total_tokens": reply.input_tokens + reply.output_tokens,
                "total_time": seconds,
                "prompt_tokens_details": {"cached_tokens": 0},
            },
            "system_fingerprint": "fp_simulated",
            "service_tier": "on_demand",
            "x_groq": {"id": f"req_simulated_{number}"},
        }
        return Response.of_json(200, body, self._quota_headers(model))

    def _limited(self, model: VendorModel, kind: str, figures: str, wait_s: float) -> Response:
        advice = f"Please try again in {go_duration(wait_s)}. {_UPGRADE}"
        sentence = f"Rate limit reached for {_subject(model, kind)}: {figures}{advice}"
        headers = {**self._quota_headers(model), "retry-after": str(math.ceil(wait_s))}
        return _error(429, sentence, _error_type(kind), "rate_limit_exceeded", headers)

    def _too_large(self, model: VendorModel, kind: str, limit: int, requested: int) -> Response:
        sentence = (
            f"Request too large for {_subject(model, kind)}: Limit {limit}, Requested {requested}, "
            f"please reduce your message size and try again. {_UPGRADE}"
        )
        return _error(413, sentence, _error_type(kind), "rate_limit_exceeded", self._quota_headers(model))

    def _quota_headers(self, model: VendorModel) -> dict[str, str]:
        """Requests are those per day (where there is such a quota), tokens those per minute; resets are to full."""
        state = model.quotas.state(self._vendors.now_s())
        headers = {}
        for name, kinds in (("requests", ("rpd", "rpm")), ("tokens", ("tpm", "itpm"))):
            kind = next((kind for kind in kinds if kind in state), None)
            if kind is None:
                continue
            limit, used = state[kind]
            window_s = DAY_S if kind == "rpd" else MINUTE_S
            headers[f"x-ratelimit-limit-{name}"] = str(limit)
            headers[f"x-ratelimit-remaining-{name}"] = str(max(0, math.floor(limit - used)))
            headers[f"x-ratelimit-reset-{name}"] = go_duration(self._vendors.real_s(used / max(1, limit) * window_s))
        return headers


def _asked(body: Mapping[str, Any]) -> Asked:
    if body.get("stream") or body.get("n", 1) != 1:
        raise ValueError("simulated models do not stream, and give one choice")
    texts: dict[str, list[str]] = {"system": [], "user": []}
    for message in body["messages"]:
        role = "system" if message["role"] in ("system", "developer") else "user"
        texts[role].append(_text(message["content"]))
    asked_format = body.get("response_format") or {}
    schema = asked_format.get("json_schema", {}).get("schema")
    if asked_format.get("type") == "json_object":
        schema = {"type": "object", "properties": {"answer": {"type": "string"}}}
    return Asked(
        vendor_model=body["model"],
        system="\n".join(texts["system"]),
        prompt="\n".join(texts["user"]),
        max_output_tokens=body.get("max_completion_tokens", body.get("max_tokens")),
        json_schema=schema,
    )


def _text(content: str | list[Mapping[str, Any]]) -> str:
    return content if isinstance(content, str) else "\n".join(part["text"] for part in content if "text" in part)


def _subject(model: VendorModel, kind: str) -> str:
    name = model.config.vendor_model
    return f"model `{name}` in organization `org_simulated` service tier `on_demand` on {_KINDS[kind]}"


def _error_type(kind: str) -> str:
    return "requests" if kind.startswith("r") else "tokens"


def _no_such_model(vendor_model: str) -> Response:
    sentence = f"The model `{vendor_model}` does not exist or you do not have access to it."
    return _error(404, sentence, "invalid_request_error", "model_not_found")


def _error(status: int, message: str, error_type: str, code: str, headers: Mapping[str, str] | None = None) -> Response:
    return Response.of_json(status, {"error": {"message": message, "type": error_type, "code": code}}, headers)
