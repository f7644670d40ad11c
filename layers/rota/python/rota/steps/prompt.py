"""Prompts as text files, one per step: the system prompt, a line `---`, the template of the user's part."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from string import Template
from typing import NamedTuple

from rota.documents.tokens import estimate_tokens

WORDS_PER_TOKEN = 0.6
"""How many words a model is asked for per token it may write: English has about 0.75, other languages fewer."""


class StepPrompt(NamedTuple):
    """What goes into a model call."""

    system: str
    prompt: str

    @property
    def tokens(self) -> int:
        """The size of both parts by estimate."""
        return estimate_tokens(self.system) + estimate_tokens(self.prompt)


def fill(step: str, **values: str) -> StepPrompt:
    """The prompt of a step (`plan`, `summarize`, `synthesize`, `answer`) with its `$names` filled in once.

    A `$` inside a value stays as it is. Raises KeyError for a name that the templates have and `values` has not.
    """
    system, prompt = _templates(step)
    return StepPrompt(system.substitute(values), prompt.substitute(values))


def words(max_output_tokens: int) -> str:
    """How long a text may be asked to be so that it ends before `max_output_tokens`."""
    return str(max(30, int(max_output_tokens * WORDS_PER_TOKEN) // 10 * 10))


def bullets(points: list[str], otherwise: str) -> str:
    """Points as a list, one a line, or what stands there when there are none."""
    return "\n".join(f"- {point}" for point in points) or otherwise


@cache
def _templates(step: str) -> tuple[Template, Template]:
    text = (Path(__file__).parent / "prompts" / f"{step}.txt").read_text(encoding="utf-8")
    system, prompt = text.split("\n---\n")
    return Template(system.strip()), Template(prompt.strip())
