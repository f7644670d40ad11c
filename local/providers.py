"""Which providers are real on this laptop and which are simulated, where each answers, and with which key."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import boto3
from botocore.exceptions import ClientError
from mypy_boto3_secretsmanager.client import SecretsManagerClient

from local.state import LocalStackError
from rota.catalog import BedrockProvider, Catalog

REAL = "real"
SIMULATED = "simulated"


def choose(catalog: Catalog, environ: Mapping[str, str], asked: Collection[str], simulate_all: bool) -> dict[str, str]:
    """For every provider of the catalog "real" or "simulated".

    Real is one that was asked for by name, one whose key is in the environment, and one that needs no key (a server
    of your own). Bedrock costs money and shares its credentials with everything else on AWS: only when asked for.
    Raises LocalStackError for an unknown name, or for one whose key is missing.
    """
    unknown = set(asked) - set(catalog.providers)
    if unknown:
        raise LocalStackError(f"unknown provider {min(unknown)}; rota.yaml has: {', '.join(sorted(catalog.providers))}")
    if simulate_all:
        return dict.fromkeys(catalog.providers, SIMULATED)
    return {name: REAL if _is_real(catalog, name, environ, asked) else SIMULATED for name in catalog.providers}


def _is_real(catalog: Catalog, name: str, environ: Mapping[str, str], asked: Collection[str]) -> bool:
    provider = catalog.providers[name]
    if isinstance(provider, BedrockProvider):
        return name in asked
    if provider.key_env is None and provider.key_secret is None:
        return True
    has_key = bool(provider.key_env and environ.get(provider.key_env))
    if name in asked and not has_key:
        raise LocalStackError(f"{name} was asked for, but {provider.key_env or 'its key_env in rota.yaml'} is not set")
    return has_key


def endpoints(catalog: Catalog, chosen: Mapping[str, str], simulated: str, relay: str | None) -> dict[str, str]:
    """Base URLs that replace those of rota.yaml: the simulated ones', and the relay's for real Bedrock."""
    replaced = {}
    for name, provider in catalog.providers.items():
        bedrock = isinstance(provider, BedrockProvider)
        if chosen[name] == SIMULATED:
            replaced[name] = simulated if bedrock else f"{simulated}/openai/v1"
        elif bedrock and relay:
            replaced[name] = relay
    return replaced


def quotas_endpoint(catalog: Catalog, chosen: Mapping[str, str], simulated: str) -> str:
    """Where Service Quotas is played: with a simulated Bedrock. Empty when Bedrock is real or not in the catalog."""
    kinds = {chosen[name] for name, provider in catalog.providers.items() if isinstance(provider, BedrockProvider)}
    return simulated if kinds == {SIMULATED} else ""


def put_keys(
    session: boto3.Session, endpoint: str, catalog: Catalog, chosen: Mapping[str, str], environ: Mapping[str, str]
) -> None:
    """Put keys where the functions look for them: the emulator's Secrets Manager, in memory, on this machine.

    A web search without a key in the environment gets one that its vendor will refuse, and the job says so.
    """
    secrets = session.client("secretsmanager", endpoint_url=endpoint)
    for name, provider in catalog.providers.items():
        if isinstance(provider, BedrockProvider) or not provider.key_secret:
            continue
        key = environ.get(provider.key_env or "", "") if chosen[name] == REAL else "simulated"
        _put_secret(secrets, provider.key_secret, key)
    if catalog.search and catalog.search.key_secret:
        _put_secret(secrets, catalog.search.key_secret, environ.get(catalog.search.key_env or "") or "missing")


def _put_secret(secrets: SecretsManagerClient, name: str, text: str) -> None:
    try:
        secrets.put_secret_value(SecretId=name, SecretString=text)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        secrets.create_secret(Name=name, SecretString=text)
