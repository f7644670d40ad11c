"""The API's own bounds, checked before anything is sent: a refusal should not have to wait for an upload."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cli.errors import MisuseError

TYPED = {
    "query": "The question",
    "options.answer_schema": "--schema",
    "options.deadline_s": "--deadline",
    "s3.prefix": "--library",
    "search.prefix": "--search-in",
    "search.results": "--results",
    "text.text": "Standard input",
    "url.url": "An address",
}
"""What a person typed, by the API's names; other options are called as they are there."""


def check_bounds(body: Mapping[str, Any]) -> None:
    """Raises MisuseError, naming options as they were typed, for a body of `POST /v1/jobs` that would be refused.

    What depends on the deployed rota.yaml (pools, models, budgets) only the API can say.
    """
    from pydantic import ValidationError

    from rota.schemas import JobRequest
    from rota.validation import sentences

    try:
        JobRequest.model_validate(body)
    except ValidationError as error:
        said = sentences(error.errors(), body, JobRequest.model_json_schema())
        raise MisuseError("; ".join(f"{_typed(path, body)} {each}" for path, each in said.items()) + ".") from error


def _typed(path: str, body: Mapping[str, Any]) -> str:
    """`options.deadline_s` is `--deadline`, `sources.2.prefix` is `--library` or `--search-in`."""
    place, _, name = path.rpartition(".")
    if place.startswith("sources."):
        path = f"{body['sources'][int(place.removeprefix('sources.'))]['type']}.{name}"
    return TYPED.get(path) or f"--{name.replace('_', '-')}"
