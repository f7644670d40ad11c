"""`POST /v1/chat/completions` as OpenAI's clients send it: read, route, call, answer in their shape."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, cast, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator
from pydantic_core import PydanticCustomError

from functions import parts
from functions.call_watcher import CallWatcher
from functions.serve_api.callers import Caller
from rota.calls import Finished
from rota.catalog import Catalog
from rota.chat_output import schema_check
from rota.documents.tokens import estimate_tokens
from rota.errors import AllModelsFailedError, InvalidInputError
from rota.money import usd
from rota.outcomes.decisions import new_decision_id
from rota.policy import Task
from rota.providers.base import ModelCall, Turn
from rota.providers.structured_output import schema_instruction
from rota.routing.request import ModelRequest
from rota.schemas import Degree, Strict

LONGEST_WAIT_MS = 8_000
"""For quota: an API gateway gives up after 30 s, and the call itself needs its time."""
LONGEST_CALL_MS = 25_000
DEFAULT_OUTPUT_TOKENS = 1024
"""When the caller sets no bound: what is not used is given back, but until then it is booked."""
TIERS: Mapping[str, Literal[1, 2, 3]] = {"tier-1": 1, "tier-2": 2, "tier-3": 3}


class TextPart(Strict):
    """A piece of a message; only text is taken."""

    type: Literal["text"]
    text: str


def _only_text(content: Any, read: ValidatorFunctionWrapHandler) -> str | list[TextPart]:
    """One sentence about the field: for each type of a union the validator would make up a path that nobody typed."""
    try:
        return cast("str | list[TextPart]", read(content))
    except ValidationError as error:
        raise PydanticCustomError(
            "only_text", 'must be a text, or a list of parts {"type": "text", "text": …}: only text is taken'
        ) from error


class Message(BaseModel):
    """One message of the conversation. A `name` is passed over."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    role: Literal["system", "developer", "user", "assistant"]
    content: Annotated[str | list[TextPart], WrapValidator(_only_text)]
    name: str | None = None

    @property
    def text(self) -> str:
        """The whole content."""
        return self.content if isinstance(self.content, str) else "\n".join(part.text for part in self.content)


class JsonSchema(BaseModel):
    """A name and a schema; what else there may be (`strict`, `description`) is passed over."""

    name: str = ""
    schema_: dict[str, Any] = Field(alias="schema")


class ResponseFormat(BaseModel):
    """Free text, any JSON object, or JSON that conforms to a schema."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None


class ChatRequest(Strict):
    """The body. What would change the answer and is not here (`tools`, `top_p`, `stop`, `seed`) is refused.

    `metadata` may hold `task`, `feature`, `value`, `error_tolerance`, `business_impact`, `least_tier`; other keys are
    the caller's own.
    """

    model: str = Field(default="auto", min_length=1, max_length=100)
    messages: list[Message] = Field(min_length=1, max_length=1000)
    max_tokens: int | None = Field(default=None, ge=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    response_format: ResponseFormat | None = None
    n: Literal[1] | None = None
    stream: bool = False
    stream_options: dict[str, Any] | None = None
    user: str | None = Field(default=None, max_length=200)
    metadata: dict[str, str] | None = None
    store: Literal[False] | None = None


class Chat:
    """One request on its way."""

    def __init__(self, body: ChatRequest, caller: Caller) -> None:
        self._body, self._caller = body, caller
        self.decision_id = new_decision_id(parts.ledger().clock.now_ms())
        self.call = _call(body)

    def answer(self, least_tier: Literal[1, 2, 3], remaining_ms: Any) -> tuple[Finished[str], CallWatcher]:
        """Route and call. Raises PoolBusyError, AllModelsFailedError, BudgetSpentError, NoCapacityError, …"""
        catalog = parts.catalog()
        watcher = CallWatcher(
            self._caller.owner, self._caller.feature, self.decision_id, f"calls/{self.decision_id[:6]}/"
        )
        gateway = parts.gateway(watcher, self._caller.budget_usd)
        request = gateway.classified(self.request(catalog, least_tier), remaining_ms)
        schema = self.call.json_schema
        try:
            outcome = gateway.run(request, self.call, schema_check(schema), remaining_ms)
            if not isinstance(outcome, Finished):  # the time is over, and a caller on the line cannot come back
                raise AllModelsFailedError(outcome.pending.attempts)
            watcher.decided(outcome)
            return outcome, watcher
        finally:
            watcher.finish()

    def request(self, catalog: Catalog, least_tier: Literal[1, 2, 3] = 1) -> ModelRequest:
        """What is to be routed."""
        body, call, metadata = self._body, self.call, self._body.metadata or {}
        texts = [call.system, *(turn.text for turn in call.turns)]
        if call.json_schema is not None:
            texts.append(schema_instruction(call.json_schema))
        asked = _least_tier(metadata)
        return ModelRequest(
            task=cast(Task, _one_of(metadata, "task", get_args(Task), "chat")),
            pool="",
            **target_of(body.model, catalog),
            input_tokens=sum(map(estimate_tokens, texts)),
            max_output_tokens=call.max_output_tokens,
            rotation=int(self.decision_id[-6:], 16),
            least_tier=max(least_tier, asked),
            priority="interactive",
            needs=("json",) if call.json_schema is not None else (),
            stakes=self._caller.stakes(
                value=cast(Degree, _one_of(metadata, "value", get_args(Degree), "low")),
                error_tolerance=cast(Degree, _one_of(metadata, "error_tolerance", get_args(Degree), "medium")),
                business_impact=cast(Degree, _one_of(metadata, "business_impact", get_args(Degree), "low")),
            ),
            text=call.prompt,
            subjects={"user": body.user or self._caller.owner, "request": self.decision_id},
            max_wait_ms=LONGEST_WAIT_MS,
            timeout_ms=LONGEST_CALL_MS,
        )


def reply_of(finished: Finished[str], decision_id: str, watcher: CallWatcher) -> dict[str, Any]:
    """OpenAI's object; under `rota` how it came about."""
    completion, record = finished.completion, finished.record
    prompt_tokens = completion.usage.input_tokens + completion.usage.cached_tokens
    return {
        "id": f"chatcmpl-{decision_id[2:]}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": record.model,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": finished.value},
                "finish_reason": {"length": "length", "filtered": "content_filter"}.get(completion.stop_reason, "stop"),
                "logprobs": None,
            }
        ],
        "usage": {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion.usage.output_tokens,
            "total_tokens": prompt_tokens + completion.usage.output_tokens,
            "prompt_tokens_details": {"cached_tokens": completion.usage.cached_tokens},
        },
        "rota": {
            "decision": decision_id,
            **record.decision.as_dict(),
            "model": record.model,
            "model_tier": record.tier,
            "provider": record.provider,
            "fallback_used": finished.fallback_used,
            "fallback_from": record.fallback_from,
            "escalated_from": record.escalated_from,
            "repaired": record.repaired,
            "attempts": [
                {"model": each.model, "code": each.code, "message": each.message} for each in finished.attempts
            ],
            "wait_ms": record.wait_ms,
            "latency_ms": record.latency_ms,
            "cost_usd": usd(sum(each.cost_nanousd for each in watcher.records)),
        },
    }


