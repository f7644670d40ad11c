"""Another model reads an output again, beside what it was made from, and says what is wrong with it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from rota.errors import InvalidOutputError
from rota.providers.base import ModelCall
from rota.steps import delimit
from rota.steps.output import bare
from rota.steps.prompt import StepPrompt, fill

VERDICTS = ("good", "hallucination", "inconsistency", "no_answer")
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "verdict": {"type": "string", "enum": list(VERDICTS)},
        "reason": {"type": "string", "maxLength": 300},
    },
    "required": ["verdict", "reason"],
    "additionalProperties": False,
}
MAX_OUTPUT_TOKENS = 200


@dataclass(frozen=True, slots=True)
class Verdict:
    """`verdict` is one of VERDICTS; `reason` a sentence, which may quote the output and so never goes into a log."""

    verdict: str
    reason: str

    @property
    def is_good(self) -> bool:
        """Whether nothing was found."""
        return self.verdict == "good"


def prompt(call: ModelCall, output: str) -> StepPrompt:
    """Ask about an output and the call it came from."""
    asked = "\n\n".join(turn.text for turn in call.turns)
    return fill("check", question=delimit.question(asked), notes=delimit.notes([output]))


def parse(text: str) -> Verdict:
    """The other model's judgement. Raises InvalidOutputError."""
    try:
        value = json.loads(bare(text))
        verdict, reason = value["verdict"], str(value["reason"])
    except (ValueError, TypeError, KeyError) as error:
        raise InvalidOutputError('the verdict is not {"verdict": …, "reason": …}') from error
    if verdict not in VERDICTS:
        raise InvalidOutputError(f"the verdict must be one of {', '.join(VERDICTS)}")
    return Verdict(verdict, reason)
