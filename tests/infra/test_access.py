"""Who may do what: no wildcards, models and keys only for those that call, and what is told equals what is granted."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from deployment_view import View, pairs

from infra.access import bedrock_arns
from infra.stack import ACCESS
from rota.catalog import Model
from rota.catalog_file import load_catalog
from rota.settings import Settings

POOL_FILE = Path(__file__).parents[2] / "rota.yaml"
STEPS = {"plan_search", "plan_job", "summarize_batch", "synthesize_summaries", "write_answer"}
ANSWERERS = {*STEPS, "serve_api"}
"""Who calls models because somebody asked."""
CALLERS = {*ANSWERERS, "shadow_call"}
ASKERS = {*CALLERS, "refresh_pool"}
"""Who books: callers, and who asks vendors for their quotas."""
RESOURCELESS = {
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "logs:CreateLogDelivery",
    "logs:GetLogDelivery",
    "logs:UpdateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:DescribeResourcePolicies",
    "logs:DescribeLogGroups",
    "servicequotas:ListServiceQuotas",
    "servicequotas:ListAWSDefaultServiceQuotas",
}
"""Actions that know no narrower resource than `*`."""


def with_action(view: View, action: str) -> dict[str, set[str]]:
    """The resources on which each function may do this, without the functions that may not."""
    found = {name: {r for a, r in view.rights(name) if a == action} for name in view.functions()}
    return {name: resources for name, resources in found.items() if resources}


def test_every_function_has_an_entry_of_its_own(prod: View) -> None:
    """The table of rights names exactly the functions, and no two share a role."""
    functions = prod.functions()
    assert set(ACCESS) == set(functions)
    assert len({function["Role"] for function in functions.values()}) == len(functions)


def test_no_action_is_a_wildcard(prod: View) -> None:
    """Policies name each action in full."""
    for policy in prod.resources("AWS::IAM::Policy").values():
        for action, _ in pairs(policy["PolicyDocument"]["Statement"]):
            assert "*" not in action


def test_only_actions_without_resources_have_all_of_them(prod: View) -> None:
    """Resource `*` stands only where AWS knows nothing narrower."""
    statements = [s for p in prod.resources("AWS::IAM::Policy").values() for s in p["PolicyDocument"]["Statement"]]
    everywhere = {action for action, resource in pairs(statements) if resource == "*"}
    assert everywhere <= RESOURCELESS


def test_no_role_carries_a_managed_policy(prod: View) -> None:
    """AWS's own policies for Lambda may write every log group of the account."""
    for role in prod.resources("AWS::IAM::Role").values():
        assert "ManagedPolicyArns" not in role


def test_models_are_called_by_those_who_need_them(prod: View) -> None:
    """Exactly the foundation models of rota.yaml, and only for the steps that call one, the API, and shadows."""
    catalog = load_catalog(POOL_FILE)
    expected = {
        f"arn:${{AWS::Partition}}:bedrock:us-east-1::foundation-model/{model.vendor_model}"
        for model in catalog.models
        if model.provider == "bedrock"
    }
    assert with_action(prod, "bedrock:InvokeModel") == dict.fromkeys(CALLERS, expected)


def test_keys_of_providers_are_read_by_the_callers(prod: View) -> None:
    """The secret that rota.yaml names, by its name and the six characters that AWS appends."""
    granted = with_action(prod, "secretsmanager:GetSecretValue")
    assert set(granted) == ASKERS
    for resources in granted.values():
        [arn] = resources
        assert arn.endswith(":secret:rota/groq-??????")


@pytest.mark.parametrize(
    ("vendor_model", "arns"),
    [
        ("amazon.nova-pro-v1:0", ["arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-pro-v1:0"]),
        (
            "us.amazon.nova-2-lite-v1:0",
            [
                "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-2-lite-v1:0",
                "arn:aws:bedrock:*::foundation-model/amazon.nova-2-lite-v1:0",
            ],
        ),
    ],
)
def test_an_inference_profile_needs_its_model_everywhere(vendor_model: str, arns: list[str]) -> None:
    """A profile routes to several regions, and IAM asks for the profile and for the model behind it."""
    catalog = load_catalog(POOL_FILE)
    model: Model = catalog.model("nova-pro").model_copy(update={"vendor_model": vendor_model})
    stack = cast(Any, SimpleNamespace(partition="aws", account="123456789012"))
    assert bedrock_arns(stack, model, catalog) == arns


def test_nobody_deletes_or_scans(prod: View) -> None:
    """No function may remove an object or an item, or read a whole table."""
    actions = {action for name in prod.functions() for action, _ in prod.rights(name)}
    assert not {a for a in actions if re.search("Delete(Item|Object|Table|Bucket)|Scan|PutBucket", a)}


def test_keys_of_users_are_read_by_the_authorizer_alone(prod: View) -> None:
    """The keys table is nobody else's."""
    table = f"${{{prod.named('AWS::DynamoDB::Table', 'Keys')[0]}.Arn}}"
    readers = {name: {a for a, r in prod.rights(name) if r == table} for name in prod.functions()}
    assert {name: actions for name, actions in readers.items() if actions} == {
        "authorize_request": {"dynamodb:GetItem"}
    }


