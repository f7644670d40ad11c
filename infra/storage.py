"""Where things are kept: the documents bucket, four tables, and log groups; all encrypted, all with an end."""

from __future__ import annotations

from typing import cast

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.stages import Stage

INBOX = "inbox/"
"""Objects created below this prefix are announced to the intake queue."""


class Storage(Construct):
    """`documents` (bucket), `ledger`, `jobs`, `keys` and `outcomes` (tables)."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage) -> None:
        super().__init__(scope, construct_id)
        self._stage = stage
        self.documents = self._bucket()
        self.ledger = self._table("Ledger", "model")
        self.jobs = self._table("Jobs", "job_id", time_to_live="expires_s")
        self.jobs.add_global_secondary_index(
            index_name="by_owner",
            partition_key=dynamodb.Attribute(name="owner", type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name="created_ms", type=dynamodb.AttributeType.NUMBER),
            # What a listing shows and no counter: otherwise every addition to one would be written twice.
            projection_type=dynamodb.ProjectionType.INCLUDE,
            non_key_attributes=["status", "query", "origin", "started_ms", "finished_ms", "error_code"],
        )
        self.keys = self._table("Keys", "key_hash")
        self.outcomes = self._table("Outcomes", "pk", sort_key="sk", time_to_live="expires_s")
        self.tables = {"ledger": self.ledger, "jobs": self.jobs, "keys": self.keys, "outcomes": self.outcomes}

    def announce_uploads(self, queue: sqs.Queue) -> None:
        """Send an event to `queue` for every object created below `inbox/`.

        As a property of the bucket: CDK's own `add_event_notification` brings a custom resource with a function.
        """
        bucket = cast(s3.CfnBucket, self.documents.node.default_child)
        inbox_only = s3.CfnBucket.S3KeyFilterProperty(rules=[{"name": "prefix", "value": INBOX}])
        bucket.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
            queue_configurations=[
                s3.CfnBucket.QueueConfigurationProperty(
                    event="s3:ObjectCreated:*",
                    queue=queue.queue_arn,
                    filter=s3.CfnBucket.NotificationFilterProperty(s3_key=inbox_only),
                )
            ]
        )
        # S3 checks that it may send when the bucket is created.
        self.documents.node.add_dependency(queue)

    def _bucket(self) -> s3.Bucket:
        """Not versioned: a job writes each object once, and old versions would outlive the promised expiry.

        Uploads and jobs end by themselves; `inbox/`, `answers/` and `library/` belong to people and stay.
        """
        stage = self._stage
        return s3.Bucket(
            self,
            "Documents",
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=stage.requires_tls,
            minimum_tls_version=1.2 if stage.requires_tls else None,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            removal_policy=removal_policy(stage),
            lifecycle_rules=[
                s3.LifecycleRule(id="jobs", prefix="jobs/", expiration=Duration.days(stage.job_days)),
                s3.LifecycleRule(id="calls", prefix="calls/", expiration=Duration.days(stage.job_days)),
                s3.LifecycleRule(id="reuse", prefix="reuse/", expiration=Duration.days(stage.job_days)),
                s3.LifecycleRule(id="uploads", prefix="uploads/", expiration=Duration.days(stage.upload_days)),
                s3.LifecycleRule(id="unfinished", abort_incomplete_multipart_upload_after=Duration.days(1)),
            ],
        )

    def _table(
        self, name: str, key: str, sort_key: str | None = None, time_to_live: str | None = None
    ) -> dynamodb.Table:
        return dynamodb.Table(
            self,
            name,
            partition_key=dynamodb.Attribute(name=key, type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name=sort_key, type=dynamodb.AttributeType.STRING) if sort_key else None,
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=dynamodb.TableEncryption.AWS_MANAGED,
            time_to_live_attribute=time_to_live,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=self._stage.keeps_data
            ),
            deletion_protection=self._stage.keeps_data,
            removal_policy=removal_policy(self._stage),
        )


def log_group(scope: Construct, construct_id: str, name: str, stage: Stage) -> logs.LogGroup:
    """A log group with the stage's retention."""
    return logs.LogGroup(
        scope,
        construct_id,
        log_group_name=name,
        retention=stage.log_retention,
        removal_policy=removal_policy(stage),
    )


def removal_policy(stage: Stage) -> RemovalPolicy:
    """What happens to data when the stack goes: kept in production, else deleted (a bucket must be emptied first)."""
    return RemovalPolicy.RETAIN if stage.keeps_data else RemovalPolicy.DESTROY
