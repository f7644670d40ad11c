"""Round-robin over the pool, the next model on a refusal: what the notes that Rota started from do.

When every model has refused, the call sleeps as long as the soonest of them said (Groq says, Bedrock does not), or
with exponential backoff and full jitter, and goes round again. It never gives up.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from typing import Any

import groq
from botocore.exceptions import BotoCoreError, ClientError

from benchmarks.peers.policies.base import Ask, Done, Setting, eligible
from benchmarks.peers.policies.bedrock_sdk import bedrock_client, converse
from benchmarks.peers.policies.groq_sdk import complete, groq_client

LONGEST_S = 20.0
"""Of a backoff; the same as boto3's."""


class RoundRobin:
    """Call number i prefers model i mod n, then the following ones."""

    def __init__(self, setting: Setting) -> None:
        self._models = setting.models
        self._bedrock = bedrock_client(setting.url, setting.slots, {"mode": "standard", "total_max_attempts": 1})
        self._groq = groq_client(setting.url, 0)

    def call(self, ask: Ask, _pending: Any) -> Done:
        """See `Policy.call`."""
        models = eligible(self._models, ask)
        turn, rounds = ask.index % len(models), 0
        while True:
            waits_s = []
            for model in models[turn:] + models[:turn]:
                outcome = self._try(model, ask)
                if isinstance(outcome, Done):
                    return outcome
                waits_s += [outcome] if outcome else []
            backoff_s = random.uniform(0, min(LONGEST_S, 2.0**rounds))
            time.sleep(min(waits_s) + random.uniform(0, 0.5) if waits_s else backoff_s)
            rounds += 1

    def _try(self, model: Mapping[str, Any], ask: Ask) -> Done | float:
        """The answer, or how long the vendor said to wait (0: it did not say)."""
        try:
            if model["wire"] == "bedrock":
                return converse(self._bedrock, model["vendor_model"], ask)
            return complete(self._groq, model["vendor_model"], ask)
        except (ClientError, BotoCoreError, groq.APIConnectionError):
            return 0.0
        except groq.APIStatusError as error:
            return float(error.response.headers.get("retry-after", 0))


create = RoundRobin