def test_bookings_are_written_by_the_callers_alone(prod: View) -> None:
    """Only who calls a model may book; who watches health opens breakers."""
    ledger = f"${{{prod.named('AWS::DynamoDB::Table', 'Ledger')[0]}.Arn}}"
    writers = {name for name, on in with_action(prod, "dynamodb:UpdateItem").items() if ledger in on}
    assert writers == {*ASKERS, "watch_health"}
    readers = {name for name, on in with_action(prod, "dynamodb:BatchGetItem").items() if ledger in on}
    assert readers == {*ASKERS, "watch_health"}


def test_outcomes_are_written_by_the_callers_and_read_by_the_api(prod: View) -> None:
    """Steps count, reserve and record; only the API looks at what came of it."""
    outcomes = f"${{{prod.named('AWS::DynamoDB::Table', 'Outcomes')[0]}.Arn}}"
    rights = {name: {a.removeprefix("dynamodb:") for a, r in prod.rights(name) if r == outcomes} for name in ACCESS}
    assert {name: actions for name, actions in rights.items() if actions} == {
        **{name: {"PutItem", "UpdateItem"} for name in CALLERS},
        "serve_api": {"GetItem", "PutItem", "Query", "UpdateItem"},
    }


def test_quotas_are_listed_by_the_refresher_alone(prod: View) -> None:
    """It may list quotas, book and read keys; it touches no job, no document and no Bedrock model."""
    assert set(with_action(prod, "servicequotas:ListServiceQuotas")) == {"refresh_pool"}
    actions = {action for action, _ in prod.rights("refresh_pool")}
    assert {action for action in actions if not action.startswith(("logs:", "xray:"))} == {
        "dynamodb:BatchGetItem",
        "dynamodb:GetItem",
        "dynamodb:UpdateItem",
        "secretsmanager:DescribeSecret",
        "secretsmanager:GetSecretValue",
        "servicequotas:ListAWSDefaultServiceQuotas",
        "servicequotas:ListServiceQuotas",
    }


def test_health_is_judged_from_the_ledger_alone(prod: View) -> None:
    """Who judges models reads and updates their items, and may do nothing else."""
    actions = {action for action, _ in prod.rights("watch_health")}
    assert {action for action in actions if not action.startswith(("logs:", "xray:"))} == {
        "dynamodb:BatchGetItem",
        "dynamodb:GetItem",
        "dynamodb:UpdateItem",
    }


def test_shadows_are_called_by_those_who_answer(prod: View) -> None:
    """In the version that is deployed; a shadow calls its model, books, counts, and touches no job and no document."""
    [shadow] = [f"${{{i}.Arn}}" for i, name in prod.function_ids().items() if name == "shadow_call"]
    assert with_action(prod, "lambda:InvokeFunction") == {name: {shadow} for name in ANSWERERS}
    ledger, outcomes = (f"${{{prod.named('AWS::DynamoDB::Table', part)[0]}.Arn}}" for part in ("Ledger", "Outcomes"))
    rights = {(a, r) for a, r in prod.rights("shadow_call") if a.startswith(("dynamodb:", "s3:", "states:", "events:"))}
    assert rights == {
        *((f"dynamodb:{action}", ledger) for action in ("BatchGetItem", "GetItem", "UpdateItem")),
        *((f"dynamodb:{action}", outcomes) for action in ("PutItem", "UpdateItem")),
    }


def test_each_step_writes_its_own_files(prod: View) -> None:
    """A step's files under jobs/ are written by that step; nobody may write the whole of a prefix of another's."""
    bucket = f"${{{prod.named('AWS::S3::Bucket', 'Documents')[0]}.Arn}}/"
    writers: dict[str, set[str]] = {}
    for name, resources in with_action(prod, "s3:PutObject").items():
        for resource in resources:
            writers.setdefault(resource.removeprefix(bucket), set()).add(name)
    assert writers == {
        "jobs/*/request.json": {"serve_api", "close_inbox"},
        "jobs/*/feedback.json": {"serve_api"},
        "jobs/*/rejected/*": STEPS,
        "calls/*": {"serve_api"},
        "uploads/*": {"serve_api"},
        "jobs/*/search_plan.json": {"plan_search"},
        "jobs/*/found.json": {"gather_documents"},
        "jobs/*/gathering.json": {"gather_documents"},
        "jobs/*/documents/*": {"gather_documents"},
        "jobs/*/documents.json": {"gather_documents"},
        "reuse/*": STEPS - {"write_answer"},
        "jobs/*/plan.json": {"plan_job"},
        "jobs/*/batches/*": {"plan_job"},
        "jobs/*/batches.json": {"plan_job"},
        "jobs/*/manifest.jsonl": {"plan_job"},
        "jobs/*/summaries/*": {"summarize_batch"},
        "jobs/*/failures/*": {"summarize_batch"},
        "jobs/*/synthesis/*": {"synthesize_summaries"},
        "jobs/*/synthesis.json": {"synthesize_summaries"},
        "jobs/*/draft.json": {"write_answer"},
        "jobs/*/answer.json": {"write_answer"},
        "jobs/*/answer.md": {"write_answer"},
        "jobs/*/result.json": {"finish_job", "serve_api"},
        "answers/*": {"finish_job", "serve_api"},
    }


