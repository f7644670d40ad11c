"""`rota feedback`: say whether an answer was good, and have a job's question answered again one tier up."""

from __future__ import annotations

import argparse
import json
import re
from typing import Any

from cli.api import Api
from cli.errors import CliError
from cli.target import current_target

KINDS = {"j": "jobs", "d": "decisions"}
IDENTIFIER = re.compile(r"([jd])-[0-9a-f]{16}")


def main(options: argparse.Namespace) -> int:
    """Run the command; see `rota feedback --help`."""
    found = IDENTIFIER.fullmatch(options.subject)
    if not found:
        raise CliError(
            f"{options.subject!r} is neither a job's id (j-…, see `rota jobs`) nor a decision's (d-…, `rota.decision` "
            "of a chat's reply): both have 16 digits of 0-9 and a-f."
        )
    if found[1] == "d" and (options.comment or options.retry):
        raise CliError(
            "Of a single decision no text is kept, neither comments nor the question: leave --comment and --retry "
            'out, and to ask again send the question with "metadata": {"least_tier": "2"} (or "3").'
        )
    body: dict[str, Any] = {"rating": options.rating}
    body |= {"comment": options.comment} if options.comment else {}
    body |= {"retry": True} if options.retry else {}
    # Asking again starts a job, and nothing would keep a repeated request from starting another.
    reply = Api(current_target()).post(f"{KINDS[found[1]]}/{options.subject}/feedback", body, once=options.retry)
    if options.json:
        print(json.dumps(reply, indent=2))
    else:
        _print(options.subject, reply)
    return 0


def _print(subject: str, reply: dict[str, Any]) -> None:
    if reply["recorded"]:
        print(f"Noted: {subject} was {reply['rating']}.")
    else:
        print(f"Not counted: {subject} was rated before, whose word stands, or was answered without a model.")
    if again := reply.get("retry"):
        print(
            f"Asked again, one tier up: {again['job_id']}\n"
            f"  rota show {again['job_id']} --watch    follow it to its answer\n"
            f"  rota stop {again['job_id']}            stop it"
        )
