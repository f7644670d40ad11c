"""One attempt each with the SDKs that people use: boto3 for Bedrock, groq for what speaks its wire."""

from __future__ import annotations

from typing import Any

import boto3
from botocore.config import Config

from benchmarks.peers.policies.base import Ask, Done

TIMEOUT_S = 60.0


def bedrock_client(url: str, connections: int, retries: dict[str, Any]) -> Any:
    """A Bedrock client of the simulated vendor that retries as told."""
    config = Config(retries=retries, read_timeout=TIMEOUT_S, max_pool_connections=connections)
    return boto3.client(
        "bedrock-runtime",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106 - the simulated vendor takes any
        config=config,
    )


def converse(client: Any, vendor_model: str, ask: Ask) -> Done:
    """Ask a Bedrock model."""
    reply = client.converse(
        modelId=vendor_model,
        messages=[{"role": "user", "content": [{"text": ask.prompt}]}],
        inferenceConfig={"maxTokens": ask.max_output_tokens, "temperature": 0.2},
    )
    return Done(reply["metrics"]["latencyMs"] / 1000, reply["usage"]["totalTokens"])


def groq_client(url: str, max_retries: int) -> Any:
    """A client of the simulated Groq."""
    import groq

    return groq.Groq(api_key="key", base_url=url, max_retries=max_retries, timeout=TIMEOUT_S)


def complete(client: Any, vendor_model: str, ask: Ask) -> Done:
    """Ask a model on Groq's wire."""
    reply = client.chat.completions.create(
        model=vendor_model,
        messages=[{"role": "user", "content": ask.prompt}],
        max_completion_tokens=ask.max_output_tokens,
        temperature=0.2,
    )
    return Done(reply.usage.total_time, reply.usage.total_tokens)
