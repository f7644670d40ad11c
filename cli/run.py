"""`rota run`: send the documents, start the job, watch it, print the answer."""

from __future__ import annotations

import argparse
import json
import sys
import uuid
from pathlib import Path
from typing import Any

from cli.api import Api
from cli.bounds import check_bounds
from cli.errors import CliError
from cli.figures import counted
from cli.files import Found, collect
from cli.follow import watch_and_report
from cli.target import current_target
from cli.uploads import upload

OPTIONS = (
    *("mode", "pool", "model", "tier", "answer_model", "answer_tier", "feature"),
    *("value", "error_tolerance", "business_impact", "over_budget", "without_models", "max_documents", "dry_run"),
    *("depth", "deadline_s"),
)
"""Of a job, by the API's names, which are the command line's."""
NOT_SENT_YET = {"type": "upload", "upload_id": "u-0000000000000000"}
"""Stands for the upload when a request is checked."""


def main(options: argparse.Namespace) -> int:
    """Run the command; see `rota run --help`."""
    body = {"query": options.question, "sources": [], "options": _job_options(options)}
    addresses = [path for path in options.paths if path.startswith(("http://", "https://"))]
    paths = [path for path in options.paths if path not in ("-", *addresses)]
    files = collect(paths) if paths else []
    if "-" in options.paths:
        body["sources"].append(_standard_input())
    body["sources"] += [{"type": "s3", "prefix": prefix} for prefix in options.library]
    body["sources"] += [{"type": "url", "url": address} for address in addresses]
    body["sources"] += _searches(options)
    if not files and not body["sources"]:
        raise CliError(
            'Name at least one file, folder or address to read: rota run "question" docs/ '
            "(- for standard input, --search for the web, --search-in library/… for documents that are stored)."
        )
    check_bounds({**body, "sources": body["sources"] + ([NOT_SENT_YET] if files else [])})
    api = Api(current_target())
    if files:
        body["sources"].append(_send(api, files, options.max_documents))
    job = api.post("jobs", body, idempotency_key=uuid.uuid4().hex)
    if options.detach:
        print(json.dumps(job, indent=2) if options.json else job["job_id"])
        return 0
    return watch_and_report(api, job["job_id"], as_json=options.json)


def _job_options(options: argparse.Namespace) -> dict[str, Any]:
    """Only what was asked for: the rest is the API's default."""
    named = {name: getattr(options, name) for name in OPTIONS}
    named |= {"reuse": False} if options.afresh else {}
    named |= {"budget_usd": options.job_budget_usd, "answer_schema": options.schema and _schema(options.schema)}
    return {name: value for name, value in named.items() if value is not None and (name, value) != ("dry_run", False)}


def _schema(path: str) -> Any:
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CliError(f"--schema: {path} cannot be read as a JSON Schema: {error}.") from error


def _searches(options: argparse.Namespace) -> list[dict[str, Any]]:
    count = {"results": options.results} if options.results else {}
    web = [{"type": "search", **count}] if options.search else []
    return web + [{"type": "search", "prefix": prefix, **count} for prefix in options.search_in]


def _standard_input() -> dict[str, str]:
    text = sys.stdin.read()
    if not text.strip():
        raise CliError("Standard input is empty: there is nothing to read.")
    return {"type": "text", "title": "standard input", "text": text}


def _send(api: Api, files: list[Found], most: int | None) -> dict[str, str]:
    """Send the first `most` files, or all of them, and say what of them was left out."""
    found, files = len(files), files[:most]
    sent = upload(api, files)
    print(f"Sent {counted(sent.sent, 'document')}{f' of {found:,}' if len(files) < found else ''}.", file=sys.stderr)
    if len(files) < found:
        left_out = f"{found - len(files):,} of {counted(found, 'document')}"
        print(f"Left out {left_out} (--max-documents {most}).", file=sys.stderr)
    for reason in sent.skipped:
        print(f"Left out: {reason}.", file=sys.stderr)
    return {"type": "upload", "upload_id": sent.upload_id}
