"""What crosses a Lambda's edge: the API's job request and the events of the workflow's steps."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from rota.errors import Status

MAX_INLINE_CHARACTERS = 4_000_000
"""Inline text of one request: below Lambda's 6 MB synchronous payload, with room for JSON escapes."""


class Strict(BaseModel):
    """A frozen value; an unknown key is an error that names it."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class TextSource(Strict):
    """A document given in the request itself."""

    type: Literal["text"]
    title: str = Field(min_length=1, max_length=300)
    text: str = Field(min_length=1, max_length=MAX_INLINE_CHARACTERS)


class UploadSource(Strict):
    """Everything that was uploaded under one upload id (from `POST /v1/uploads`)."""

    type: Literal["upload"]
    upload_id: str = Field(pattern=r"^u-[0-9a-f]{16}$")


class S3Source(Strict):
    """Objects below a prefix of the documents bucket that is shared by all keys: `library/…`."""

    type: Literal["s3"]
    prefix: str = Field(pattern=r"^library/", max_length=900)


Source = Annotated[TextSource | UploadSource | S3Source, Field(discriminator="type")]


class JobOptions(Strict):
    """How a job is done; `pool` or `model` replaces the summaries' pool, `answer_model` those of plan and answer."""

    mode: Literal["models", "extractive"] = "models"
    pool: str | None = None
    model: str | None = None
    answer_model: str | None = None
    max_documents: int = Field(default=1000, ge=1, le=10_000)
    tolerated_failures: float = Field(default=0.2, ge=0, le=1)
    dry_run: bool = False


class JobRequest(Strict):
    """The body of `POST /v1/jobs`."""

    query: str = Field(min_length=1, max_length=4000)
    sources: list[Source] = Field(min_length=1, max_length=1000)
    options: JobOptions = JobOptions()


class StepError(Strict):
    """Why a step failed: a code of `rota.errors` and a sentence for a person."""

    code: str
    message: str


class StepEvent(BaseModel):
    """Input and output of every step: what a step returns is what it gets back after the Wait state.

    `until` is an ISO time for the Wait state, `pending` the dispatcher's booking and attempts so far.
    """

    model_config = ConfigDict(extra="forbid")

    job_id: str
    status: Status = Status.DONE
    until: str | None = None
    pending: dict[str, Any] | None = None
    error: StepError | None = None
    manifest_key: str | None = None
    """Where the next Map finds its items (JSON Lines in the documents bucket)."""
    batch_id: str | None = None
    """The batch of documents that SummarizeBatch reads."""
    piece: str | None = None
    pieces: list[str] | None = None
    """Where it is in a batch that had to be cut (see `documents.halve`), and which pieces it has notes on."""
    level: int | None = None
    group_id: str | None = None
    """The group of notes that SynthesizeSummaries reduces, and its level in the tree (1 = summaries)."""
    dry_run: bool = False
