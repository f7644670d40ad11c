"""The sources of a request, resolved to a list of things to read, in an order that a repeated run finds again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from rota.errors import InvalidInputError
from rota.storage import LIBRARY, Bucket, inbox_prefix, upload_prefix

QUESTION_FILE = "question.txt"
"""The question of an inbox; no document."""

INLINE = "request"
"""The origin of a text that came with the request."""

MAX_TITLE = 300
_IGNORED = (".DS_Store", "Thumbs.db", "desktop.ini")


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something to read: `text` when it came with the request, else the object `origin` of `size` bytes.

    `size` is None for an object that is no longer there.
    """

    title: str
    origin: str
    size: int | None
    text: str | None = None


def resolve(request: Mapping[str, Any], bucket: Bucket, at_most: int) -> list[Candidate]:
    """What the sources of a `request.json` hold, in their order and by key within each, `at_most` so many.

    An object that several sources name comes once. Raises InvalidInputError for a source of an unknown type or
    outside its place. A source may hold nothing.
    """
    every = (found for source in request["sources"] for found in _of(source, request, bucket))
    found = list(islice(every, at_most))
    first = {candidate.origin: candidate for candidate in reversed(found) if candidate.text is None}
    return [candidate for candidate in found if candidate.text is not None or first[candidate.origin] is candidate]


def describe(request: Mapping[str, Any]) -> str:
    """Where the sources of a request look for documents, for the sentence that nothing was found."""
    return " or ".join(dict.fromkeys(_prefix(source, request) for source in request["sources"])) or "the request"


def _of(source: Mapping[str, Any], request: Mapping[str, Any], bucket: Bucket) -> Iterator[Candidate]:
    if source.get("type") == "text":
        size = len(source["text"].encode("utf-8", "replace"))
        yield Candidate(_title(source["title"]), INLINE, size, source["text"])
        return
    prefix = _prefix(source, request)
    if source["type"] == "inbox":
        yield from _of_inbox(source["keys"], prefix, bucket)
        return
    title_from = len(LIBRARY) if source["type"] == "s3" else len(prefix)
    for found in bucket.objects(prefix):
        if _is_file(found.key):
            yield Candidate(_title(found.key[title_from:]), found.key, found.size)


def _prefix(source: Mapping[str, Any], request: Mapping[str, Any]) -> str:
    """Where a source lies. A name must not lead into the place of somebody else."""
    match source:
        case {"type": "s3", "prefix": str(prefix)} if prefix.startswith(LIBRARY):
            return prefix
        case {"type": "upload", "upload_id": str(upload_id)} if _is_name(upload_id) and _is_name(request.get("owner")):
            return upload_prefix(request["owner"], upload_id)
        case {"type": "inbox", "name": str(name)} if _is_name(name):
            return inbox_prefix(name)
    raise InvalidInputError("sources", f"has one that cannot be read: type {source.get('type')!r}")


def _of_inbox(keys: Iterable[str], prefix: str, bucket: Bucket) -> Iterator[Candidate]:
    """Exactly the files of this generation: later ones belong to the next job."""
    sizes = {found.key: found.size for found in bucket.objects(prefix)}
    for key in sorted(set(keys)):
        if key.startswith(prefix) and key != prefix + QUESTION_FILE and _is_file(key):
            yield Candidate(_title(key.removeprefix(prefix)), key, sizes.get(key))


def _is_name(part: object) -> bool:
    return isinstance(part, str) and bool(part) and "/" not in part


def _is_file(key: str) -> bool:
    return not key.endswith(("/", *_IGNORED))


def _title(text: str) -> str:
    words = " ".join(text.split()) or "untitled"
    return words if len(words) <= MAX_TITLE else f"{words[: MAX_TITLE - 1]}…"
