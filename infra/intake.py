"""Uploads under inbox/ become jobs: a queue of object-created events, and a machine that waits for the burst to end."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.functions import Functions
from infra.stages import Stage
from infra.workflow import Step, state_machine, status_is

ATTEMPTS = 3
"""How often an event is tried before it goes to the dead letters."""


class Intake(Construct):
    """`queue`, `dead_letters`, and `machine` with the input `{"inbox": …, "generation": …}`."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage, functions: Functions) -> None:
        super().__init__(scope, construct_id)
        self.dead_letters = sqs.Queue(
            self,
            "DeadLetters",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=stage.requires_tls,
            retention_period=Duration.days(14),
        )
        self.queue = sqs.Queue(
            self,
            "Uploads",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=stage.requires_tls,
            retention_period=Duration.days(4),
            visibility_timeout=Duration.seconds(stage.queue_retry_s),
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.dead_letters, max_receive_count=ATTEMPTS),
        )
        functions["accept_uploads"].add_event_source(
            sources.SqsEventSource(self.queue, batch_size=10, report_batch_item_failures=True)
        )
        self.machine = state_machine(self, "inbox", self._definition(stage, functions["close_inbox"]), stage)

    def accept_events_of(self, account: str) -> None:
        """Let S3 send events of this account's buckets.

        The account and not the bucket, which S3 lets exist only once the queue accepts its events.
        """
        self.queue.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("s3.amazonaws.com")],
                actions=["sqs:SendMessage"],
                resources=[self.queue.queue_arn],
                conditions={"StringEquals": {"aws:SourceAccount": account}},
            )
        )

    def _definition(self, stage: Stage, close_inbox: lambda_.IFunction) -> sfn.IChainable:
        burst = sfn.Wait(self, "WaitForBurst", time=sfn.WaitTime.duration(Duration.seconds(stage.debounce_s)))
        closing = Step(self, "CloseInbox", close_inbox, wait="WaitForQuiet")
        closing.when(status_is("done"), sfn.Succeed(self, "InboxClosed"))
        closing.otherwise(sfn.Fail(self, "InboxFailed", error="InboxFailed", cause="The uploads became no job."))
        return burst.next(closing.task)
