"""What lies in an inbox: its documents, the question that came with them, and a fingerprint of all of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from rota.inbox import QUESTION
from rota.storage import Bucket, inbox_prefix

DEFAULT_QUESTION = "Summarise these documents: what each is about, the main points, and what follows from them."
LONGEST_QUESTION = 4_000
MOST_QUESTION_BYTES = 100_000
MOST_DOCUMENTS = 10_000
MOST_LOOKS = 100
"""How many objects are asked for a question in their metadata, newest first: each costs a request."""


@dataclass(frozen=True, slots=True)
class InboxFiles:
    """Keys of the documents in S3's order, the question, and the fingerprint of documents and question."""

    keys: list[str]
    question: str
    digest: str


@dataclass(frozen=True, slots=True)
class _Entry:
    key: str
    etag: str
    modified_ms: int


def read_inbox(bucket: Bucket, name: str) -> InboxFiles:
    """Look at an inbox as it is now; folders are no documents, nor is `question.txt`."""
    prefix = inbox_prefix(name)
    entries = _entries(bucket, prefix)
    documents = [entry for entry in entries if entry.key != prefix + QUESTION][:MOST_DOCUMENTS]
    asked = any(entry.key == prefix + QUESTION for entry in entries)
    question = _from_file(bucket, prefix + QUESTION) if asked else _from_metadata(bucket, documents)
    question = question.strip()[:LONGEST_QUESTION] or DEFAULT_QUESTION
    return InboxFiles([entry.key for entry in documents], question, _fingerprint(entries))


def _entries(bucket: Bucket, prefix: str) -> list[_Entry]:
    pages = bucket.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket.name, Prefix=prefix)
    return [
        _Entry(found["Key"], found["ETag"], int(found["LastModified"].timestamp() * 1000))
        for page in pages
        for found in page.get("Contents", [])
        if not found["Key"].endswith("/")
    ]


def _fingerprint(entries: Iterable[_Entry]) -> str:
    """The same files put anew have another fingerprint; an event that is delivered again has not."""
    lines = sorted(f"{entry.key}\n{entry.etag}\n{entry.modified_ms}" for entry in entries)
    return hashlib.sha256("\n\n".join(lines).encode()).hexdigest()


def _from_file(bucket: Bucket, key: str) -> str:
    """Editors on Windows put a byte order mark first; bytes that are not UTF-8 become visible marks."""
    return bucket.fetch(key, max_bytes=MOST_QUESTION_BYTES).data.decode("utf-8-sig", "replace")


def _from_metadata(bucket: Bucket, documents: list[_Entry]) -> str:
    """The newest object's question, if any carries one."""
    newest = sorted(documents, key=lambda entry: entry.modified_ms, reverse=True)
    for entry in newest[:MOST_LOOKS]:
        metadata = bucket.s3.head_object(Bucket=bucket.name, Key=entry.key)["Metadata"]
        if metadata.get("question", "").strip():
            return metadata["question"]
    return ""
