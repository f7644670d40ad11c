"""What crosses a Lambda's edge: the API's job request and the events of the workflow's steps."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from rota.errors import Status

Tier = Literal[1, 2, 3]
UserTier = Literal["free", "pro", "enterprise"]
Degree = Literal["low", "medium", "high"]
Depth = Literal["brief", "normal", "deep"]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
"""Text of a person, without the white space around it: what is blank is refused."""

MAX_INLINE_CHARACTERS = 4_000_000
"""Inline text of one request: below Lambda's 6 MB synchronous payload, with room for JSON escapes."""


class Strict(BaseModel):
    """A frozen value; an unknown key is an error that names it."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class TextSource(Strict):
    """A document given in the request itself."""

    type: Literal["text"]
    title: Words = Field(max_length=300)
    text: str = Field(min_length=1, max_length=MAX_INLINE_CHARACTERS)


class UploadSource(Strict):
    """Everything that was uploaded under one upload id (from `POST /v1/uploads`)."""

    type: Literal["upload"]
    upload_id: str = Field(pattern=r"^u-[0-9a-f]{16}$")


class S3Source(Strict):
    """Objects below a prefix of the documents bucket that is shared by all keys: `library/…`."""

    type: Literal["s3"]
    prefix: str = Field(pattern=r"^library/", max_length=900)


class UrlSource(Strict):
    """A page or file on the web, fetched when the job starts; without a password. Private addresses are refused."""

    type: Literal["url"]
    url: str = Field(pattern=r"^https?://[^\s/?#@]+(?:[/?#]\S*)?$", max_length=2000)


class SearchSource(Strict):
    """What a search finds, for terms that the planner takes from the question.

    Below a `prefix` of the documents bucket it is a search of your own documents, without one of the web, by the
    provider of rota.yaml. `results` is how many documents are read.
    """

    type: Literal["search"]
    prefix: str | None = Field(default=None, pattern=r"^library/", max_length=900)
    results: int = Field(default=5, ge=1, le=50)


Source = Annotated[TextSource | UploadSource | S3Source | UrlSource | SearchSource, Field(discriminator="type")]


class JobOptions(Strict):
    """How a job is done, and what hangs on it.

    `pool`, `model` or `tier` replaces the summaries' pool, `answer_model` those of plan and answer, `answer_tier` those
    of plan, synthesis and answer (`auto`: by the question). `feature` is whom the costs are put down to; `value`,
    `error_tolerance` and `business_impact` are what rules and tiers go by. `over_budget` says what happens when a
    budget is spent: the job fails, or goes on without models; `without_models`, when none can be reached. `depth` is
    how closely documents are read; `deadline_s` and `budget_usd` are what the whole job may take, and change depth,
    tier or mode of the plan. Without `reuse` nothing is taken from what was written for the same calls before. With an
    `answer_schema` (JSON Schema) the answer is JSON of that form.
    """

    mode: Literal["models", "extractive"] = "models"
    pool: str | None = None
    model: str | None = None
    tier: Tier | None = None
    answer_model: str | None = None
    answer_tier: Literal[1, 2, 3, "auto"] | None = None
    feature: str | None = Field(default=None, pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")
    value: Degree = "low"
    error_tolerance: Degree = "medium"
    business_impact: Degree = "low"
    over_budget: Literal["refuse", "extractive"] = "refuse"
    without_models: Literal["extractive", "fail"] = "extractive"
    depth: Depth = "normal"
    deadline_s: int | None = Field(default=None, ge=10, le=86_400)
    budget_usd: float | None = Field(default=None, gt=0, le=100_000)
    answer_schema: dict[str, Any] | None = None
    max_documents: int = Field(default=1000, ge=1, le=10_000)
    tolerated_failures: float = Field(default=0.2, ge=0, le=1)
    dry_run: bool = False
    reuse: bool = True


class JobRequest(Strict):
    """The body of `POST /v1/jobs`."""

    query: Words = Field(max_length=4000)
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
    search: bool = False
    """Whether the job searches for documents first."""
    level: int | None = None
    group_id: str | None = None
    """The group of notes that SynthesizeSummaries reduces, and its level in the tree (1 = summaries)."""
    dry_run: bool = False
