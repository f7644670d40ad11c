"""Quotas of Service Quotas find their models by name, and no others."""

from __future__ import annotations

import pytest

from local.simulated.models import ModelConfig
from local.simulated.quotas import Limit as SimulatedLimit
from local.simulated.quotas_wire import quota_model
from rota.catalog import Limit, LimitKind, Model, Price
from rota.quota_names import Entry, match, scope_of

TPM = "tokens per minute for"
BASE = f"On-demand model inference {TPM}"
CROSS = f"Cross-region model inference {TPM}"
GLOBAL = f"Global cross-region model inference {TPM}"


def model(vendor_model: str, quota_name: str | None = None) -> Model:
    """A Bedrock model."""
    return Model(
        id="m",
        provider="bedrock",
        vendor_model=vendor_model,
        tier=1,
        context_tokens=1000,
        max_output_tokens=100,
        price=Price(input_usd=1, output_usd=1),
        limits=(Limit(kind=LimitKind.TPM, amount=1000, algorithm="sliding_window"),),
        quota_name=quota_name,
    )


@pytest.mark.parametrize(
    ("vendor_model", "name"),
    [
        ("amazon.nova-pro-v1:0", f"{BASE} Amazon Nova Pro"),
        ("amazon.nova-micro-v1:0", f"On-demand InvokeModel {TPM} Amazon Nova Micro"),
        ("us.amazon.nova-2-lite-v1:0", f"{CROSS} Amazon Nova 2 Lite"),
        ("global.amazon.nova-2-lite-v1:0", f"{GLOBAL} Amazon Nova 2 Lite"),
        ("openai.gpt-oss-120b-1:0", f"{BASE} OpenAI GPT OSS 120B"),
        ("openai.gpt-oss-20b-1:0", f"{BASE} gpt-oss-20b"),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", f"{CROSS} Anthropic Claude Sonnet 4.5 V1"),
        ("eu.anthropic.claude-haiku-4-5-20251001-v1:0", f"{CROSS.title()} Anthropic Claude Haiku 4.5"),
        ("anthropic.claude-3-5-haiku-20241022-v1:0", f"{BASE} Anthropic Claude 3.5 Haiku"),
        ("us.anthropic.claude-3-5-sonnet-20241022-v2:0", f"{CROSS.title()} Anthropic Claude 3.5 Sonnet V2"),
        ("global.anthropic.claude-opus-4-6-v1", f"{GLOBAL} Anthropic Claude Opus 4.6 V1"),
        ("anthropic.claude-sonnet-5", f"{BASE} Anthropic Claude Sonnet 5"),
        ("mistral.mistral-7b-instruct-v0:2", f"{BASE} Mistral AI Mistral 7B Instruct"),
        ("mistral.ministral-3-14b-instruct", f"{BASE} Ministral 14B 3.0"),
        ("us.mistral.pixtral-large-2502-v1:0", f"{CROSS} Mistral Pixtral Large 25.02 V1"),
        ("us.meta.llama3-2-1b-instruct-v1:0", f"{CROSS} Meta Llama 3.2 1B Instruct"),
        ("qwen.qwen3-235b-a22b-2507-v1:0", f"{BASE} Qwen3 235B a22b 2507 V1"),
        ("qwen.qwen3-coder-30b-a3b-v1:0", f"{BASE} Qwen3 Coder 30B a3b V1"),
    ],
)  # fmt: skip
def test_names_as_aws_spells_them(vendor_model: str, name: str) -> None:
    """Makers are named or left out, versions written with dots, V1 said or not."""
    assert match(model(vendor_model), [Entry(name, 5)]).amounts == {"tpm": 5}


