"""`rota jobs`, `rota show`, `rota notes`, `rota stop`, `rota rerun`."""

from __future__ import annotations

import argparse
import json

from cli.api import Api
from cli.errors import CliError, MisuseError
from cli.figures import moment
from cli.follow import FINISHED, report, watch_and_report
from cli.progress import headline
from cli.target import current_target

QUERY_CHARACTERS = 60
MOST_LISTED = 100
"""What the API lists at once."""


def main(options: argparse.Namespace) -> int:
    """Run the command; see `rota jobs --help`, `rota show --help` and so on."""
    if options.command == "jobs" and options.limit > MOST_LISTED:
        raise MisuseError(f"--limit must be at most {MOST_LISTED}, not {options.limit}.")
    api = Api(current_target())
    if options.command == "jobs":
        return _list(api, options)
    if not options.job.startswith("j-"):
        raise CliError(f"{options.job!r} is not a job's id; `rota jobs` lists them (j-…).")
    return {"show": _show, "notes": _notes, "stop": _stop, "rerun": _rerun}[options.command](api, options)


def _list(api: Api, options: argparse.Namespace) -> int:
    listing = api.get(f"jobs?limit={options.limit}")
    if options.json:
        print(json.dumps(listing, indent=2, ensure_ascii=False))
        return 0
    jobs = next((value for value in listing.values() if isinstance(value, list)), [])
    for job in jobs:
        query = " ".join(job["query"].split())
        short = query if len(query) <= QUERY_CHARACTERS else query[: QUERY_CHARACTERS - 1] + "…"
        print(f"{job['job_id']}  {moment(job['created_ms'])}  {job['status']:<12}  {short}")
    if not jobs:
        print('No jobs yet: start one with `rota run "question" PATH`.')
    return 0


def _show(api: Api, options: argparse.Namespace) -> int:
    if options.watch:
        return watch_and_report(api, options.job, as_json=options.json)
    job = api.get(f"jobs/{options.job}")
    if job["status"] in FINISHED:
        return report(job, api, as_json=options.json)
    print(json.dumps(job, indent=2, ensure_ascii=False) if options.json else f"{job['query']}\n{headline(job)}")
    return 0


def _stop(api: Api, options: argparse.Namespace) -> int:
    reply = api.delete(f"jobs/{options.job}")
    print(json.dumps(reply, indent=2) if options.json else f"Job {options.job} is being stopped.")
    return 0


def _notes(api: Api, options: argparse.Namespace) -> int:
    """Every document's notes, page by page as they come."""
    cursor, batches = "", []
    while True:
        page = api.get(f"jobs/{options.job}/notes?limit=100&cursor={cursor}")
        batches += page["batches"]
        if not page["cursor"]:
            break
        cursor = page["cursor"]
    if options.json:
        print(json.dumps(batches, indent=2, ensure_ascii=False))
        return 0
    for document in (document for batch in batches for document in batch["documents"]):
        print(f"[{document['number']}] {document['title']}")
        print("".join(f"  - {note}\n" for note in document["notes"]))
    if not batches:
        print(f"Nothing is noted yet; see `rota show {options.job}`.")
    return 0


def _rerun(api: Api, options: argparse.Namespace) -> int:
    job_id = api.post(f"jobs/{options.job}/rerun", {}, once=True)["job_id"]
    if options.detach:
        print(job_id)
        return 0
    return watch_and_report(api, job_id, as_json=options.json)
