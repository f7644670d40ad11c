"""Objects in S3: `Bucket` reads and writes JSON and text by key; `rota.job_files` knows the keys of a job.

The client is handed in. A missing object is a NotFoundError that names its key; any other fault of S3 is raised as
botocore raises it, so that the workflow repeats the step. To tell a missing object from a forbidden one the role
needs `s3:ListBucket`: without it S3 answers 403 for both.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from botocore.exceptions import ClientError

from rota.errors import NotFoundError, PayloadTooLargeError, UnreadableDocumentError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

LIBRARY = "library/"
"""Corpora that every key of the API may read."""

JSON = "application/json"
JSON_LINES = "application/jsonl"
MARKDOWN = "text/markdown; charset=utf-8"

PIECE_BYTES = 1_000_000
"""Of a download that goes to a file."""

_MISSING = frozenset({"NoSuchKey", "404", "NotFound"})
_UNREADABLE = {
    "AccessDenied": "may not be read with the rights of this function",
    "InvalidObjectState": "is archived in S3 and must be restored first",
    "KMS.DisabledException": "is encrypted with a key that is disabled",
}


def upload_prefix(owner: str, upload_id: str) -> str:
    """Where the files of one upload lie."""
    return f"uploads/{owner}/{upload_id}/"


def inbox_prefix(name: str) -> str:
    """Where files are dropped to start a job."""
    return f"inbox/{name}/"


def answer_prefix(name: str) -> str:
    """Where the answers to an inbox appear."""
    return f"answers/{name}/"


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One entry of a listing; `size` in bytes."""

    key: str
    size: int


@dataclass(frozen=True, slots=True)
class Fetched:
    """A whole object and the media type S3 has for it."""

    data: bytes
    media_type: str


class Bucket:
    """Reads and writes of one bucket."""

    def __init__(self, s3: S3Client, name: str) -> None:
        self.s3 = s3
        self.name = name

    def fetch(self, key: str, max_bytes: int) -> Fetched:
        """Download a user's object whole.

        Raises PayloadTooLargeError before a byte above `max_bytes` is read, NotFoundError, and
        UnreadableDocumentError when this one object cannot be had (archived, forbidden, its key disabled).
        """
        with self._opened(key, max_bytes) as (body, media_type):
            return Fetched(body.read(), media_type)

    def download(self, key: str, file: BinaryIO, max_bytes: int) -> None:
        """Copy a user's object into a file, a piece at a time. Raises as `fetch` does."""
        with self._opened(key, max_bytes) as (body, _):
            shutil.copyfileobj(body, file, PIECE_BYTES)

    @contextmanager
    def _opened(self, key: str, max_bytes: int) -> Iterator[tuple[Any, str]]:
        """A user's object as a stream, and its media type."""
        try:
            found = self.s3.get_object(Bucket=self.name, Key=key)
        except ClientError as error:
            raise _translated(error, key) from error
        with found["Body"] as body:
            if found["ContentLength"] > max_bytes:
                raise PayloadTooLargeError("", f"has {found['ContentLength']:,} bytes; at most {max_bytes:,} are read")
            yield body, found.get("ContentType", "")

    def read_text(self, key: str) -> str:
        """A UTF-8 text; raises NotFoundError."""
        try:
            with self.s3.get_object(Bucket=self.name, Key=key)["Body"] as body:
                return body.read().decode("utf-8")
        except ClientError as error:
            if _code(error) in _MISSING:
                raise NotFoundError(f"there is no object {key}") from error
            raise

    def read_json(self, key: str) -> Any:
        """A JSON value; raises NotFoundError."""
        return json.loads(self.read_text(key))

    def find_json(self, key: str) -> Any | None:
        """A JSON value, or None when there is no such object."""
        try:
            return self.read_json(key)
        except NotFoundError:
            return None

    def write_text(self, key: str, text: str, media_type: str = MARKDOWN) -> None:
        """Write UTF-8 text, over whatever is there."""
        self.s3.put_object(Bucket=self.name, Key=key, Body=_encoded(text), ContentType=media_type)

    def write_json(self, key: str, value: object) -> None:
        """Write a JSON value, over whatever is there."""
        self.write_text(key, dumped(value), JSON)

    def write_json_once(self, key: str, value: object) -> bool:
        """Write a JSON value unless the object exists; says whether it was written. Of two writers one wins."""
        try:
            self.s3.put_object(
                Bucket=self.name, Key=key, Body=_encoded(dumped(value)), ContentType=JSON, IfNoneMatch="*"
            )
        except ClientError as error:
            if _code(error) == "PreconditionFailed":
                return False
            raise
        return True

    def exists(self, key: str) -> bool:
        """Whether there is an object with this key."""
        try:
            self.s3.head_object(Bucket=self.name, Key=key)
        except ClientError as error:
            if _code(error) in _MISSING:
                return False
            raise
        return True

    def objects(self, prefix: str) -> Iterator[StoredObject]:
        """Every object below a prefix, in S3's order (UTF-8 bytes of the key), page by page as it is consumed."""
        for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix):
            for entry in page.get("Contents", []):
                yield StoredObject(entry["Key"], entry["Size"])


def dumped(value: object) -> str:
    """Compact JSON, as all files are written."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _encoded(text: str) -> bytes:
    # A vendor's reply that was cut within an emoji leaves half a surrogate pair, which UTF-8 cannot write.
    return text.encode("utf-8", "replace")


def _code(error: ClientError) -> str:
    return error.response.get("Error", {}).get("Code", "")


def _translated(error: ClientError, key: str) -> Exception:
    code = _code(error)
    if code in _MISSING:
        return NotFoundError(f"there is no object {key}")
    return UnreadableDocumentError(_UNREADABLE[code]) if code in _UNREADABLE else error
