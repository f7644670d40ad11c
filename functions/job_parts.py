"""The parts around a job: how it is submitted, started by an inbox, and ended. Each built once per process."""

from __future__ import annotations

import time
from functools import cache
from typing import TYPE_CHECKING

import boto3

from functions import parts
from rota.executions import Executions
from rota.finishing import Finisher
from rota.inbox import InboxStore
from rota.once import OnceStore
from rota.storage import Bucket
from rota.submission import Submissions

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


def now_ms() -> int:
    """This machine's clock, epoch milliseconds."""
    return time.time_ns() // 1_000_000


@cache
def stepfunctions() -> SFNClient:
    """AWS Step Functions."""
    return boto3.client("stepfunctions")


@cache
def bucket() -> Bucket:
    """The documents bucket."""
    return Bucket(parts.s3(), parts.settings().documents_bucket)


@cache
def inboxes() -> InboxStore:
    """Inbox items of the jobs table."""
    return InboxStore(parts.dynamodb(), parts.settings().jobs_table)


@cache
def workflow() -> Executions:
    """Executions of the workflow, one per job."""
    return Executions(stepfunctions(), parts.settings().workflow_arn)


@cache
def submissions() -> Submissions:
    """How jobs are started."""
    once = OnceStore(parts.dynamodb(), parts.settings().jobs_table)
    return Submissions(parts.jobs(), once, workflow(), bucket())


@cache
def finisher() -> Finisher:
    """How jobs are ended."""
    return Finisher(parts.jobs(), bucket(), boto3.client("events"))
