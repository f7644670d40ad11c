"""`rota route`: where a request would go, and why, without a call."""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import Any

from cli.api import Api
from cli.errors import CliError
from cli.explanation import decision_lines, group_lines
from cli.target import current_target
from cli.texts import code_group, delimited, read_texts

OPTIONS = (
    *("task", "model", "max_output_tokens", "user", "user_tier"),
    *("feature", "value", "error_tolerance", "business_impact"),
)
"""Of `POST /v1/route`, by its own names."""


def main(options: argparse.Namespace) -> int:
    """Run the command; see `rota route --help`."""
    question = sys.stdin.read() if options.text == "-" else options.text
    if not question.strip():
        raise CliError("There is no request: its text is empty.")
    files = read_texts(options.file)
    given: dict[str, Any] = {name: getattr(options, name) for name in OPTIONS}
    body = {"text": delimited(question, files), **{name: value for name, value in given.items() if value is not None}}
    decision = Api(current_target()).post("route", body)
    group = code_group(files)
    if options.json:
        print(json.dumps({**decision, "code": group.as_dict() if group else None}, indent=2, ensure_ascii=False))
        return 0
    for line in decision_lines(decision, time.time() * 1000):
        print(line)
    for line in group_lines(group) if group else ():
        print(line)
    return 0
