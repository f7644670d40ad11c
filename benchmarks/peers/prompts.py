"""Prompts of an exact size in the simulated vendors' tokens, made of plain words, which say how long the answer is.

A model writes what the task needs, whatever more it may write: so every policy's calls get the same answers.
"""

from __future__ import annotations

import random
import re

_CHARACTERS_PER_TOKEN = 4
_MESSAGE_TOKENS = 8
"""What a simulated vendor counts for a message beside its text."""
_HEAD = "Call {index}. The answer has {output_tokens} tokens. "
_STATED = re.compile(r"The answer has (\d+) tokens\. ")
_SENTENCE = (
    "the report says that in spring most teams moved their services to a smaller region while costs for storage "
    "rose by half and nobody could explain why the queue of the mail gateway grew until the scheduler was fixed"
)


class Prompts:
    """Of up to `most_tokens`."""

    def __init__(self, most_tokens: int) -> None:
        draw, choice, length = random.Random(0), _SENTENCE.split(), 0
        words: list[str] = []
        while length < most_tokens * _CHARACTERS_PER_TOKEN:
            words.append(draw.choice(choice))
            length += len(words[-1]) + 1
        self._text = " ".join(words)

    def prompt(self, index: int, tokens: int, output_tokens: int) -> str:
        """The prompt of call `index`: `tokens` as a vendor counts it."""
        head = _HEAD.format(index=index, output_tokens=output_tokens)
        return head + self._text[: (tokens - _MESSAGE_TOKENS) * _CHARACTERS_PER_TOKEN - len(head)]


def stated_output(prompt: str) -> int:
    """How many tokens the answer to such a prompt has."""
    found = _STATED.search(prompt)
    if found is None:
        raise ValueError(f"the prompt does not say how long its answer is: {prompt[:80]!r}")
    return int(found[1])
