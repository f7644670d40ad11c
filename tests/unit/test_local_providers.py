"""Which providers are real on a laptop, and where the functions find each."""

from __future__ import annotations

import boto3
import pytest
from moto import mock_aws

from local.providers import choose, endpoints, put_keys
from local.state import LocalStackError
from rota.catalog import Catalog
from rota.catalog_file import parse_catalog


def catalog() -> Catalog:
    """Bedrock, a vendor with keys, and a server of one's own without."""
    providers = {
        "bedrock": {"kind": "bedrock", "region": "us-east-1"},
        "groq": {
            "kind": "openai_compatible",
            "base_url": "https://api.groq.com/openai/v1",
            "key_env": "GROQ_API_KEY",
            "key_secret": "rota/groq",
        },
        "ollama": {"kind": "openai_compatible", "base_url": "http://127.0.0.1:11434/v1"},
    }
    model = {
        "id": "m",
        "provider": "bedrock",
        "vendor_model": "amazon.nova-micro-v1:0",
        "tier": 1,
        "context_tokens": 8000,
        "max_output_tokens": 1000,
        "price": {"input_usd": 1, "output_usd": 1},
        "limits": [{"kind": "tpm", "amount": 100_000, "algorithm": "token_bucket"}],
    }
    step = {"pool": "all", "max_output_tokens": 500}
    steps = dict.fromkeys(("plan", "summarize", "synthesize", "answer"), step)
    pools = {"all": {"models": ["m"]}}
    return parse_catalog({"version": 1, "providers": providers, "models": [model], "pools": pools, "steps": steps})


def test_a_key_in_the_environment_makes_a_provider_real() -> None:
    """Bedrock stays simulated until it is asked for by name; a server without keys is used as it is."""
    assert choose(catalog(), {}, [], simulate_all=False) == {
        "bedrock": "simulated",
        "groq": "simulated",
        "ollama": "real",
    }
    chosen = choose(catalog(), {"GROQ_API_KEY": "k", "AWS_PROFILE": "work"}, [], simulate_all=False)
    assert chosen == {"bedrock": "simulated", "groq": "real", "ollama": "real"}
    assert choose(catalog(), {}, ["bedrock"], simulate_all=False)["bedrock"] == "real"


def test_simulated_means_all_of_them() -> None:
    """Whatever the environment holds."""
    assert set(choose(catalog(), {"GROQ_API_KEY": "k"}, [], simulate_all=True).values()) == {"simulated"}


@pytest.mark.parametrize(("asked", "reason"), [("groq", "GROQ_API_KEY is not set"), ("gorq", "unknown provider gorq")])
def test_what_cannot_be_real_is_refused(asked: str, reason: str) -> None:
    """Silently simulating what was asked for would be a lie."""
    with pytest.raises(LocalStackError, match=reason):
        choose(catalog(), {}, [asked], simulate_all=False)


def test_only_what_is_not_real_gets_another_address() -> None:
    """Simulated providers share a port, by path; real Bedrock is reached through the relay."""
    simulated, relay = "http://127.0.0.1:1", "http://127.0.0.1:2"
    everything = dict.fromkeys(("bedrock", "groq", "ollama"), "simulated")
    wire = f"{simulated}/openai/v1"
    assert endpoints(catalog(), everything, simulated, None) == {"bedrock": simulated, "groq": wire, "ollama": wire}
    real = dict.fromkeys(everything, "real")
    assert endpoints(catalog(), real, simulated, relay) == {"bedrock": relay}


@mock_aws
def test_keys_are_put_where_functions_look_and_replaced_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment's key for a real provider, a harmless one for a simulated one."""
    session = boto3.Session("test", "test", region_name="us-east-1")
    secrets = session.client("secretsmanager")
    at = "https://secretsmanager.us-east-1.amazonaws.com"
    put_keys(session, at, catalog(), {"groq": "simulated", "bedrock": "simulated", "ollama": "real"}, {})
    assert secrets.get_secret_value(SecretId="rota/groq")["SecretString"] == "simulated"
    put_keys(session, at, catalog(), {"groq": "real", "bedrock": "real", "ollama": "real"}, {"GROQ_API_KEY": "k"})
    assert secrets.get_secret_value(SecretId="rota/groq")["SecretString"] == "k"
    assert len(secrets.list_secrets()["SecretList"]) == 1
