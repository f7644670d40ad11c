"""What models have written for an owner, found again by what they were asked: the same is never paid for twice.

    asked the same ─► reuse/<owner>/<digest>.json there? ─► yes: its text, checked like a fresh one
                                                         └► no: call, check, keep

So a job that failed half-way, one that is asked again one tier up, or the same question to a pile of which three files
have changed since last week pays for what is new. A digest covers the whole prompt, its bounds and who was to answer;
what models may say differently of the same prompt is not looked for, and an answer is always written anew.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rota.storage import Bucket, dumped

if TYPE_CHECKING:
    from rota.providers.base import ModelCall
    from rota.routing.request import ModelRequest

PREFIX = "reuse/"


@dataclass(frozen=True, slots=True)
class Written:
    """A text that passed its step's check, and the model that wrote it."""

    text: str
    model: str
    tier: int


class Reuse:
    """The texts written for one owner; the bucket forgets them as it forgets jobs."""

    def __init__(self, bucket: Bucket, owner: str) -> None:
        self._bucket, self._owner = bucket, owner

    def find(self, request: ModelRequest, call: ModelCall) -> Written | None:
        """What was written for the same call, or None."""
        found = self._bucket.find_json(self._key(request, call))
        return Written(**found) if found else None

    def keep(self, request: ModelRequest, call: ModelCall, written: Written) -> None:
        """Keep a text for the next time."""
        value = {"text": written.text, "model": written.model, "tier": written.tier}
        self._bucket.write_json(self._key(request, call), value)

    def _key(self, request: ModelRequest, call: ModelCall) -> str:
        asked = {
            "task": request.task,
            "who": [request.pool, request.named_pool, request.model, request.tier],
            "system": call.system,
            "prompt": call.prompt,
            "output": [call.max_output_tokens, call.json_schema],
        }
        digest = hashlib.sha256(dumped(asked).encode("utf-8", "replace")).hexdigest()
        return f"{PREFIX}{self._owner}/{digest}.json"
