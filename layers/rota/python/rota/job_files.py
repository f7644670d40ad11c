"""The files of one job: every key below `jobs/<job_id>/`, what is written there, and what is written only once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, cast

from rota.errors import NotFoundError
from rota.records import (
    Answer,
    Batch,
    BatchFailure,
    Document,
    DocumentList,
    FoundDocument,
    Gathering,
    Notes,
    Summary,
)
from rota.storage import JSON_LINES, Bucket, answer_prefix, dumped

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

AT_ONCE = 32
"""Objects read or written side by side: enough to hide S3's latency, few enough to hold in memory."""


class JobFiles:
    """The files of one job below `jobs/<job_id>/`. Every `put_` writes over what is there unless it says otherwise."""

    def __init__(self, s3: S3Client, bucket: str, job_id: str) -> None:
        self.bucket = Bucket(s3, bucket)
        self.job_id = job_id

    def key(self, name: str) -> str:
        """The S3 key of a file of this job, such as `documents.json`."""
        return f"jobs/{self.job_id}/{name}"

    def put_request(self, request: Mapping[str, Any]) -> None:
        """The request as validated, with `owner` and `origin`."""
        self.bucket.write_json(self.key("request.json"), request)

    def request(self) -> dict[str, Any]:
        """Raises NotFoundError when the job has no request."""
        return cast("dict[str, Any]", self.bucket.read_json(self.key("request.json")))

    def put_document(self, document: Document) -> None:
        """One document with its text."""
        self.bucket.write_json(self.key(f"documents/{document['number']}.json"), document)

    def document(self, number: int) -> Document:
        """Raises NotFoundError."""
        return cast(Document, self.bucket.read_json(self.key(f"documents/{number}.json")))

    def put_document_list(self, documents: DocumentList) -> None:
        """The list of documents; written last, so that its presence means that gathering is complete."""
        self.bucket.write_json(self.key("documents.json"), documents)

    def document_list(self) -> DocumentList:
        """Raises NotFoundError before gathering is complete."""
        return cast(DocumentList, self.bucket.read_json(self.key("documents.json")))

    def find_document_list(self) -> DocumentList | None:
        """The list of documents, or None before gathering is complete."""
        return cast("DocumentList | None", self.bucket.find_json(self.key("documents.json")))

    def put_gathering(self, gathering: Gathering) -> None:
        """How far gathering has come, for the invocation that goes on with it."""
        self.bucket.write_json(self.key("gathering.json"), gathering)

    def find_gathering(self) -> Gathering | None:
        """How far gathering has come, or None when it has not stopped in between."""
        return cast("Gathering | None", self.bucket.find_json(self.key("gathering.json")))

    def put_search_plan(self, plan: Mapping[str, Any]) -> None:
        """The plan of a job that searches first: `rota.records.Plan` with search terms, and the call's facts."""
        self.bucket.write_json(self.key("search_plan.json"), plan)

    def find_search_plan(self) -> dict[str, Any] | None:
        """The plan of a job that searches first, or None for all others and before it is made."""
        return cast("dict[str, Any] | None", self.bucket.find_json(self.key("search_plan.json")))

    def put_found(self, found: Mapping[str, Sequence[FoundDocument]]) -> None:
        """What the job's searches found, by the position of their source in the request."""
        self.bucket.write_json(self.key("found.json"), found)

    def find_found(self) -> dict[str, list[FoundDocument]] | None:
        """What the job's searches found, or None before they were made."""
        return cast("dict[str, list[FoundDocument]] | None", self.bucket.find_json(self.key("found.json")))

    def put_plan(self, plan: Mapping[str, Any]) -> None:
        """The plan: `rota.records.Plan`, with `model` and `defaulted`, and once there are batches for it `estimate`."""
        self.bucket.write_json(self.key("plan.json"), plan)

    def plan(self) -> dict[str, Any]:
        """Raises NotFoundError before there is one."""
        return cast("dict[str, Any]", self.bucket.read_json(self.key("plan.json")))

    def find_plan(self) -> dict[str, Any] | None:
        """The plan, or None before there is one; see `put_plan`."""
        return cast("dict[str, Any] | None", self.bucket.find_json(self.key("plan.json")))

    def put_batch(self, batch: Batch) -> None:
        """A batch with the text of its passages."""
        self.bucket.write_json(self.key(f"batches/{batch['batch_id']}.json"), batch)

    def batch(self, batch_id: str) -> Batch:
        """Raises NotFoundError."""
        return cast(Batch, self.bucket.read_json(self.key(f"batches/{batch_id}.json")))

    def put_manifest(self, batches: Mapping[str, Sequence[int]]) -> None:
        """The batches by id, each with the numbers of its documents; then the items of the Map over them."""
        self.bucket.write_json(self.key("batches.json"), batches)
        self._put_lines("manifest.jsonl", [{"job_id": self.job_id, "batch_id": batch_id} for batch_id in batches])

    @property
    def manifest_key(self) -> str:
        """Where that is."""
        return self.key("manifest.jsonl")

    def batch_ids(self) -> list[str]:
        """What the manifest lists; raises NotFoundError before planning is complete."""
        return [line["batch_id"] for line in self._lines("manifest.jsonl")]

    def documents_by_batch(self) -> dict[str, list[int]]:
        """The numbers of each batch's documents; raises NotFoundError before planning is complete."""
        return cast("dict[str, list[int]]", self.bucket.read_json(self.key("batches.json")))

    def put_summary(self, summary: Summary) -> bool:
        """Keep the first summary of a batch: False when there is one already (a second child, a retry)."""
        return self.bucket.write_json_once(self.key(f"summaries/{summary['batch_id']}.json"), summary)

    def find_summary(self, batch_id: str) -> Summary | None:
        """The summary of a batch, or None when it is not written yet."""
        return cast("Summary | None", self.bucket.find_json(self.key(f"summaries/{batch_id}.json")))

    def put_failure(self, failure: BatchFailure) -> None:
        """Why a batch has no summary."""
        self.bucket.write_json(self.key(f"failures/{failure['batch_id']}.json"), failure)

    def failures(self) -> list[BatchFailure]:
        """Every failure written so far, by batch id."""
        keys = [found.key for found in self.bucket.objects(self.key("failures/"))]
        with ThreadPoolExecutor(AT_ONCE) as readers:
            return list(readers.map(self.bucket.read_json, keys))

    def put_level(self, level: int, groups: Mapping[str, Sequence[str]]) -> str:
        """A level of the synthesis: the texts of each group, then its manifest; returns the manifest's key."""
        for group_id, texts in groups.items():
            self.bucket.write_json(self.key(f"synthesis/{level}/{group_id}.input.json"), {"texts": list(texts)})
        lines = [{"job_id": self.job_id, "level": level, "group_id": group_id} for group_id in groups]
        return self._put_lines(f"synthesis/{level}.jsonl", lines)

    def group_ids(self, level: int) -> list[str] | None:
        """The groups of a level in their order, or None when the level was not planned."""
        try:
            return [line["group_id"] for line in self._lines(f"synthesis/{level}.jsonl")]
        except NotFoundError:
            return None

    def group_texts(self, level: int, group_id: str) -> list[str]:
        """What a group is to reduce; raises NotFoundError."""
        value = self.bucket.read_json(self.key(f"synthesis/{level}/{group_id}.input.json"))
        return cast("list[str]", value["texts"])

    def put_group(self, level: int, group_id: str, notes: Notes) -> bool:
        """Keep the first result of a group: False when there is one already."""
        return self.bucket.write_json_once(self.key(f"synthesis/{level}/{group_id}.json"), notes)

    def find_group(self, level: int, group_id: str) -> Notes | None:
        """The result of a group, or None when it is not written yet."""
        return cast("Notes | None", self.bucket.find_json(self.key(f"synthesis/{level}/{group_id}.json")))

    def put_synthesis(self, notes: Notes) -> None:
        """What the answer is written from."""
        self.bucket.write_json(self.key("synthesis.json"), notes)

    def synthesis(self) -> Notes:
        """Raises NotFoundError before the synthesis is complete."""
        return cast(Notes, self.bucket.read_json(self.key("synthesis.json")))

    def put_draft(self, answer: Answer) -> None:
        """The answer as it was paid for, before anything is added to it."""
        self.bucket.write_json(self.key("draft.json"), answer)

    def find_draft(self) -> Answer | None:
        """The answer as it was paid for, or None when it is not written yet."""
        return cast("Answer | None", self.bucket.find_json(self.key("draft.json")))

    def put_answer(self, answer: Answer, markdown: str) -> None:
        """The answer as data, and as a page to read; the data last, so that its presence means both."""
        self.bucket.write_text(self.key("answer.md"), markdown)
        self.bucket.write_json(self.key("answer.json"), answer)

    def find_answer(self) -> Answer | None:
        """The answer, or None when it is not written yet."""
        return cast("Answer | None", self.bucket.find_json(self.key("answer.json")))

    def answer_markdown(self) -> str:
        """The answer as a page; raises NotFoundError."""
        return self.bucket.read_text(self.key("answer.md"))

    def put_feedback(self, feedback: Mapping[str, Any]) -> None:
        """What a user said of the answer; the last word stands."""
        self.bucket.write_json(self.key("feedback.json"), feedback)

    def put_result(self, result: Mapping[str, Any]) -> None:
        """What the API shows of a finished job."""
        self.bucket.write_json(self.key("result.json"), result)

    def find_result(self) -> dict[str, Any] | None:
        """What the API shows of a finished job, or None before its end."""
        return cast("dict[str, Any] | None", self.bucket.find_json(self.key("result.json")))

    def put_inbox_answer(self, name: str, answer: Mapping[str, Any], markdown: str) -> None:
        """Lay the answer beside its inbox: the latest under a fixed name, and one file for each job."""
        self.bucket.write_text(f"{answer_prefix(name)}{self.job_id}.md", markdown)
        self.bucket.write_text(f"{answer_prefix(name)}answer.md", markdown)
        self.bucket.write_json(f"{answer_prefix(name)}answer.json", answer)

    def _put_lines(self, name: str, values: Sequence[Mapping[str, Any]]) -> str:
        self.bucket.write_text(self.key(name), "".join(f"{dumped(value)}\n" for value in values), JSON_LINES)
        return self.key(name)

    def _lines(self, name: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.bucket.read_text(self.key(name)).splitlines()]
