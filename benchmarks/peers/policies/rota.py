"""Rota: its dispatcher, as a function runs it, on a DynamoDB table that all processes share.

A call that would have to wait longer than a function waits is parked until Rota says, as Step Functions would.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from botocore.config import Config

from benchmarks.peers.policies.base import Ask, Done, Parked, Setting
from local.aws import REGION, local_session
from rota.catalog_file import parse_catalog
from rota.dispatch import Dispatcher, Waiting
from rota.documents.tokens import estimate_tokens
from rota.ledger import Ledger
from rota.providers.base import ModelCall, Provider
from rota.providers.bedrock import Bedrock
from rota.providers.openai_compatible import OpenAICompatible
from rota.routing.request import ModelRequest

FUNCTION_MS = 840_000
"""The time that a function has left when it begins: calls here never run out of it."""


class Rota:
    """Books every call before making it. Prompts are sized by Rota's own estimate, which errs on the high side."""

    def __init__(self, setting: Setting) -> None:
        catalog = parse_catalog(setting.catalog)
        # As in `functions.parts`, but for as many callers in one process as there are slots.
        once = Config(
            retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=5, max_pool_connections=setting.slots
        )
        dynamodb = local_session().client("dynamodb", endpoint_url=setting.dynamodb, config=once)
        self._ledger = Ledger(dynamodb, setting.table, catalog)

        @cache
        def provider(name: str) -> Provider:
            config = catalog.providers[name]
            if config.kind == "bedrock":
                return Bedrock(name, REGION, config.endpoint)
            return OpenAICompatible(name, config.base_url, "key")

        self._dispatcher = Dispatcher(catalog, self._ledger, provider, lambda _record: None)
        self._ledger.read(model.id for model in catalog.models)
        for name in {model.provider for model in catalog.models}:
            provider(name).prepare(catalog.providers[name].timeout_s)

    def call(self, ask: Ask, pending: Any) -> Done | Parked:
        """See `Policy.call`."""
        request = ModelRequest(
            "summarization", "all", estimate_tokens(ask.prompt), ask.max_output_tokens, rotation=ask.index
        )
        call = ModelCall("", ask.prompt, ask.max_output_tokens)
        outcome = self._dispatcher.run(request, call, str, lambda: FUNCTION_MS, pending)
        if isinstance(outcome, Waiting):
            ahead_ms = outcome.until_ms - self._ledger.clock.now_ms()
            return Parked(self._ledger.clock.local_ms() / 1000 + ahead_ms / 1000, outcome.pending)
        return Done(outcome.completion.latency_ms / 1000, outcome.completion.usage.total_tokens)


create = Rota