def events_of(reply: Mapping[str, Any], usage: bool) -> str:
    """The reply as the stream of events that `stream: true` asks for, in one piece: a function cannot trickle."""
    (choice,) = reply["choices"]
    base = {name: reply[name] for name in ("id", "created", "model")} | {"object": "chat.completion.chunk"}
    deltas: Sequence[tuple[dict[str, Any], str | None]] = [
        ({"role": "assistant", "content": choice["message"]["content"]}, None),
        ({}, choice["finish_reason"]),
    ]
    chunks: list[dict[str, Any]] = [
        {**base, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]} for delta, finish in deltas
    ]
    chunks[-1]["rota"] = reply["rota"]
    if usage:
        chunks.append({**base, "choices": [], "usage": reply["usage"]})
    return "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"


def _call(body: ChatRequest) -> ModelCall:
    system = "\n\n".join(each.text for each in body.messages if each.role in ("system", "developer"))
    turns = _turns(body.messages)
    schema = None
    if body.response_format and body.response_format.type == "json_object":
        schema = {"type": "object"}
    elif body.response_format and body.response_format.type == "json_schema":
        if body.response_format.json_schema is None:
            raise InvalidInputError("response_format.json_schema", "is needed with the type json_schema")
        schema = body.response_format.json_schema.schema_
    return ModelCall(
        system=system,
        prompt=turns[-1].text,
        max_output_tokens=body.max_completion_tokens or body.max_tokens or DEFAULT_OUTPUT_TOKENS,
        temperature=0.2 if body.temperature is None else body.temperature,
        json_schema=schema,
        history=tuple(turns[:-1]),
    )


def _turns(messages: Sequence[Message]) -> list[Turn]:
    """The conversation with turns that alternate, as Bedrock wants them: neighbours of one role become one."""
    turns: list[Turn] = []
    for message in messages:
        if message.role not in ("user", "assistant"):
            continue
        if turns and turns[-1].role == message.role:
            turns[-1] = Turn(turns[-1].role, f"{turns[-1].text}\n\n{message.text}")
        else:
            turns.append(Turn(message.role, message.text))
    if not turns or turns[0].role != "user" or turns[-1].role != "user":
        raise InvalidInputError("messages", "must begin and end with a message of the user (besides system messages)")
    if not turns[-1].text.strip():
        last = max(at for at, message in enumerate(messages) if message.role == "user")
        raise InvalidInputError(f"messages.{last}.content", "must not be empty")
    return turns


def target_of(name: str, catalog: Catalog) -> dict[str, Any]:
    """What a model's name stands for: `auto`, a tier, a model's id, or a pool."""
    if name == "auto":
        return {}
    if name in TIERS:
        return {"tier": TIERS[name]}
    if any(model.id == name for model in catalog.models):
        return {"model": name}
    if name in catalog.pools:
        return {"named_pool": name}
    allowed = ["auto", *TIERS, *sorted(catalog.pools), *sorted(model.id for model in catalog.models)]
    raise InvalidInputError("model", f"unknown model {name[:100]!r}; allowed: {', '.join(allowed)}")


def _least_tier(metadata: Mapping[str, str]) -> Literal[1, 2, 3]:
    return cast(Literal[1, 2, 3], int(_one_of(metadata, "least_tier", ("1", "2", "3"), "1")))


def _one_of(metadata: Mapping[str, str], name: str, allowed: Sequence[str], otherwise: str) -> str:
    value = metadata.get(name, otherwise)
    if value not in allowed:
        raise InvalidInputError(f"metadata.{name}", f"unknown value {value[:50]!r}; allowed: {', '.join(allowed)}")
    return value
