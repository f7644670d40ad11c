"""What a request must be before any route looks at it, and what a job's options may name."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from functions import parts
from functions.serve_api.callers import Caller
from functions.serve_api.problems import UnsupportedMediaTypeError
from rota.catalog import Catalog
from rota.errors import InvalidInputError, PayloadTooLargeError
from rota.schemas import JobOptions, SearchSource

MAX_BODY_BYTES = 4_000_000
"""Lambda takes events of 6 MB, in which a JSON body is quoted once more."""


def check_transport(event: Mapping[str, Any]) -> None:
    """Raises PayloadTooLargeError for a body above MAX_BODY_BYTES, UnsupportedMediaTypeError unless it is JSON.

    Raises InvalidInputError for bytes that are not UTF-8.
    """
    body = event.get("body") or ""
    raw = base64.b64decode(body) if event.get("isBase64Encoded") else body.encode()
    size = len(raw)
    if size > MAX_BODY_BYTES:
        raise PayloadTooLargeError(
            "body",
            f"has {size:,} bytes, at most {MAX_BODY_BYTES:,} are taken; upload large documents with POST /v1/uploads "
            'and give {"type": "upload", "upload_id": …} as a source',
        )
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        raise InvalidInputError("body", "is not UTF-8") from error
    media_type = (event.get("headers") or {}).get("content-type", "application/json")
    if body and media_type.partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedMediaTypeError("send the body as JSON with the header Content-Type: application/json")


def read_json(text: str) -> Any:
    """The body as a JSON object. Raises InvalidInputError for anything else, also for endless numbers and nesting."""
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise InvalidInputError("body", f"is not valid JSON: {error.msg} ({where})") from error
    except (ValueError, RecursionError) as error:
        raise InvalidInputError("body", "is not usable JSON: a number is too long or the nesting too deep") from error
    if not isinstance(value, dict):  # of a list the resolver would silently take the first element
        raise InvalidInputError("body", "must be a JSON object")
    return value


def check_budgets(options: JobOptions, caller: Caller) -> None:
    """Raises BudgetSpentError when a budget that applies has nothing left, unless the job can do without models.

    Without models no schema can be filled.
    """
    without = "extractive" in (options.mode, options.over_budget) and options.answer_schema is None
    if without or options.dry_run:
        return
    parts.budgets().check(caller.owner, caller.feature, time.time_ns() // 1_000_000, caller.budget_usd)


def check_sources(sources: Sequence[object], catalog: Catalog) -> None:
    """Raises InvalidInputError for a search of the web where the pool file names no provider of one."""
    for at, source in enumerate(sources):
        if isinstance(source, SearchSource) and source.prefix is None and catalog.search is None:
            raise InvalidInputError(
                f"sources.{at}.prefix",
                'is missing: rota.yaml names no web search under "search", so name a prefix (library/…) to search in',
            )


def check_options(options: JobOptions, catalog: Catalog) -> None:
    """Raises InvalidInputError naming the option and the allowed values when it names an unknown model or pool."""
    if sum(each is not None for each in (options.pool, options.model, options.tier)) > 1:
        raise InvalidInputError("options.model", "give only one of model, pool and tier")
    if options.answer_model is not None and options.answer_tier is not None:
        raise InvalidInputError("options.answer_model", "give either an answer_model or an answer_tier")
    models = sorted(model.id for model in catalog.models)
    named = {
        "pool": (options.pool, sorted(catalog.pools)),
        "model": (options.model, models),
        "answer_model": (options.answer_model, models),
    }
    for option, (value, allowed) in named.items():
        if value is not None and value not in allowed:
            raise InvalidInputError(
                f"options.{option}", f"unknown {option} {value[:100]!r}; allowed: {', '.join(allowed)}"
            )
    if options.answer_schema is not None:
        _check_answer_schema(options, options.answer_schema, catalog)


def _check_answer_schema(options: JobOptions, schema: Mapping[str, Any], catalog: Catalog) -> None:
    """See `steps.schema_rules`; besides, a model must be asked, and its prompt hold notes beside the schema."""
    from rota.steps.answer_json import schema_tokens
    from rota.steps.schema_rules import check_schema

    if options.mode == "extractive":
        raise InvalidInputError(
            "options.answer_schema", 'needs a model to fill it; give it with the mode "models", or leave it out'
        )
    check_schema(schema, "options.answer_schema", objects_only=True)
    tokens, most = schema_tokens(schema), catalog.steps.answer.max_input_tokens // 2
    if tokens > most:
        raise InvalidInputError(
            "options.answer_schema", f"takes {tokens:,} tokens of the answer's prompt, at most {most:,} are taken"
        )
