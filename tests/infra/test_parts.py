"""Everything but rights: encryption, transport, retention, retries, the authorizer, functions and their code."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from deployment_view import Resource, View, listed

from infra.deployment import add_stacks, new_app
from infra.stack import ACCESS
from infra.stages import STAGES, stage_named
from rota.catalog_file import load_catalog
from rota.errors import CatalogError

REPOSITORY = Path(__file__).parents[2]


def denies_plain_http(policy: Resource, resource: str) -> bool:
    """Whether a resource's policy denies everybody everything without TLS."""
    return any(
        statement["Effect"] == "Deny"
        and statement["Principal"] == {"AWS": "*"}
        and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        and any(target.startswith(resource) for target in listed(statement["Resource"]))
        for statement in policy["PolicyDocument"]["Statement"]
    )


def test_the_bucket_is_encrypted_private_and_ends(prod: View) -> None:
    """One bucket; encrypted, closed, TLS only; jobs and uploads expire, what belongs to people stays."""
    name, bucket = prod.named("AWS::S3::Bucket", "Documents")
    rules = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rules == [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert denies_plain_http(prod.named("AWS::S3::BucketPolicy", "Documents")[1], f"${{{name}.Arn}}")
    expiry = {rule.get("Prefix"): rule.get("ExpirationInDays") for rule in bucket["LifecycleConfiguration"]["Rules"]}
    days = STAGES["prod"]
    kept = {"jobs/": days.job_days, "calls/": days.job_days, "reuse/": days.job_days, "uploads/": days.upload_days}
    assert expiry == {**kept, None: None}


def test_uploads_to_an_inbox_are_announced(prod: View) -> None:
    """Objects created below inbox/, and no others, reach the queue, whose policy stands before the bucket does."""
    _, bucket = prod.named("AWS::S3::Bucket", "Documents")
    queue, _ = prod.named("AWS::SQS::Queue", "Uploads")
    [announced] = bucket["NotificationConfiguration"]["QueueConfigurations"]
    assert announced["Event"] == "s3:ObjectCreated:*"
    assert announced["Queue"] == f"${{{queue}.Arn}}"
    assert announced["Filter"]["S3Key"]["Rules"] == [{"Name": "prefix", "Value": "inbox/"}]
    policy_name, policy = prod.named("AWS::SQS::QueuePolicy", "Uploads")
    assert policy_name in prod.template["Resources"][prod.named("AWS::S3::Bucket", "Documents")[0]]["DependsOn"]
    [allowed] = [s for s in policy["PolicyDocument"]["Statement"] if s["Effect"] == "Allow"]
    assert allowed["Principal"] == {"Service": "s3.amazonaws.com"}
    assert allowed["Action"] == "sqs:SendMessage"
    assert allowed["Condition"] == {"StringEquals": {"aws:SourceAccount": "${AWS::AccountId}"}}


def test_queues_are_encrypted_and_end_in_dead_letters(prod: View) -> None:
    """Three tries, six time-outs apart, then the dead letters; both queues encrypted and TLS only."""
    dead, _ = prod.named("AWS::SQS::Queue", "DeadLetters")
    _, queue = prod.named("AWS::SQS::Queue", "Uploads")
    assert queue["RedrivePolicy"] == {"deadLetterTargetArn": f"${{{dead}.Arn}}", "maxReceiveCount": 3}
    assert queue["VisibilityTimeout"] >= 6 * prod.functions()["accept_uploads"]["Timeout"]
    for name, body in prod.resources("AWS::SQS::Queue").items():
        assert body["SqsManagedSseEnabled"] is True
        [policy] = [p for p in prod.resources("AWS::SQS::QueuePolicy").values() if p["Queues"] == [f"${{{name}}}"]]
        assert denies_plain_http(policy, f"${{{name}.Arn}}")
    [source] = prod.resources("AWS::Lambda::EventSourceMapping").values()
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_tables_are_encrypted_and_on_demand(prod: View) -> None:
    """Four tables; production's can be put back to any second of the last weeks."""
    tables = prod.resources("AWS::DynamoDB::Table")
    keys = {listed(table["KeySchema"])[0]["AttributeName"] for table in tables.values()}
    assert keys == {"model", "job_id", "key_hash", "pk"}
    for table in tables.values():
        assert table["BillingMode"] == "PAY_PER_REQUEST"
        assert table["SSESpecification"] == {"SSEEnabled": True}
        assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
        assert table["DeletionProtectionEnabled"] is True


def test_jobs_are_found_by_owner_and_expire(prod: View) -> None:
    """The jobs table has its index and its time to live."""
    _, jobs = prod.named("AWS::DynamoDB::Table", "Jobs")
    [index] = jobs["GlobalSecondaryIndexes"]
    assert index["IndexName"] == "by_owner"
    assert [key["AttributeName"] for key in index["KeySchema"]] == ["owner", "created_ms"]
    assert jobs["TimeToLiveSpecification"] == {"AttributeName": "expires_s", "Enabled": True}


def test_outcomes_are_sorted_within_their_partition_and_expire(prod: View, local: View) -> None:
    """Both keys are text, nothing is indexed, and each item says when it goes."""
    for view in (prod, local):
        _, outcomes = view.named("AWS::DynamoDB::Table", "Outcomes")
        assert outcomes["KeySchema"] == [
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ]
        assert {each["AttributeType"] for each in outcomes["AttributeDefinitions"]} == {"S"}
        assert "GlobalSecondaryIndexes" not in outcomes
        assert outcomes["TimeToLiveSpecification"] == {"AttributeName": "expires_s", "Enabled": True}


@pytest.mark.parametrize(("stage", "policy"), [("prod", "Retain"), ("local", "Delete")])
def test_data_outlives_production_only(request: pytest.FixtureRequest, stage: str, policy: str) -> None:
    """Bucket, tables and logs are kept when production's stack goes, and go with any other."""
    view: View = request.getfixturevalue(stage)
    kept = {"AWS::S3::Bucket", "AWS::DynamoDB::Table", "AWS::Logs::LogGroup", "AWS::KMS::Key"}
    policies = {body["DeletionPolicy"] for body in view.template["Resources"].values() if body["Type"] in kept}
    assert policies == {policy}


def test_the_topic_is_encrypted_with_a_key_that_alarms_may_use(prod: View) -> None:
    """CloudWatch cannot publish to a topic under the account's standard key."""
    name, topic = prod.named("AWS::SNS::Topic", "Alarms")
    key_name, key = prod.named("AWS::KMS::Key", "Alarms")
    assert topic["KmsMasterKeyId"] == f"${{{key_name}.Arn}}"
    principals = [statement["Principal"] for statement in key["KeyPolicy"]["Statement"]]
    assert {"Service": "cloudwatch.amazonaws.com"} in principals
    [policy] = prod.resources("AWS::SNS::TopicPolicy").values()
    denied = [s for s in policy["PolicyDocument"]["Statement"] if s["Effect"] == "Deny"]
    assert denied[0]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert denied[0]["Resource"] == f"${{{name}}}"


def test_every_route_needs_a_key(prod: View) -> None:
    """The one route takes every path and method below /v1/ through the authorizer."""
    [route] = prod.resources("AWS::ApiGatewayV2::Route").values()
    assert route["RouteKey"] == "ANY /v1/{proxy+}"
    name, authorizer = prod.named("AWS::ApiGatewayV2::Authorizer", "Api")
    assert (route["AuthorizationType"], route["AuthorizerId"]) == ("CUSTOM", f"${{{name}}}")
    assert authorizer["AuthorizerType"] == "REQUEST"
    assert authorizer["EnableSimpleResponses"] is True
    assert authorizer["IdentitySource"] == ["$request.header.Authorization"]
    assert authorizer["AuthorizerResultTtlInSeconds"] == STAGES["prod"].key_cache_s <= 60


def test_quotas_are_refreshed_on_a_schedule_and_missed_when_not(prod: View) -> None:
    """A rule that may call the function; three failures in a row, and only that, raise an alarm."""
    name, function = next((n, f) for n, f in prod.resources("AWS::Lambda::Function").items() if "RefreshPool" in n)
    _, rule = prod.named("AWS::Events::Rule", "RefreshSchedule")
    assert rule["ScheduleExpression"] == "rate(1 hour)"
    assert [target["Arn"] for target in rule["Targets"]] == [f"${{{name}.Arn}}"]
    permissions = prod.resources("AWS::Lambda::Permission").values()
    assert [p["Principal"] for p in permissions if p["FunctionName"] == f"${{{name}.Arn}}"] == ["events.amazonaws.com"]
    assert function["Environment"]["Variables"]["ROTA_QUOTAS_ENDPOINT"] == "${QuotasEndpoint}"
    assert prod.template["Parameters"]["QuotasEndpoint"]["Default"] == ""
    _, alarm = prod.named("AWS::CloudWatch::Alarm", "RefreshFailed")
    assert (alarm["EvaluationPeriods"], alarm["Period"], alarm["Threshold"]) == (3, 3600, 1)


def test_health_is_watched_every_minute(prod: View) -> None:
    """A rule that calls the function, and an alarm when a model leaves its pools."""
    _, rule = prod.named("AWS::Events::Rule", "HealthSchedule")
    name = next(n for n in prod.resources("AWS::Lambda::Function") if "WatchHealth" in n)
    assert (rule["ScheduleExpression"], rule["Targets"][0]["Arn"]) == ("rate(1 minute)", f"${{{name}.Arn}}")
    _, alarm = prod.named("AWS::CloudWatch::Alarm", "ModelLeftPool")
    assert (alarm["MetricName"], alarm["Threshold"]) == ("ModelLeftPool", 1)


def test_shadows_are_now_or_never(prod: View) -> None:
    """Nothing is retried, nothing waits long, and nobody is told; no other function is invoked so."""
    name = next(n for n in prod.resources("AWS::Lambda::Function") if "ShadowCall" in n)
    [config] = prod.resources("AWS::Lambda::EventInvokeConfig").values()
    assert config == {
        "FunctionName": f"${{{name}}}",
        "Qualifier": "$LATEST",
        "MaximumRetryAttempts": 0,
        "MaximumEventAgeInSeconds": 60,
    }


def test_the_api_is_throttled_and_logged(prod: View) -> None:
    """Requests per second are bounded, and each leaves a line that never holds a key."""
    [stage] = prod.resources("AWS::ApiGatewayV2::Stage").values()
    throttle = stage["DefaultRouteSettings"]
    assert throttle["ThrottlingRateLimit"] == STAGES["prod"].api_rate
    assert throttle["ThrottlingBurstLimit"] == STAGES["prod"].api_burst
    line = json.loads(stage["AccessLogSettings"]["Format"])
    assert line["request_id"] == "$context.requestId"
    assert "uthorization" not in stage["AccessLogSettings"]["Format"]


def test_every_log_group_ends(prod: View) -> None:
    """Every log has a retention, and each function, machine and API a log of its own."""
    groups = prod.resources("AWS::Logs::LogGroup")
    assert {group["RetentionInDays"] for group in groups.values()} == {90}
    used = {function["LoggingConfig"]["LogGroup"] for function in prod.functions().values()}
    assert used == {f"${{{name}}}" for name in groups if name.startswith("Functions")}
    names = {group["LogGroupName"] for group in groups.values()}
    assert {f"/rota/prod/{name}" for name in ACCESS} <= names
    assert len(names) == len(ACCESS) + 3


def test_functions_share_their_defaults(prod: View) -> None:
    """Python 3.13 on arm64, traced, JSON logs; the library and its dependencies as layers."""
    layers = set(prod.resources("AWS::Lambda::LayerVersion"))
    assert len(layers) == 3
    for name, function in prod.functions().items():
        assert (function["Runtime"], function["Architectures"]) == ("python3.13", ["arm64"])
        assert function["TracingConfig"] == {"Mode": "Active"}
        assert function["LoggingConfig"]["LogFormat"] == "JSON"
        assert function["MemorySize"] == (1769 if name in ("gather_documents", "plan_job") else 512)
        assert len(function["Layers"]) == (3 if name == "gather_documents" else 2)
        assert "ReservedConcurrentExecutions" not in function
    callers = {name: prod.functions()[name]["Timeout"] for name, access in ACCESS.items() if access.models}
    assert callers.pop("serve_api") < 30
    assert callers.pop("plan_job") == 900
    assert set(callers.values()) == {300}


@pytest.mark.parametrize("stage", ["prod", "local"])
def test_every_handler_is_in_the_code(request: pytest.FixtureRequest, stage: str) -> None:
    """Lambda finds functions/<name>/handler.py with a `handle` in it at the root of the code."""
    view: View = request.getfixturevalue(stage)
    manifest = json.loads((view.folder / f"Rota-{stage}.assets.json").read_text())
    for name, function in view.functions().items():
        key = function["Code"]["S3Key"].removesuffix(".zip")
        code = view.folder / manifest["files"][key]["source"]["path"]
        assert function["Handler"] == f"functions.{name}.handler.handle"
        assert "handle" in (code / "functions" / name / "handler.py").read_text()


def test_every_folder_of_functions_is_deployed(prod: View) -> None:
    """A handler that no construct names would be dead code."""
    folders = {handler.parent.name for handler in (REPOSITORY / "functions").glob("*/handler.py")}
    assert folders == set(prod.functions())


def test_the_library_layer_carries_the_pool(prod: View) -> None:
    """Beside the package lies rota.yaml as JSON, as it was validated."""
    manifest = json.loads((prod.folder / "Rota-prod.assets.json").read_text())
    folders = [prod.folder / file["source"]["path"] for file in manifest["files"].values()]
    [library] = [folder for folder in folders if (folder / "python/rota").is_dir()]
    assert load_catalog(library / "python/rota_catalog.json") == load_catalog(REPOSITORY / "rota.yaml")


def test_outputs_are_what_clients_look_for(prod: View) -> None:
    """The command line and the tests find their parts by these names."""
    assert set(prod.template["Outputs"]) == {
        "ApiUrl",
        "ApiId",
        "DocumentsBucket",
        "JobsTable",
        "LedgerTable",
        "KeysTable",
        "OutcomesTable",
        "RefreshPool",
        "WorkflowArn",
        "InboxQueueUrl",
        "DeadLettersUrl",
        "LogGroupPrefix",
    }


def test_the_template_fits(prod: View, local: View) -> None:
    """CloudFormation takes at most 1 MB and 500 resources."""
    for view in (prod, local):
        assert sum(len(path.read_bytes()) for path in view.folder.glob("Rota-*.template.json")) < 1_000_000
        assert len(view.template["Resources"]) < 500


def test_the_emulator_gets_only_what_it_knows(local: View) -> None:
    """No custom resource, no bootstrap check, no query definitions, and no demand for TLS on loopback."""
    kinds = {body["Type"] for body in local.template["Resources"].values()}
    assert not {kind for kind in kinds if kind.startswith(("Custom::", "AWS::CloudFormation::"))}
    assert "BootstrapVersion" not in local.template["Parameters"]
    assert not list(local.folder.glob("*Queries*"))
    assert "SecureTransport" not in json.dumps(local.template)
    alarms = local.resources("AWS::CloudWatch::Alarm").values()
    assert all("Metrics" not in alarm for alarm in alarms)


def test_an_unknown_stage_is_refused() -> None:
    """The message names the stages there are."""
    with pytest.raises(ValueError, match="allowed: local, dev, prod"):
        stage_named("staging")


def test_a_wrong_pool_file_fails_synthesis(tmp_path: Path) -> None:
    """A pool that names an unknown model never becomes a template."""
    text = (REPOSITORY / "rota.yaml").read_text().replace("planner: {models: [nova-lite", "planner: {models: [nova-lit")
    (tmp_path / "rota.yaml").write_text(text)
    with pytest.raises(CatalogError, match="nova-lit"):
        add_stacks(new_app(tmp_path), config=tmp_path / "rota.yaml", stage="dev")


def test_stages_are_synthesised_alike(synthesise: Callable[[str, str], View]) -> None:
    """Every stage has the same machine and functions; only values differ."""
    shapes = []
    for stage, target in (("prod", "aws"), ("local", "local")):
        view = synthesise(stage, target)
        shapes.append((set(view.machine("Workflow")["States"]), {n: f["Handler"] for n, f in view.functions().items()}))
    assert shapes[0] == shapes[1]
