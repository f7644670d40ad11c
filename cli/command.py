"""What every command's grammar is made of: a parser with help by example, `--json`, and types of arguments."""

from __future__ import annotations

import argparse
import math
import re
from typing import Any

# Written out, because importing them from the library would make `rota --help` wait for pydantic. A test compares them.
DEGREES = ("low", "medium", "high")
USER_TIERS = ("free", "pro", "enterprise")
SAID: Any = argparse.SUPPRESS
"""For `--json` of a command below another one that has it: `rota models --json sync` keeps what was said before."""
STAKES = {
    "value": "what the answer is worth (low)",
    "error-tolerance": "how much an error may be: high where somebody checks the answer anyway (medium)",
    "business-impact": "what depends on the answer (low)",
}
"""Options that routing goes by, and what they say."""


def command(
    commands: Any, name: str, module: str, summary: str, examples: str = "", json_default: Any = False
) -> argparse.ArgumentParser:
    """A command with `--json`; `module` is where its `main(options)` lives."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}." + (f"\n\n{examples}" if examples else ""),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", default=json_default, help="print JSON for scripts")
    parser.set_defaults(module=module)
    return parser


def add_stakes(parser: argparse.ArgumentParser) -> None:
    """What hangs on the answer, and whom it is charged to."""
    parser.add_argument("--feature", help="whom the costs are put down to, and a condition of rules")
    for name, said in STAKES.items():
        parser.add_argument(f"--{name}", choices=DEGREES, help=said)


def add_stage(parser: argparse.ArgumentParser) -> None:
    """Which stack: the local one, or a deployed stage."""
    parser.add_argument("--stage", help="of a deployed stage (dev, prod), with your AWS credentials")


def whole(text: str) -> int:
    """A whole number, whose bounds are checked elsewhere."""
    if not re.fullmatch(r"-?[0-9]+", text):
        raise argparse.ArgumentTypeError("must be a whole number")
    return int(text)


def number(text: str) -> float:
    """A number, which neither `nan` nor `inf` is to a person."""
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise argparse.ArgumentTypeError("must be a number such as 0.5")
    return found


def positive(text: str) -> int:
    """A whole number of at least 1."""
    number = int(text) if text.isdigit() else 0
    if number < 1:
        raise argparse.ArgumentTypeError("must be a whole number of at least 1")
    return number


def month(text: str) -> str:
    """A month such as 2026-11."""
    if not re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])", text):
        raise argparse.ArgumentTypeError("must be a month such as 2026-11")
    return text


def tier_or_auto(text: str) -> int | str:
    """1, 2, 3 or auto."""
    if text not in ("1", "2", "3", "auto"):
        raise argparse.ArgumentTypeError("must be 1, 2, 3 or auto")
    return text if text == "auto" else int(text)
