"""LiteLLM's Router, configured as its documentation recommends for a pool with quotas.

One event loop per process runs the Router's asynchronous side, which is the one that all its strategies support.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Mapping
from typing import Any

import litellm
from litellm.router import Router
from litellm.types.router import RetryPolicy

from benchmarks.peers.policies.base import Ask, Done, Setting

RETRIES = 100
"""The default is 2; the burst is far over the quotas, and nothing may be lost."""
COOLDOWN_S = 5.0
"""LiteLLM's default, used where the vendor does not say how long to wait; a `retry-after` goes before it."""
TIMEOUT_S = 60.0
LONGEST_S = 600.0
"""After this a call is given up, should the Router ever hang."""


class LiteLLMRouter:
    """The pool is one model group; each model is a deployment with its `tpm` and its context window."""

    def __init__(self, setting: Setting) -> None:
        logging.getLogger("LiteLLM").setLevel(logging.ERROR)
        logging.getLogger("LiteLLM Router").setLevel(logging.ERROR)
        litellm.suppress_debug_info = True
        litellm.telemetry = False
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self._router = asyncio.run_coroutine_threadsafe(self._create(setting), self._loop).result(60)

    async def _create(self, setting: Setting) -> Router:
        """In the loop, because a strategy starts its task of synchronising there."""
        # LiteLLM imports and builds much at its first call; a mocked one of another router leaves no trace in this one.
        warm = _router(setting, [{**_deployment(model, setting.url), "model_info": {}} for model in setting.models], 0)
        for _ in setting.models:
            await warm.acompletion(model="pool", messages=[{"role": "user", "content": "."}], mock_response=".")
        return _router(setting, [_deployment(model, setting.url) for model in setting.models], setting.redis_port)

    def call(self, ask: Ask, _pending: Any) -> Done:
        """See `Policy.call`."""
        made = asyncio.run_coroutine_threadsafe(self._complete(ask), self._loop)
        reply = made.result(LONGEST_S)
        # The Router's own measure of the attempt that was answered, with its overhead of some milliseconds.
        return Done(reply._response_ms / 1000, reply.usage.total_tokens)

    async def _complete(self, ask: Ask) -> Any:
        messages = [{"role": "user", "content": ask.prompt}]
        return await self._router.acompletion(
            model="pool", messages=messages, max_tokens=ask.max_output_tokens, temperature=0.2
        )


def _router(setting: Setting, deployments: list[dict[str, Any]], redis_port: int) -> Router:
    shared: dict[str, Any] = {"redis_host": "127.0.0.1", "redis_port": redis_port} if redis_port else {}
    return Router(
        model_list=deployments,
        routing_strategy=setting.options["strategy"],
        enable_pre_call_checks=True,
        optional_pre_call_checks=list(setting.options.get("checks", [])) or None,
        num_retries=RETRIES,
        retry_policy=RetryPolicy(**dict.fromkeys(RetryPolicy.model_fields, RETRIES)),
        cooldown_time=COOLDOWN_S,
        timeout=TIMEOUT_S,
        **shared,
    )


def _deployment(model: Mapping[str, Any], url: str) -> dict[str, Any]:
    if model["wire"] == "bedrock":
        wire = {
            "model": f"bedrock/converse/{model['vendor_model']}",
            "aws_bedrock_runtime_endpoint": url,
            "aws_region_name": "us-east-1",
            "aws_access_key_id": "test",
            "aws_secret_access_key": "test",
        }
    else:
        wire = {"model": f"groq/{model['vendor_model']}", "api_base": f"{url}/openai/v1", "api_key": "key"}
    return {
        "model_name": "pool",
        "litellm_params": {**wire, "tpm": model["tpm"]},
        "model_info": {"id": model["id"], "max_input_tokens": model["context_tokens"]},
    }


create = LiteLLMRouter
