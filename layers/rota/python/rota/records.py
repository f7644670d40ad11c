"""The JSON files of one job in S3, as typed dictionaries: what one step writes and the next one reads.

`number` is a document's number within its job, from 1, and the `n` of a citation `[n]`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NotRequired, TypedDict


class DocumentInfo(TypedDict):
    """A document without its text. `origin` is its S3 key, or `request` for inline text; `bytes` before decoding.

    Code alone has `imports`, as `rota.documents.code.imports` writes them; None when it was not analysed. `pages` are
    the characters at which the pages of a PDF begin.
    """

    number: int
    title: str
    origin: str
    media_type: str
    bytes: int
    characters: int
    imports: NotRequired[list[str] | None]
    pages: NotRequired[list[int]]


class Document(DocumentInfo):
    """`documents/<n>.json`. Of a document that is to be `read` only in part, the characters from where to where."""

    text: str
    read: NotRequired[Sequence[tuple[int, int]]]


class FailedDocument(TypedDict):
    """A source that is not in the job; `code` is of `rota.errors` or `skipped`, `reason` completes "<title> …"."""

    title: str
    origin: str
    code: str
    reason: str


class DuplicateDocument(TypedDict):
    """A source whose text is the same as that of document `number`."""

    title: str
    origin: str
    number: int


class PassedOver(TypedDict):
    """How many `files` of an archive, a prefix or an inbox nobody meant to send; `reason` says what they are.

    They do not count as documents. `title` and `origin` are those of the archive, or the prefix; see `Collection`.
    """

    title: str
    origin: str
    files: int
    reason: str


class DocumentList(TypedDict):
    """`documents.json`: everything the sources held, in their order; `left_out` more were not even looked at."""

    documents: list[DocumentInfo]
    failed: list[FailedDocument]
    duplicates: NotRequired[list[DuplicateDocument]]
    left_out: NotRequired[int]
    passed_over: NotRequired[list[PassedOver]]


class Gathering(TypedDict):
    """`gathering.json`: a list of documents as far as it went, to be continued.

    `taken` of the sources' files are done, and of the next one, an archive, `inside` of its members. `digests` are
    those of the documents' texts, in their order. `passed_over` is of archives alone: listings are read anew.
    """

    documents: list[DocumentInfo]
    failed: list[FailedDocument]
    duplicates: list[DuplicateDocument]
    digests: list[str]
    taken: int
    inside: int
    passed_over: NotRequired[list[PassedOver]]


class FoundDocument(TypedDict):
    """A document that a search found; `size` in bytes is None for a page of the web."""

    title: str
    origin: str
    size: int | None


class Passage(TypedDict):
    """A piece of a document: `part` of `parts`, the characters `start` to `end` (exclusive) of its text.

    `within` says what a later part stands within (headings, a table's header, a class): words from before `start`, for
    understanding only. Code has `lines`, the numbers of its first and last line, from 1.
    """

    number: int
    title: str
    part: int
    parts: int
    start: int
    end: int
    text: str
    within: NotRequired[str]
    lines: NotRequired[list[int]]


NotesTask = Literal["summarize", "analyze"]
"""The tasks, and steps, that take notes on documents: `analyze` on batches of code."""


class BatchComplexity(TypedDict):
    """How complex the code of a batch is: `rota.documents.code.complexity`, each 0 to 1.

    `analysed` is False when no file's imports are known; the score is then without a dependency.
    """

    score: float
    dependency: float
    analysed: bool


class Batch(TypedDict):
    """`batches/<batch_id>.json`: what one call summarises. Without code in it there is no `complexity`.

    `kind` is `code` for source files that belong together, which the step `analyze` reads; all others have none.
    """

    batch_id: str
    passages: list[Passage]
    kind: NotRequired[Literal["code"]]
    complexity: NotRequired[BatchComplexity]


class Plan(TypedDict):
    """The plan's own part of `plan.json`: points to look for, headings of the answer; queries, where it was for a
    search."""

    focus: list[str]
    outline: list[str]
    search_terms: NotRequired[list[str]]


class Notes(TypedDict):
    """Text with citation marks, and the numbers that are cited in it, ascending."""

    text: str
    cited: list[int]


class Summary(Notes):
    """`summaries/<batch_id>.json`: the notes of a batch and the numbers of its documents; the call's facts follow."""

    batch_id: str
    documents: list[int]
    mode: NotRequired[Literal["models", "extractive"]]
    model: NotRequired[str]
    reused: NotRequired[bool]
    fallback_used: NotRequired[bool]
    input_tokens: NotRequired[int]
    output_tokens: NotRequired[int]
    cost_nanousd: NotRequired[int]


class Place(TypedDict):
    """Where in a document a statement rests, in its own words.

    `lines` are the first and the last, from 1, of a text that stands as it is in its file; of a PDF it is the `page`.
    """

    quote: str
    lines: NotRequired[list[int]]
    page: NotRequired[int]


class Source(TypedDict):
    """A document that an answer cites; `places` are those that were found in it, from the first to the last."""

    number: int
    title: str
    origin: str
    places: NotRequired[list[Place]]


class Missing(TypedDict):
    """A document that the answer does not cover, and why."""

    title: str
    reason: str


class Answer(Notes):
    """`answer.json`: Markdown with marks `[n]`, and the documents they stand for."""

    sources: list[Source]
    mode: NotRequired[Literal["models", "extractive"]]
    model: NotRequired[str]
    tier: NotRequired[int]
    decision: NotRequired[str]
    escalated_from: NotRequired[int | None]
    fallback_used: NotRequired[bool]
    why: NotRequired[str]


class BatchFailure(TypedDict):
    """`failures/<batch_id>.json`: documents whose notes could not be written."""

    batch_id: str
    documents: list[int]
    code: str
    message: str
