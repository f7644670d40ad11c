"""The sources of a request as a stream of things to read, in an order that a repeated run finds again.

    text │ upload, inbox, library prefix (S3 keys) │ url │ what a search found    ─►    Candidate, Candidate, …

Listings are consumed page by page: a prefix of 100,000 keys is never held in memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from rota.documents.sources.noise import is_left_by_system, is_noise, is_noise_in, project_folder
from rota.errors import InvalidInputError
from rota.records import FoundDocument
from rota.storage import LIBRARY, Bucket, inbox_prefix, upload_prefix

QUESTION_FILE = "question.txt"
"""The question of an inbox; no document."""

INLINE = "request"
"""The origin of a text that came with the request."""

MAX_TITLE = 300

Found = Mapping[str, Sequence[FoundDocument]]
"""What the searches of a job have found, by the position of their source in the request (text, as keys of JSON are)."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something to read: `text` when it came with the request, else the address or object `origin` of `size` bytes.

    `size` is None for an object that is no longer there, and for an address.
    """

    title: str
    origin: str
    size: int | None
    text: str | None = None

    @property
    def is_url(self) -> bool:
        """Whether it is to be fetched from the web: keys of the bucket begin with one of its folders."""
        return self.origin.startswith(("http://", "https://"))

    @property
    def is_page(self) -> bool:
        """Whether it is what lies at an address, and no file of an archive or mail from there: those have a size."""
        return self.is_url and self.size is None


def resolve(
    request: Mapping[str, Any], bucket: Bucket, found: Found | None = None, passed_over: Counter[str] | None = None
) -> Iterator[Candidate]:
    """What the sources of a `request.json` hold, in their order and by key within each.

    An object or address that several sources name comes once. `passed_over` is told how many objects below each prefix
    are noise, as they pass. Raises InvalidInputError for a source of an unknown type or outside its place. A source may
    hold nothing.
    """
    sources = request["sources"]
    noise = Counter[str]() if passed_over is None else passed_over
    every = (
        candidate
        for at, source in enumerate(sources)
        for candidate in _of(source, request, bucket, (found or {}).get(str(at), ()), noise)
    )
    return every if len(sources) == 1 else _once(every)


def describe(request: Mapping[str, Any]) -> str:
    """Where the sources of a request look for documents, for the sentence that nothing was found."""
    return " or ".join(dict.fromkeys(_place(source, request) for source in request["sources"])) or "the request"


def corpus(source: Mapping[str, Any], bucket: Bucket) -> Iterator[Candidate]:
    """Everything below the prefix that a search is over."""
    return _stored(_prefix({**source, "type": "s3"}, {}), bucket, Counter())


def _once(every: Iterable[Candidate]) -> Iterator[Candidate]:
    seen: set[str] = set()
    for candidate in every:
        if candidate.text is not None:
            yield candidate
        elif candidate.origin not in seen:
            seen.add(candidate.origin)
            yield candidate


def _of(
    source: Mapping[str, Any],
    request: Mapping[str, Any],
    bucket: Bucket,
    found: Sequence[FoundDocument],
    noise: Counter[str],
) -> Iterator[Candidate]:
    match source.get("type"):
        case "text":
            size = len(source["text"].encode("utf-8", "replace"))
            yield Candidate(_title(source["title"]), INLINE, size, source["text"])
        case "url":
            yield Candidate(_title_of_url(source["url"]), source["url"], None)
        case "search":
            yield from (Candidate(_title(one["title"]), one["origin"], one["size"]) for one in found)
        case "inbox":
            yield from _of_inbox(source["keys"], _prefix(source, request), bucket, noise)
        case "upload":
            yield from _uploaded(_prefix(source, request), bucket)
        case _:
            yield from _stored(_prefix(source, request), bucket, noise)


def _uploaded(prefix: str, bucket: Bucket) -> Iterator[Candidate]:
    """Each of these files was sent by its name, so a hidden one is meant."""
    for one in bucket.objects(prefix):
        if not one.key.endswith("/") and not is_left_by_system(one.key):
            yield Candidate(_title(one.key.removeprefix(prefix)), one.key, one.size)


def _stored(prefix: str, bucket: Bucket, noise: Counter[str]) -> Iterator[Candidate]:
    """A prefix may end within a name; what it names as a whole is meant."""
    below = prefix.rfind("/") + 1
    passed_over = 0
    for one in bucket.objects(prefix):
        if one.key.endswith("/"):
            continue
        if one.key == prefix or not is_noise(one.key[below:]):
            yield Candidate(_title(one.key.removeprefix(LIBRARY)), one.key, one.size)
        else:
            passed_over += 1
            noise[prefix] = passed_over  # not added: several sources may name the same prefix


def _place(source: Mapping[str, Any], request: Mapping[str, Any]) -> str:
    match source.get("type"):
        case "url":
            return str(source["url"])
        case "search":
            return f"what a search of {source.get('prefix') or 'the web'} found"
        case _:
            return _prefix(source, request)


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


def _of_inbox(keys: Iterable[str], prefix: str, bucket: Bucket, noise: Counter[str]) -> Iterator[Candidate]:
    """Exactly the files of this generation: later ones belong to the next job."""
    names = {key.removeprefix(prefix) for key in keys if key.startswith(prefix) and not key.endswith("/")}
    names.discard(QUESTION_FILE)
    project = project_folder(names)
    wanted = {prefix + name for name in names if not is_noise_in(name, lambda: project)}
    if len(wanted) < len(names):
        noise[prefix] = len(names) - len(wanted)
    sizes = {one.key: one.size for one in bucket.objects(prefix) if one.key in wanted}
    for key in sorted(wanted):
        yield Candidate(_title(key.removeprefix(prefix)), key, sizes.get(key))


def _is_name(part: object) -> bool:
    return isinstance(part, str) and bool(part) and "/" not in part


def _title_of_url(url: str) -> str:
    """Without scheme and query; the page's own title takes its place once it has been read."""
    return _title(unquote(url.partition("://")[2].partition("?")[0].partition("#")[0]).rstrip("/"))


def _title(text: str) -> str:
    words = " ".join(text.split()) or "untitled"
    return words if len(words) <= MAX_TITLE else f"{words[: MAX_TITLE - 1]}…"