@pytest.mark.parametrize(
    ("vendor_model", "name"),
    [
        ("amazon.nova-pro-v1:0", f"{CROSS} Amazon Nova Pro"),
        ("us.amazon.nova-pro-v1:0", f"{BASE} Amazon Nova Pro"),
        ("us.amazon.nova-pro-v1:0", f"{GLOBAL} Amazon Nova Pro"),
        ("global.amazon.nova-pro-v1:0", f"{CROSS} Amazon Nova Pro"),
        ("amazon.nova-lite-v1:0", f"{BASE} Amazon Nova 2 Lite"),
        ("amazon.nova-lite-v1:0", f"{BASE} Amazon Nova"),
        ("openai.gpt-oss-20b-1:0", f"{BASE} OpenAI GPT OSS 120B"),
        ("us.anthropic.claude-sonnet-4-20250514-v1:0", f"{CROSS} Anthropic Claude Sonnet 4.5 V1"),
        ("us.anthropic.claude-sonnet-4-5-v1:0", f"{CROSS} Anthropic Claude Sonnet 5.4"),
        ("us.anthropic.claude-sonnet-4-5-v1:0", f"{CROSS} Anthropic Claude Sonnet 4.5 V1 1M Context Length"),
        ("anthropic.claude-3-5-sonnet-20240620-v1:0", f"{BASE} Anthropic Claude 3.5 Sonnet V2"),
        ("anthropic.claude-sonnet-5", f"[bedrock-mantle endpoint] Input {TPM} Claude Sonnet 5"),
        ("amazon.nova-pro-v1:0", "Batch inference job size (in GB) for Nova Pro V1"),
        ("amazon.nova-pro-v1:0", "Throttle rate limit for CreateBlueprint"),
        ("mistral.mistral-large-3-675b-instruct", f"{BASE} Mistral Large 3"),
    ],
)  # fmt: skip
def test_what_is_only_similar_is_not_taken(vendor_model: str, name: str) -> None:
    """Other ways of calling, other versions, variants of their own, other services."""
    assert match(model(vendor_model), [Entry(name, 5)]).amounts == {}


def test_what_cannot_be_guessed_is_named() -> None:
    """`quota_name` is AWS's spelling, and then the only one that counts."""
    large = model("mistral.mistral-large-3-675b-instruct", "Mistral Large 3")
    assert match(large, [Entry(f"{BASE} Mistral Large 3", 5)]).amounts == {"tpm": 5}
    pro = model("amazon.nova-pro-v1:0", "Amazon Nova Pro Fast")
    assert match(pro, [Entry(f"{BASE} Amazon Nova Pro", 5)]).amounts == {}


def test_requests_and_days() -> None:
    """All kinds; a day's tokens count twice for a profile when AWS says so, and are global for a global one."""
    entries = [
        Entry("On-demand model inference requests per minute for Amazon Nova Pro", 25),
        Entry("Cross-region model inference requests per minute for Amazon Nova Pro", 50),
        Entry("Model invocation max tokens per day for Amazon Nova Pro (doubled for cross-region calls)", 700),
        Entry("Global cross-region model inference tokens per day for Amazon Nova Pro", 9000),
    ]
    assert match(model("amazon.nova-pro-v1:0"), entries).amounts == {"rpm": 25, "tpd": 700}
    assert match(model("us.amazon.nova-pro-v1:0"), entries).amounts == {"rpm": 50, "tpd": 1400}
    assert match(model("global.amazon.nova-pro-v1:0"), entries).amounts == {"tpd": 9000}


def test_two_quotas_of_one_name_are_no_quota() -> None:
    """Which of them holds is not guessed; the same amount twice is no contradiction."""
    names = [f"{BASE} Amazon Nova Pro", f"{BASE} Amazon Nova Pro V1"]
    both = match(model("amazon.nova-pro-v1:0"), [Entry(names[0], 1), Entry(names[1], 2)])
    assert (both.amounts, both.ambiguous) == ({}, {"tpm": tuple(names)})
    assert match(model("amazon.nova-pro-v1:0"), [Entry(name, 3) for name in names]).amounts == {"tpm": 3}


def test_scopes() -> None:
    """The prefix of an inference profile, or none."""
    assert scope_of("amazon.nova-pro-v1:0") == "on-demand"
    assert scope_of("apac.amazon.nova-pro-v1:0") == "cross-region"
    assert scope_of("us-gov.anthropic.claude-3-5-sonnet-20240620-v1:0") == "cross-region"
    assert scope_of("global.anthropic.claude-sonnet-5") == "global cross-region"


@pytest.mark.parametrize(
    ("vendor_model", "name"),
    [
        ("amazon.nova-micro-v1:0", "Amazon Nova Micro"),
        ("us.amazon.nova-2-lite-v1:0", "Amazon Nova 2 Lite"),
        ("openai.gpt-oss-20b-1:0", "OpenAI GPT OSS 20B"),
        ("anthropic.claude-sonnet-4-5-20250929-v1:0", "Anthropic Claude Sonnet 4.5 V1"),
        ("meta.llama3-2-1b-instruct-v1:0", "Meta Llama 3.2 1B Instruct"),
    ],
)
def test_the_simulated_service_spells_as_aws_does(vendor_model: str, name: str) -> None:
    """Otherwise matching would only be tested against itself."""
    config = ModelConfig("m", vendor_model, "bedrock", (SimulatedLimit("tpm", 1, "sliding_window"),))
    assert quota_model(config) == name
