"""One model and boto3's own retries: what most code that calls Bedrock does."""

from __future__ import annotations

from typing import Any

from benchmarks.peers.policies.base import Ask, Done, Setting
from benchmarks.peers.policies.bedrock_sdk import bedrock_client, converse

ATTEMPTS = 100
"""AWS's default is 3; the burst is far over the quota, and nothing may be lost."""


class Boto3Retries:
    """Retry mode `standard` (exponential backoff up to 20 s) or `adaptive` (that, and a rate that it learns)."""

    def __init__(self, setting: Setting) -> None:
        retries = {"mode": setting.options["mode"], "total_max_attempts": ATTEMPTS}
        self._client = bedrock_client(setting.url, setting.slots, retries)
        self._model = setting.models[0]["vendor_model"]

    def call(self, ask: Ask, _pending: Any) -> Done:
        """See `Policy.call`."""
        return converse(self._client, self._model, ask)


create = Boto3Retries
