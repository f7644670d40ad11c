"""Jobs on DynamoDB: one item each, counters that children add to atomically, transitions that happen once.

    queued (─► searching) ─► gathering ─► planning ─► summarizing ─► synthesizing ─► answering
                                                                      any of them ─► done | failed | stopped

A status only moves to the right, and a finished job is never opened again, whoever comes late or twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rota.attributes import plain, typed
from rota.cursors import cursor_of, key_of
from rota.errors import NotFoundError
from rota.job_item import FINISHED, STEPS, Job, NewJob, check_counters, check_open, job_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from rota.schemas import StepError

LONGEST_ERROR = 2000
"""Characters of an error's sentence that are kept."""

# Conditions of the writes, as sentences.
IT_IS_NEW = "attribute_not_exists(job_id)"
IT_EXISTS = "attribute_exists(job_id)"
IT_IS_NOT_FINISHED = "attribute_exists(job_id) AND NOT #status IN (:done, :failed, :stopped)"
IT_IS_AT_AN_EARLIER_STEP = "#status IN ({earlier})"
NOBODY_STOPPED_IT = "stopped = :false"
FINISHED_VALUES = {f":{status}": status for status in FINISHED}


@dataclass(frozen=True, slots=True)
class JobPage:
    """Jobs, newest first, and the cursor of the next page (None at the end)."""

    jobs: list[Job]
    cursor: str | None


class JobStore:
    """The jobs table. `dynamodb` is a boto3 client."""

    def __init__(self, dynamodb: DynamoDBClient, table: str) -> None:
        self._dynamodb, self._table = dynamodb, table
        self._refused = dynamodb.exceptions.ConditionalCheckFailedException

    def create(self, job: NewJob) -> bool:
        """Write a queued job. False when a job of that id is already there, which is left as it is."""
        try:
            self._dynamodb.put_item(TableName=self._table, Item=typed(job.item()), ConditionExpression=IT_IS_NEW)
        except self._refused:
            return False
        return True

    def get(self, job_id: str, owner: str | None = None) -> Job:
        """The job as it is now. Raises NotFoundError when there is none, or when `owner` is given and not its owner."""
        reply = self._dynamodb.get_item(TableName=self._table, Key=typed({"job_id": job_id}), ConsistentRead=True)
        item = plain(reply.get("Item", {}))
        if "status" not in item or owner not in (None, item["owner"]):
            raise NotFoundError(f"there is no job {job_id}")
        return job_of(item)

    def list(self, owner: str, limit: int, cursor: str | None = None) -> JobPage:
        """An owner's jobs, newest first. Raises InvalidInputError for a malformed cursor."""
        query: dict[str, Any] = {
            "TableName": self._table,
            "IndexName": "by_owner",
            "KeyConditionExpression": "#owner = :owner",
            "ExpressionAttributeNames": {"#owner": "owner"},
            "ExpressionAttributeValues": typed({":owner": owner}),
            "ScanIndexForward": False,
            "Limit": limit,
        }
        if cursor:
            query["ExclusiveStartKey"] = typed(key_of(cursor, owner))
        reply = self._dynamodb.query(**query)
        last = reply.get("LastEvaluatedKey")
        jobs = [job_of(plain(item)) for item in reply["Items"]]
        return JobPage(jobs, cursor_of(plain(last)) if last else None)

    def start_step(self, job_id: str, status: str, now_ms: int) -> bool:
        """Move a job to a step of `STEPS`. False when it is already there or further, as for a repeated invocation.

        Raises JobStoppedError, NotFoundError, and ConflictError for a job that is finished.
        """
        earlier = STEPS[: STEPS.index(status)]
        at_earlier = IT_IS_AT_AN_EARLIER_STEP.format(earlier=", ".join(f":{step}" for step in earlier))
        old = self._update(
            job_id,
            "SET #status = :to, started_ms = if_not_exists(started_ms, :now)",
            f"{at_earlier} AND {NOBODY_STOPPED_IT}",
            {":to": status, ":now": now_ms, ":false": False} | {f":{step}": step for step in earlier},
        )
        if old is None:
            return True
        check_open(job_id, old)
        return False

    def add(self, job_id: str, per_model: Mapping[str, int] | None = None, **counters: int) -> None:
        """Add to counters atomically, also after the end; `per_model` as `job_item.model_counters` makes it.

        Raises NotFoundError. A repeated call counts twice: counters show progress, files prove it.
        """
        check_counters(counters)
        changes = {name: by for name, by in {**counters, **(per_model or {})}.items() if by}
        if changes:
            pairs = [f"#n{at} :n{at}" for at in range(len(changes))]
            self._change_counters(job_id, "ADD " + ", ".join(pairs), changes)

    def set_counts(self, job_id: str, **counts: int) -> None:
        """Set counters to what a step has found out (documents, batches, ETA, estimate). Raises NotFoundError."""
        check_counters(counts)
        pairs = [f"#n{at} = :n{at}" for at in range(len(counts))]
        self._change_counters(job_id, "SET " + ", ".join(pairs), counts)

    def stop(self, job_id: str) -> None:
        """Set the flag that children read. Harmless twice; raises ConflictError for a job that is done or failed."""
        old = self._update(job_id, "SET stopped = :true", IT_IS_NOT_FINISHED, {":true": True, **FINISHED_VALUES})
        if old is not None and old.get("status") != "stopped":
            check_open(job_id, old)

    def finish(self, job_id: str, status: str, error: StepError | None, now_ms: int) -> bool:
        """Finish a job as done, failed or stopped. False when it was finished before, which stays as it was."""
        values: dict[str, Any] = {":to": status, ":now": now_ms, **FINISHED_VALUES}
        update = "SET #status = :to, finished_ms = :now"
        if error is not None:
            update += ", error_code = :code, error_message = :message"
            values |= {":code": error.code, ":message": error.message[:LONGEST_ERROR]}
        old = self._update(job_id, update, IT_IS_NOT_FINISHED, values)
        if old is not None and "status" not in old:
            raise NotFoundError(f"there is no job {job_id}")
        return old is None

    def mark_announced(self, job_id: str) -> None:
        """Note that the job's end was made known, so that a repeated finish does not tell it again."""
        self._update(job_id, "SET announced = :true", IT_EXISTS, {":true": True})

    def _change_counters(self, job_id: str, update: str, counts: Mapping[str, int]) -> None:
        names = {f"#n{at}": name for at, name in enumerate(counts)}
        values = {f":n{at}": value for at, value in enumerate(counts.values())}
        if self._update(job_id, update, IT_EXISTS, values, names) is not None:
            raise NotFoundError(f"there is no job {job_id}")

    def _update(
        self,
        job_id: str,
        update: str,
        condition: str,
        values: Mapping[str, Any],
        names: Mapping[str, str] | None = None,
    ) -> dict[str, Any] | None:
        """One conditional write: None when it was made, otherwise the item that refused it (empty: no such job)."""
        request: dict[str, Any] = {
            "UpdateExpression": update,
            "ConditionExpression": condition,
            "ExpressionAttributeValues": typed(values),
        }
        if names is None and "#status" in update + condition:
            names = {"#status": "status"}
        if names:  # DynamoDB refuses names that are not used, and no names at all
            request["ExpressionAttributeNames"] = names
        try:
            self._dynamodb.update_item(
                TableName=self._table,
                Key=typed({"job_id": job_id}),
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **request,
            )
        except self._refused as refused:
            response: dict[str, Any] = dict(refused.response)
            return plain(response.get("Item", {}))
        return None
