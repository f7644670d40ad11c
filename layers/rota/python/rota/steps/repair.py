"""Asking a model once more: its own output stands in the conversation, and what is wrong with it comes after."""

from __future__ import annotations

from dataclasses import replace

from rota.documents.tokens import estimate_tokens
from rota.errors import InvalidOutputError
from rota.providers.base import ModelCall, Turn
from rota.steps.prompt import fill


def can_be_repaired(call: ModelCall, text: str) -> bool:
    """Whether the form is what went wrong: JSON was asked for, and there is something to correct."""
    return call.json_schema is not None and bool(text.strip())


def repair(call: ModelCall, text: str, error: InvalidOutputError) -> ModelCall:
    """The call that asks for `text` again, corrected; the schema and the bound of the output stay."""
    asked = fill("repair", problem=str(error))
    return replace(
        call,
        system=f"{call.system}\n\n{asked.system}" if call.system else asked.system,
        prompt=asked.prompt,
        history=(*call.turns, Turn("assistant", text)),
    )


def added_tokens(text: str, error: InvalidOutputError) -> int:
    """How much more input the repair is than the call before it, by estimate."""
    return fill("repair", problem=str(error)).tokens + estimate_tokens(text)