def test_machines_are_started_by_those_who_should(prod: View) -> None:
    """The API and CloseInbox start jobs, only the API stops them, and AcceptUploads starts the inbox's machine."""
    job = f"${{{prod.named('AWS::StepFunctions::StateMachine', 'Workflow')[0]}}}"
    inbox = f"${{{prod.named('AWS::StepFunctions::StateMachine', 'Intake')[0]}}}"
    assert with_action(prod, "states:StartExecution") == {
        "serve_api": {job},
        "close_inbox": {job},
        "accept_uploads": {inbox},
    }
    assert set(with_action(prod, "states:StopExecution")) == {"serve_api"}
    assert set(with_action(prod, "events:PutEvents")) == {"serve_api", "finish_job"}


def test_the_workflow_may_run_its_maps(prod: View) -> None:
    """It calls its own functions, reads manifests, and starts, watches and redrives its own children; no more."""
    name, machine = prod.named("AWS::StepFunctions::StateMachine", "Workflow")
    rights = set(pairs(prod.statements(machine["RoleArn"].replace(".Arn", ""))))
    called = {resource.split(".")[0].removeprefix("${") for action, resource in rights if action.startswith("lambda:")}
    folders = prod.function_ids()
    assert {folders[function] for function in called} == {"gather_documents", "finish_job", *STEPS}
    bucket = prod.named("AWS::S3::Bucket", "Documents")[0]
    assert {r for a, r in rights if a.startswith("s3:")} == {f"${{{bucket}.Arn}}/jobs/*"}
    assert ("states:StartExecution", f"${{{name}}}") in rights
    actions = {action for action, _ in rights if action.startswith("states:")}
    assert actions == {
        "states:StartExecution",
        "states:DescribeExecution",
        "states:StopExecution",
        "states:RedriveExecution",
    }


def test_functions_are_told_what_settings_knows(prod: View) -> None:
    """Every ROTA_ variable is a field of Settings, and every field but the laptop's `config` is given to somebody."""
    told = {key for function in prod.functions().values() for key in function["Environment"]["Variables"]}
    fields = {key.removeprefix("ROTA_").lower() for key in told if key.startswith("ROTA_")}
    assert fields == set(Settings.__slots__) - {"config"}
    assert {key for key in told if not key.startswith("ROTA_")} == {
        "POWERTOOLS_SERVICE_NAME",
        "POWERTOOLS_METRICS_NAMESPACE",
        "POWERTOOLS_LOG_LEVEL",
    }


@pytest.mark.parametrize(
    ("setting", "service", "part"),
    [
        ("ROTA_DOCUMENTS_BUCKET", "AWS::S3::Bucket", "Documents"),
        ("ROTA_JOBS_TABLE", "AWS::DynamoDB::Table", "Jobs"),
        ("ROTA_LEDGER_TABLE", "AWS::DynamoDB::Table", "Ledger"),
        ("ROTA_KEYS_TABLE", "AWS::DynamoDB::Table", "Keys"),
        ("ROTA_OUTCOMES_TABLE", "AWS::DynamoDB::Table", "Outcomes"),
        ("ROTA_WORKFLOW_ARN", "AWS::StepFunctions::StateMachine", "Workflow"),
        ("ROTA_INBOX_WORKFLOW_ARN", "AWS::StepFunctions::StateMachine", "Intake"),
        ("ROTA_SHADOW_FUNCTION", "AWS::Lambda::Function", "ShadowCall"),
    ],
)
def test_who_is_told_of_a_part_may_use_it(prod: View, setting: str, service: str, part: str) -> None:
    """A function knows the name of a bucket, table or machine exactly if it has a right on it."""
    name, _ = prod.named(service, part)
    knows = {f for f, body in prod.functions().items() if setting in body["Environment"]["Variables"]}
    may = {f for f in prod.functions() if any(f"${{{name}" in resource for _, resource in prod.rights(f))}
    assert knows == may
    assert {prod.functions()[f]["Environment"]["Variables"][setting] for f in knows} == {f"${{{name}}}"}


def test_callers_know_the_overrides(prod: View) -> None:
    """Parameters of the template reach every function that reads the pool."""
    for name in CALLERS:
        variables = prod.functions()[name]["Environment"]["Variables"]
        assert variables["ROTA_PROVIDER_ENDPOINTS"] == "${ProviderEndpoints}"
        assert variables["ROTA_SUMMARIES_POOL"] == "${SummariesPool}"
        assert variables["ROTA_SYNTHESIS_MODEL"] == "${SynthesisModel}"
