"""One model and the groq SDK's own retries, which wait as long as the vendor's retry-after says."""

from __future__ import annotations

from typing import Any

from benchmarks.peers.policies.base import Ask, Done, Setting
from benchmarks.peers.policies.groq_sdk import complete, groq_client

RETRIES = 100
"""The SDK's default is 2; the burst is far over the quota, and nothing may be lost."""


class GroqRetries:
    """See the module."""

    def __init__(self, setting: Setting) -> None:
        self._client = groq_client(setting.url, RETRIES)
        self._model = setting.models[0]["vendor_model"]

    def call(self, ask: Ask, _pending: Any) -> Done:
        """See `Policy.call`."""
        return complete(self._client, self._model, ask)


create = GroqRetries
