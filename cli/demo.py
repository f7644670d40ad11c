"""`rota demo`: the local stack, and a real job over Rota's own documents and code."""

from __future__ import annotations

import argparse
import os
import sys

from cli import run
from cli.local_stack import bring_up, describe_providers
from cli.parser import build_parser
from local.state import ROOT

QUESTION = "How does Rota keep from going over a quota?"
PATHS = ("docs", "functions", "infra")


def main(options: argparse.Namespace) -> int:
    """Start what is missing, run the job with its live view, and say what was simulated."""
    for name in ("ROTA_API_URL", "ROTA_API_KEY"):
        os.environ.pop(name, None)  # the demonstration is of this machine's stack
    state = bring_up([], simulated=False)
    print(describe_providers(state.providers), file=sys.stderr)
    os.chdir(ROOT)
    command = ["run", QUESTION, *PATHS, *(["--json"] if options.json else [])]
    print(f'$ rota run "{QUESTION}" {" ".join(PATHS)}', file=sys.stderr)
    code = run.main(build_parser().parse_args(command))
    print(
        "The stack still runs: ask it something of your own with `rota run`, end it with `rota down`.", file=sys.stderr
    )
    return code
