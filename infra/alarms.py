"""What somebody should hear about: refusals, unfit models, failed jobs, empty pools, dead letters, broken functions."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.functions import Functions, camel_case
from infra.intake import Intake
from infra.metrics import of_model, of_rota
from infra.stages import Stage
from infra.storage import removal_policy
from infra.workflow import Workflow
from rota.catalog import Catalog

FIVE_MINUTES = Duration.minutes(5)


class Alarms(Construct):
    """Every alarm tells one topic; a stage that names an address gets it by mail."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage) -> None:
        super().__init__(scope, construct_id)
        self.topic = sns.Topic(self, "Topic", master_key=self._key(stage), enforce_ssl=stage.requires_tls)
        if stage.alarm_email:
            self.topic.add_subscription(subscriptions.EmailSubscription(stage.alarm_email))

    def watch_models(self, catalog: Catalog) -> None:
        """A refusal means that a model's quota in rota.yaml is not the one its vendor holds. And models that leave."""
        for model in catalog.models:
            metric = of_model("Refusals", model.id, period=FIVE_MINUTES)
            self._any(f"Refusals-{model.id}", metric, f"{model.id} was refused: compare its limits with the vendor's.")
        left = of_rota("ModelLeftPool", FIVE_MINUTES)
        self._any("ModelLeftPool", left, "A model fails or is slow, and left its pools; watch_health's log says which.")

    def watch_jobs(self, workflow: Workflow, intake: Intake) -> None:
        """Jobs that failed, pools without room, uploads that never became a job, and machines that broke."""
        self._any("JobsFailed", of_rota("JobsFailed", FIVE_MINUTES), "A job failed; its item says why.")
        self._any("NoCapacity", of_rota("NoCapacity", FIVE_MINUTES), "A call found no model of its pool with room.")
        dead = intake.dead_letters.metric_approximate_number_of_messages_visible(
            period=FIVE_MINUTES, statistic="Maximum"
        )
        self._any("DeadLetters", dead, "An upload's event was given up after its retries.")
        for name, machine in {"Workflow": workflow.machine, "Inbox": intake.machine}.items():
            self._any(f"{name}Broke", machine.metric_failed(period=FIVE_MINUTES), f"{name}: an execution broke.")

    def watch_functions(self, functions: Functions) -> None:
        """Errors of a function are faults of the infrastructure or of the code: business failures are answers."""
        for name, function in functions.by_name.items():
            errors = function.metric_errors(period=FIVE_MINUTES)
            self._any(f"{camel_case(name)}Errors", errors, f"{name} raised, ran out of time or out of memory.")

    def watch_quotas(self, stage: Stage) -> None:
        """A vendor that could not be asked for its quotas three times in a row: once is the network's business."""
        failed = of_rota("RefreshFailed", Duration.minutes(stage.refresh_minutes))
        self._any("RefreshFailed", failed, "Quotas are not refreshed; the log of refresh_pool says why.", in_a_row=3)

    def _any(self, name: str, metric: cloudwatch.IMetric, description: str, in_a_row: int = 1) -> None:
        alarm = cloudwatch.Alarm(
            self,
            name,
            metric=metric,
            threshold=1,
            evaluation_periods=in_a_row,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            alarm_description=description,
        )
        alarm.add_alarm_action(actions.SnsAction(self.topic))

    def _key(self, stage: Stage) -> kms.Key:
        """A key of our own: CloudWatch may not use the account's standard key for topics."""
        key = kms.Key(self, "Key", enable_key_rotation=True, removal_policy=removal_policy(stage))
        key.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["kms:Decrypt", "kms:GenerateDataKey*"],
                resources=["*"],  # in a key's own policy: this key
            )
        )
        return key
