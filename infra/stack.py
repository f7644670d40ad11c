"""Rota as a parts list, and every grant: the only place that sees both sides of one."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import CfnOutput, CfnParameter, DefaultStackSynthesizer, Duration, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from constructs import Construct

from infra.access import Access, allow, allow_keys, allow_models, allow_search, allow_shadows
from infra.alarms import Alarms
from infra.api import Api
from infra.dashboard import Dashboard
from infra.functions import Functions, log_prefix, snake_case
from infra.intake import Intake
from infra.stages import Stage
from infra.storage import Storage
from infra.workflow import Workflow
from rota.catalog import Catalog

JOB = ("documents_bucket", "jobs_table")
CALL = ("ledger_table", "outcomes_table", "provider_endpoints", "summaries_pool", "synthesis_model")
MODELS = (*JOB, *CALL, "shadow_function")
POOR = "jobs/*/rejected/*"
"""Outputs that were not good enough."""
REUSE = "reuse/*"
"""What models have written before."""
BOOK = {
    "jobs": "GetItem UpdateItem",
    "ledger": "BatchGetItem GetItem UpdateItem",
    "outcomes": "PutItem UpdateItem",
}

ACCESS: Mapping[str, Access] = {
    "plan_search": Access(
        settings=MODELS,
        reads=("jobs/*", REUSE),
        writes=("jobs/*/search_plan.json", POOR, REUSE),
        probes=True,
        tables=BOOK,
        models=True,
    ),
    "gather_documents": Access(
        settings=(*JOB, "private_hosts"),
        reads=(
            *("jobs/*/request.json", "jobs/*/search_plan.json", "jobs/*/found.json"),
            *("jobs/*/gathering.json", "jobs/*/documents.json", "uploads/*", "library/*", "inbox/*"),
        ),
        writes=(
            *("jobs/*/documents/*", "jobs/*/documents.json"),
            *("jobs/*/gathering.json", "jobs/*/found.json"),
        ),
        probes=True,
        tables={"jobs": "GetItem UpdateItem"},
        searches=True,
    ),
    "plan_job": Access(
        settings=(*MODELS, "map_concurrency"),
        reads=("jobs/*", REUSE),
        writes=("jobs/*/plan.json", "jobs/*/batches/*", "jobs/*/batches.json", "jobs/*/manifest.jsonl", POOR, REUSE),
        probes=True,
        tables=BOOK,
        models=True,
    ),
    "summarize_batch": Access(
        settings=MODELS,
        reads=("jobs/*", REUSE),
        writes=("jobs/*/summaries/*", "jobs/*/failures/*", POOR, REUSE),
        probes=True,
        tables=BOOK,
        models=True,
    ),
    "synthesize_summaries": Access(
        settings=MODELS,
        reads=("jobs/*", REUSE),
        writes=("jobs/*/synthesis/*", "jobs/*/synthesis.json", POOR, REUSE),
        probes=True,
        tables=BOOK,
        models=True,
    ),
    "write_answer": Access(
        settings=MODELS,
        reads=("jobs/*",),
        writes=("jobs/*/draft.json", "jobs/*/answer.json", "jobs/*/answer.md", POOR),
        probes=True,
        tables=BOOK,
        models=True,
    ),
    "finish_job": Access(
        settings=JOB,
        reads=("jobs/*",),
        writes=("jobs/*/result.json", "answers/*"),
        probes=True,
        tables={"jobs": "GetItem UpdateItem"},
        announces=True,
    ),
    "serve_api": Access(
        settings=(*MODELS, "simulated_providers", "workflow_arn"),
        reads=("jobs/*",),
        writes=(
            *("jobs/*/request.json", "jobs/*/feedback.json", "uploads/*", "calls/*"),
            *("jobs/*/result.json", "answers/*"),  # stopping a job ends it here
        ),
        probes=True,
        tables={
            "jobs": "GetItem PutItem UpdateItem",
            "jobs/index/by_owner": "Query",
            "ledger": "BatchGetItem GetItem UpdateItem",
            "outcomes": "GetItem PutItem Query UpdateItem",
        },
        models=True,
        announces=True,
    ),
    "authorize_request": Access(settings=("keys_table",), tables={"keys": "GetItem"}),
    "accept_uploads": Access(settings=("jobs_table", "inbox_workflow_arn"), tables={"jobs": "UpdateItem"}),
    "close_inbox": Access(
        settings=(*JOB, "workflow_arn"),
        reads=("inbox/*",),
        writes=("jobs/*/request.json",),
        lists=("inbox/",),
        tables={"jobs": "GetItem PutItem UpdateItem"},
    ),
    "refresh_pool": Access(
        settings=("ledger_table", "provider_endpoints", "quotas_endpoint"),
        tables={"ledger": "BatchGetItem GetItem UpdateItem"},
        keys=True,
        quotas=True,
    ),
    "shadow_call": Access(
        settings=CALL,
        tables={"ledger": BOOK["ledger"], "outcomes": BOOK["outcomes"]},
        models=True,
    ),
    "watch_health": Access(
        settings=("ledger_table", "summaries_pool", "synthesis_model"),
        tables={"ledger": "BatchGetItem GetItem UpdateItem"},
    ),
}
"""What each function is told (fields of `rota.settings`) and may do."""


class RotaStack(Stack):
    """One deployment of Rota."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage, target: str, catalog: Catalog) -> None:
        # The emulator was never bootstrapped, and has no version to check.
        synthesizer = DefaultStackSynthesizer(generate_bootstrap_version_rule=target == "aws")
        super().__init__(scope, construct_id, synthesizer=synthesizer, termination_protection=stage.keeps_data)
        self.stage = stage
        self.storage = Storage(self, "Storage", stage=stage)
        self.functions = Functions(
            self, "Functions", stage=stage, target=target, catalog_json=catalog.model_dump_json()
        )
        self.intake = Intake(self, "Intake", stage=stage, functions=self.functions)
        self.storage.announce_uploads(self.intake.queue)
        self.workflow = Workflow(
            self, "Workflow", stage=stage, functions=self.functions, documents=self.storage.documents
        )
        self.api = Api(self, "Api", stage=stage, functions=self.functions)
        self._schedule(stage)
        self._tell(stage)
        self._grant(catalog)
        self._watch(stage, catalog)
        self._put_out(stage)

    def _schedule(self, stage: Stage) -> None:
        """Ask the vendors for their quotas now and then, and look at the models' health every minute."""
        events.Rule(
            self,
            "RefreshSchedule",
            schedule=events.Schedule.rate(Duration.minutes(stage.refresh_minutes)),
            targets=[targets.LambdaFunction(self.functions["refresh_pool"])],
        )
        events.Rule(
            self,
            "HealthSchedule",
            schedule=events.Schedule.rate(Duration.minutes(1)),
            targets=[targets.LambdaFunction(self.functions["watch_health"])],
        )

    def _tell(self, stage: Stage) -> None:
        """Give each function the settings it reads, and no others."""
        values = {
            "documents_bucket": self.storage.documents.bucket_name,
            "jobs_table": self.storage.jobs.table_name,
            "ledger_table": self.storage.ledger.table_name,
            "keys_table": self.storage.keys.table_name,
            "outcomes_table": self.storage.outcomes.table_name,
            "workflow_arn": self.workflow.machine.state_machine_arn,
            "inbox_workflow_arn": self.intake.machine.state_machine_arn,
            "shadow_function": self.functions["shadow_call"].function_name,
            "map_concurrency": str(stage.map_concurrency),
            **self._overrides(),
        }
        for name, access in ACCESS.items():
            self.functions[name].add_environment("ROTA_STAGE", stage.name)
            for setting in access.settings:
                self.functions[name].add_environment(f"ROTA_{setting.upper()}", values[setting])

    def _overrides(self) -> dict[str, str]:
        """Settings that can be changed without new code: parameters of the template."""
        meanings = {
            "ProviderEndpoints": ("{}", "JSON object: base URLs that replace the ones of rota.yaml, by provider"),
            "QuotasEndpoint": ("", "Base URL in place of Service Quotas' own"),
            "PrivateHosts": ("", "host:port of private places that documents may be fetched from, joined by commas"),
            "SimulatedProviders": ("", "Providers, joined by commas, that are only simulated at their endpoint"),
            "SummariesPool": ("", "Pool, or model ids joined by commas, in place of the summaries' pool"),
            "SynthesisModel": ("", "Model id in place of the synthesis' pool"),
        }
        return {
            snake_case(name): CfnParameter(self, name, default=default, description=meaning).value_as_string
            for name, (default, meaning) in meanings.items()
        }

    def _grant(self, catalog: Catalog) -> None:
        for name, access in ACCESS.items():
            allow(self.functions[name], access, self.storage)
        callers = [self.functions[name] for name, access in ACCESS.items() if access.models]
        allow_models(self, callers, catalog)
        holders = [self.functions[name] for name, access in ACCESS.items() if access.models or access.keys]
        allow_keys(self, holders, catalog)
        searchers = [self.functions[name] for name, access in ACCESS.items() if access.searches]
        allow_search(self, searchers, catalog)
        hand_over = [self.functions[name] for name, access in ACCESS.items() if "shadow_function" in access.settings]
        allow_shadows(hand_over, self.functions["shadow_call"])
        functions, job, inbox = self.functions, self.workflow.machine, self.intake.machine
        job.grant_start_execution(functions["serve_api"])
        job.grant_execution(functions["serve_api"], "states:StopExecution")
        job.grant_start_execution(functions["close_inbox"])
        inbox.grant_start_execution(functions["accept_uploads"])
        self.intake.accept_events_of(self.account)

    def _watch(self, stage: Stage, catalog: Catalog) -> None:
        Dashboard(self, "Dashboard", stage=stage, catalog=catalog, intake=self.intake)
        alarms = Alarms(self, "Alarms", stage=stage)
        alarms.watch_models(catalog)
        alarms.watch_jobs(self.workflow, self.intake)
        alarms.watch_functions(self.functions)
        alarms.watch_quotas(stage)

    def _put_out(self, stage: Stage) -> None:
        outputs = {
            "ApiUrl": self.api.http_api.api_endpoint,
            "ApiId": self.api.http_api.api_id,
            "DocumentsBucket": self.storage.documents.bucket_name,
            "JobsTable": self.storage.jobs.table_name,
            "LedgerTable": self.storage.ledger.table_name,
            "KeysTable": self.storage.keys.table_name,
            "OutcomesTable": self.storage.outcomes.table_name,
            "RefreshPool": self.functions["refresh_pool"].function_name,
            "WorkflowArn": self.workflow.machine.state_machine_arn,
            "InboxQueueUrl": self.intake.queue.queue_url,
            "DeadLettersUrl": self.intake.dead_letters.queue_url,
            "LogGroupPrefix": log_prefix(stage),
        }
        for name, value in outputs.items():
            CfnOutput(self, name, value=value)
