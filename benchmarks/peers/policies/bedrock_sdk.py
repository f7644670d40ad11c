"""One attempt, or as many as told, with boto3: how people call Bedrock."""

from __future__ import annotations

from typing import Any

import boto3
from botocore.config import Config

from benchmarks.peers.policies.base import Ask, Done

TIMEOUT_S = 60.0


def bedrock_client(url: str, connections: int, retries: Any) -> Any:
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
