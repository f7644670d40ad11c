"""What a function may do, as a value, and the policy statements that follow from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.storage import Storage
from rota.catalog import PROFILE_PREFIXES, Catalog, Model


@dataclass(frozen=True, slots=True)
class Access:
    """One function's rights. `reads` and `writes` are key patterns of the documents bucket, `lists` prefixes in it.

    `probes`: may learn that an object does not exist. Without s3:ListBucket S3 answers 403 instead of 404, and a
    condition on the prefix would not help, because reading an object does not carry one.
    `tables` maps a table (`jobs`), or an index of it (`jobs/index/…`), to DynamoDB's names of actions, separated by
    spaces. `models`: may call models and read their keys; `keys`: may read the keys, and so call all but Bedrock's.
    `quotas`: may list the account's quotas. `searches`: may read the key of the web search. `announces`: may put
    events on the account's default bus.
    `settings` are fields of `rota.settings`.
    """

    settings: Sequence[str] = ()
    reads: Sequence[str] = ()
    writes: Sequence[str] = ()
    lists: Sequence[str] = ()
    probes: bool = False
    tables: Mapping[str, str] = field(default_factory=dict)
    models: bool = False
    keys: bool = False
    quotas: bool = False
    searches: bool = False
    announces: bool = False


def allow(function: lambda_.Function, access: Access, storage: Storage) -> None:
    """Grant everything but models."""
    bucket = storage.documents
    _allow(function, ["s3:GetObject"], [bucket.arn_for_objects(pattern) for pattern in access.reads])
    _allow(function, ["s3:PutObject"], [bucket.arn_for_objects(pattern) for pattern in access.writes])
    if access.probes:
        _allow(function, ["s3:ListBucket"], [bucket.bucket_arn])
    elif access.lists:
        within = {"StringLike": {"s3:prefix": [f"{prefix}*" for prefix in access.lists]}}
        _allow(function, ["s3:ListBucket"], [bucket.bucket_arn], within)
    for name, actions in access.tables.items():
        table, slash, index = name.partition("/")
        arn = storage.tables[table].table_arn
        _allow(function, [f"dynamodb:{action}" for action in actions.split()], [f"{arn}{slash}{index}"])
    if access.quotas:
        _allow(function, ["servicequotas:ListServiceQuotas", "servicequotas:ListAWSDefaultServiceQuotas"], ["*"])
    if access.announces:
        bus = Stack.of(function).format_arn(service="events", resource="event-bus", resource_name="default")
        _allow(function, ["events:PutEvents"], [bus])


def allow_models(scope: Construct, functions: Sequence[lambda_.Function], catalog: Catalog) -> None:
    """Let functions call the catalog's Bedrock models, those and no others."""
    arns = [arn for model in catalog.models for arn in bedrock_arns(Stack.of(scope), model, catalog)]
    for function in functions:
        _allow(function, ["bedrock:InvokeModel"], sorted(set(arns)))


def allow_keys(scope: Construct, functions: Sequence[lambda_.Function], catalog: Catalog) -> None:
    """Let functions read the keys of the catalog's providers."""
    for provider in catalog.providers.values():
        if provider.kind == "openai_compatible" and provider.key_secret:
            # By name: the secret is made by a person, and the emulator's reference to a secret is not its ARN.
            secret = secretsmanager.Secret.from_secret_name_v2(scope, f"Key-{provider.key_secret}", provider.key_secret)
            for function in functions:
                secret.grant_read(function)


def allow_search(scope: Construct, functions: Sequence[lambda_.Function], catalog: Catalog) -> None:
    """Let functions read the key of the catalog's web search."""
    if catalog.search and catalog.search.key_secret:
        secret = secretsmanager.Secret.from_secret_name_v2(scope, "SearchKey", catalog.search.key_secret)
        for function in functions:
            secret.grant_read(function)


def allow_shadows(functions: Sequence[lambda_.Function], shadow: lambda_.Function) -> None:
    """Let functions hand calls over to another, in the version that is deployed."""
    for function in functions:
        _allow(function, ["lambda:InvokeFunction"], [shadow.function_arn])


def bedrock_arns(stack: Stack, model: Model, catalog: Catalog) -> list[str]:
    """What IAM asks for to call a model: it, or an inference profile and the model behind it in any region."""
    provider = catalog.providers[model.provider]
    if provider.kind != "bedrock":
        return []
    prefix, _, base = model.vendor_model.partition(".")
    arn = f"arn:{stack.partition}:bedrock"
    if prefix not in PROFILE_PREFIXES:
        return [f"{arn}:{provider.region}::foundation-model/{model.vendor_model}"]
    profile = f"{arn}:{provider.region}:{stack.account}:inference-profile/{model.vendor_model}"
    return [profile, f"{arn}:*::foundation-model/{base}"]


def _allow(
    function: lambda_.Function,
    actions: Sequence[str],
    resources: Sequence[str],
    conditions: Mapping[str, object] | None = None,
) -> None:
    if resources:
        function.add_to_role_policy(
            iam.PolicyStatement(actions=list(actions), resources=list(resources), conditions=conditions)
        )
