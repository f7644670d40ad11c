"""The grammar of what is about routing: route, usage, experiments, feedback, outcomes, config."""

from __future__ import annotations

import argparse
from typing import Any

from cli.command import USER_TIERS, add_stage, add_stakes, command, month, positive

TASKS = (
    *("code", "review", "summarization", "translation", "analysis", "chat", "creative_writing", "classification"),
    *("extraction", "plan", "summarize", "analyze", "synthesize", "answer"),
)
"""As in `rota.policy`, which is not imported here; see `cli.command`."""

ROUTE = """\
  rota route "What time is it in Berlin?"
  rota route "Review this change" --file cli/ --task review      with files, and how complex their code is
  rota route "May we cancel?" --user-tier enterprise --value high --error-tolerance low
  rota route "Translate this" --model tier-1                     when you say where it is to go
  rota route "…" --json | jq .candidates

Nothing is called and nothing booked: it says what would decide, which models could take it and when, and why."""

USAGE = """\
  rota usage                       what your calls of this month cost, and what is left of your budgets
  rota usage --month 2026-10
  rota usage --json | jq .by_model"""

EXPERIMENTS = """\
  rota experiments

Shares and means stand with their 95 % intervals. A difference is decided when its interval excludes zero. Who looks
often enough will see that by chance sooner or later, so settle beforehand how many calls you wait for."""

FEEDBACK = """\
  rota feedback j-0123456789abcdef good
  rota feedback j-0123456789abcdef bad --comment "It misses the appendix"
  rota feedback j-0123456789abcdef bad --retry      ask the same again, one tier up
  rota feedback d-512d0123456789ab bad              the answer of a chat, by its `rota.decision`

Ratings are counted with the decision that chose the model: for `rota outcomes` and for experiments."""

OUTCOMES = """\
  rota outcomes                            how often routing was right this month
  rota outcomes --month 2026-10 --users    and what everybody's calls cost
  rota outcomes --export > decisions.jsonl one decision a line, with its features and what came of it; no text, no names
  rota outcomes --stage prod

Wrong is a decision whose answer was rated bad, asked for again in other words, or had to be written one tier up."""

CONFIG = """\
  rota config check                    rota.yaml, or what ROTA_CONFIG names
  rota config check examples/openai.yaml
  rota config schema > rota.schema.json   for editors, which then complete and explain the keys

A file that begins with `# yaml-language-server: $schema=./rota.schema.json` is checked while you type."""


def add_routing(commands: Any) -> None:
    """Add these commands to the others."""
    _add_route(commands)
    usage = command(commands, "usage", "cli.usage", "what your calls cost, and what is left of your budgets", USAGE)
    usage.add_argument("--month", type=month, metavar="YYYY-MM", help="instead of the current one (UTC)")
    command(commands, "experiments", "cli.experiments", "how the arms of the experiments in rota.yaml do", EXPERIMENTS)
    _add_feedback(commands)
    _add_outcomes(commands)
    _add_config(commands)


def _add_route(commands: Any) -> None:
    route = command(commands, "route", "cli.route", "where a request would go, and why, without a call", ROUTE)
    route.add_argument("text", help="the request; - is standard input")
    route.add_argument(
        "--file",
        action="append",
        default=[],
        metavar="PATH",
        help="a file or folder that goes with it; repeat for more",
    )
    route.add_argument("--task", choices=TASKS, metavar="TASK", help=f"{', '.join(TASKS)} (chat)")
    route.add_argument("--model", help="auto, tier-1 to tier-3, a pool or a model of rota.yaml (auto)")
    route.add_argument("--max-output-tokens", type=positive, metavar="N", help="most that the answer may have (1024)")
    route.add_argument("--user", help="decide as for this user: experiments divide by it")
    route.add_argument("--user-tier", choices=USER_TIERS, help="decide as for a user of this tier (your key's)")
    add_stakes(route)


def _add_feedback(commands: Any) -> None:
    feedback = command(commands, "feedback", "cli.feedback", "say whether an answer was good", FEEDBACK)
    feedback.add_argument("subject", metavar="JOB|DECISION", help="a job's id (j-…) or a decision's (d-…)")
    feedback.add_argument("rating", choices=["good", "bad"])
    feedback.add_argument("--comment", metavar="TEXT", help="kept beside the job's answer")
    feedback.add_argument("--retry", action="store_true", help="ask the job's question again, one tier up")


def _add_outcomes(commands: Any) -> None:
    outcomes = command(commands, "outcomes", "cli.outcomes", "how often routing was right, for operators", OUTCOMES)
    outcomes.add_argument("--month", type=month, metavar="YYYY-MM", help="instead of the current one (UTC)")
    outcomes.add_argument("--export", action="store_true", help="print every decision as a line of JSON instead")
    outcomes.add_argument("--users", action="store_true", help="also what everybody's calls cost")
    add_stage(outcomes)


def _add_config(commands: Any) -> None:
    config = commands.add_parser(
        "config",
        help="check rota.yaml, or print its schema",
        description=f"Check rota.yaml, or print its schema.\n\n{CONFIG}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = config.add_subparsers(dest="action", metavar="ACTION", required=True)
    check = command(actions, "check", "cli.config_check", "find everything that is wrong in a pool file")
    check.add_argument("file", nargs="?", metavar="FILE", help="rota.yaml, or what ROTA_CONFIG names")
    command(actions, "schema", "cli.config_schema", "print the JSON schema of pool files")
