"""One attempt, or as many as told, with the groq SDK: how people call what speaks Groq's wire."""

from __future__ import annotations

import groq

from benchmarks.peers.policies.base import Ask, Done

TIMEOUT_S = 60.0


def groq_client(url: str, max_retries: int) -> groq.Groq:
    """A client of the simulated Groq."""
    return groq.Groq(api_key="key", base_url=url, max_retries=max_retries, timeout=TIMEOUT_S)


def complete(client: groq.Groq, vendor_model: str, ask: Ask) -> Done:
    """Ask a model on Groq's wire."""
    reply = client.chat.completions.create(
        model=vendor_model,
        messages=[{"role": "user", "content": ask.prompt}],
        max_completion_tokens=ask.max_output_tokens,
        temperature=0.2,
    )
    used = reply.usage
    if used is None or used.total_time is None:
        raise ValueError("the vendor reported no usage")
    return Done(used.total_time, used.total_tokens)
