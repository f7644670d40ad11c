"""The parts that functions are wired from, each built once per process and only when it is first needed.

What only some functions use is imported where it is built, so that the others start faster.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from rota.errors import ModelUnavailableError
from rota.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client

    from rota.catalog import Catalog
    from rota.documents.search.base import SearchProvider
    from rota.gateway import Gateway, Watcher
    from rota.jobs import JobStore
    from rota.ledger import Ledger
    from rota.outcomes.budgets import Budgets
    from rota.outcomes.decisions import OutcomeStore
    from rota.outcomes.experiments import ExperimentResults
    from rota.outcomes.feedback import Feedback
    from rota.outcomes.usage import UsageCounters
    from rota.providers.base import Provider
    from rota.reuse import Reuse

ONE_TRY = Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=5)
"""For the ledger and budgets: a hidden retry of a settlement would count twice."""


@cache
def settings() -> Settings:
    """The environment of this function."""
    return Settings.from_env()


@cache
def catalog() -> Catalog:
    """The deployed pool file with this environment's overrides."""
    from rota.catalog_file import load_catalog, packaged_catalog

    found = load_catalog(settings().config) if settings().config else packaged_catalog()
    return found.with_overrides(settings().provider_endpoints, settings().summaries_pool, settings().synthesis_model)


@cache
def s3() -> S3Client:
    """Amazon S3."""
    return boto3.client("s3")


@cache
def dynamodb() -> DynamoDBClient:
    """Amazon DynamoDB with the SDK's own retries, for everything but the ledger."""
    return boto3.client("dynamodb")


@cache
def _dynamodb_once() -> DynamoDBClient:
    return boto3.client("dynamodb", config=ONE_TRY)


@cache
def ledger() -> Ledger:
    """The ledger of this stack."""
    from rota.ledger import Ledger

    return Ledger(_dynamodb_once(), settings().ledger_table, catalog())


@cache
def jobs() -> JobStore:
    """The jobs of this stack."""
    from rota.jobs import JobStore

    return JobStore(dynamodb(), settings().jobs_table)


def reuse(owner: str) -> Reuse:
    """What models have written for an owner."""
    from rota.reuse import Reuse
    from rota.storage import Bucket

    return Reuse(Bucket(s3(), settings().documents_bucket), owner, catalog())


def gateway(watcher: Watcher, own_budget_usd: float | None = None) -> Gateway:
    """Calls models for this stack, and tells `watcher`; `own_budget_usd` is what the caller's key may spend a month."""
    from rota.gateway import Gateway

    return Gateway(catalog(), ledger(), provider, watcher, budgets(), own_budget_usd)


@cache
def budgets() -> Budgets:
    """The budgets of this stack."""
    from rota.outcomes.budgets import Budgets

    return Budgets(_dynamodb_once(), settings().outcomes_table, catalog().budgets)


@cache
def usage_counters() -> UsageCounters:
    """What calls of this stack have cost, and whom."""
    from rota.outcomes.usage import UsageCounters

    return UsageCounters(dynamodb(), settings().outcomes_table)


@cache
def experiment_results() -> ExperimentResults:
    """How the arms of this stack's experiments did."""
    from rota.outcomes.experiments import ExperimentResults

    return ExperimentResults(dynamodb(), settings().outcomes_table)


@cache
def outcomes() -> OutcomeStore:
    """Decisions, and what was thought of what came of them."""
    from rota.outcomes.decisions import OutcomeStore

    return OutcomeStore(dynamodb(), settings().outcomes_table)


@cache
def feedback() -> Feedback:
    """What is thought of this stack's answers."""
    from rota.outcomes.feedback import Feedback
    from rota.outcomes.recent import RecentQuestions

    recent = RecentQuestions(dynamodb(), settings().outcomes_table)
    return Feedback(outcomes(), experiment_results(), recent)


@cache
def lambda_client() -> LambdaClient:
    """AWS Lambda."""
    return boto3.client("lambda")


@cache
def provider(name: str) -> Provider:
    """The provider of that name in the pool file. Vendor code is imported when it is first called."""
    config = catalog().providers[name]
    parameters = {model.id: model.parameters for model in catalog().models if model.provider == name}
    if config.kind == "bedrock":
        from rota.providers.bedrock import Bedrock

        return Bedrock(name, config.region, config.endpoint, parameters)
    from rota.providers.openai_compatible import OpenAICompatible

    key = _secret(name, config.key_secret) if config.key_secret else ""
    return OpenAICompatible(name, config.base_url, key, config.output_parameter, parameters)


@cache
def search_provider() -> SearchProvider | None:
    """The web search of the pool file, or None when it names none."""
    config = catalog().search
    if config is None:
        return None
    from rota.documents.search.web_search import search_provider as provider_of

    return provider_of(config, _secret(config.kind, config.key_secret))


def _secret(provider_name: str, name: str) -> str:
    """A secret's text: plain, or the `key` field of a JSON object. Raises ModelUnavailableError when there is none."""
    try:
        text = boto3.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"]
    except ClientError as error:
        why = f"the secret {name} cannot be read: {error.response['Error']['Code']}"
        raise ModelUnavailableError(why, provider=provider_name, model="") from error
    if text.lstrip().startswith("{"):
        return str(json.loads(text)["key"])
    return text
