"""What models have written for an owner, found again by what they were asked: the same is never paid for twice.

    asked the same ─► reuse/<owner>/<digest>.json there? ─► yes: its text, checked like a fresh one
                                                         └► no: call, check, keep

So a job that failed half-way, one that is asked again one tier up, or the same question to a pile of which three files
have changed since last week pays for what is new. A digest covers the whole prompt, its bounds and where it is sent by
what was asked for, by rules and by what hangs on it; what models may say differently of the same prompt is not looked
for, and an answer is always written anew. What all prompts of a job follow from is kept as well (see `earlier_plan`).
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from rota.earlier_plan import EarlierPlan, with_plan
from rota.routing.aim import aim
from rota.storage import Bucket, dumped

if TYPE_CHECKING:
    from rota.catalog import Catalog
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

    def __init__(self, bucket: Bucket, owner: str, catalog: Catalog) -> None:
        self._bucket, self._owner, self._catalog = bucket, owner, catalog

    def find(self, request: ModelRequest, call: ModelCall) -> Written | None:
        """What was written for the same call, or None."""
        found = self._bucket.find_json(self._key(request, call))
        return Written(**found) if found else None

    def has(self, request: ModelRequest, call: ModelCall) -> bool:
        """Whether something was written for the same call."""
        return self._bucket.exists(self._key(request, call))

    def keep(self, request: ModelRequest, call: ModelCall, written: Written) -> None:
        """Keep a text for the next time."""
        value = {"text": written.text, "model": written.model, "tier": written.tier}
        self._bucket.write_json(self._key(request, call), value)

    def find_plans(self, question: str) -> list[EarlierPlan]:
        """How a question was planned for one pile and another, the latest last."""
        found = self._bucket.find_json(self._plans_key(question))
        return [EarlierPlan(**plan) for plan in found or ()]

    def keep_plan(self, question: str, plan: EarlierPlan) -> None:
        """Keep a plan for the next time. Of two that are kept at once one may be lost: then it is made again."""
        plans = with_plan(self.find_plans(question), plan)
        self._bucket.write_json(self._plans_key(question), [asdict(one) for one in plans])

    def _plans_key(self, question: str) -> str:
        return f"{PREFIX}{self._owner}/plans/{_digest(question)}.json"

    def _key(self, request: ModelRequest, call: ModelCall) -> str:
        use = aim(request, self._catalog).use
        asked = {
            "task": request.task,
            "who": [use.pool, use.model, use.tier, use.prefer, request.least_tier],
            "system": call.system,
            "prompt": call.prompt,
            "output": [call.max_output_tokens, call.json_schema],
        }
        return f"{PREFIX}{self._owner}/{_digest(asked)}.json"


def _digest(value: object) -> str:
    return hashlib.sha256(dumped(value).encode("utf-8", "replace")).hexdigest()
