"""The command line's grammar and its help, which teaches by example."""

from __future__ import annotations

import argparse
from typing import Any

from cli.command import SAID, USER_TIERS, add_stage, add_stakes, command, number, positive, tier_or_auto, whole
from cli.routing_commands import add_routing

LIMITS = {
    "tpm": "tokens per minute",
    "rpm": "requests per minute",
    "itpm": "input tokens per minute",
    "otpm": "output tokens per minute",
    "tpd": "tokens per day",
    "rpd": "requests per day",
}

INTRODUCTION = """\
Rota reads a pile of documents with every model you have quota for, and writes one cited answer.

  rota up                                    start the whole system on this machine (no account, no keys)
  rota run "What changed in 2.0?" docs/      read docs/ and answer
  rota run "Where are tokens counted?" layers/ README.md --json > answer.json
  rota models                                the models, their quotas, and what of them is booked
  rota route "Why does this deadlock?"       which model a request would go to, and why
  rota config check                          everything that is wrong in rota.yaml
  rota down                                  stop everything and remove its data

Against a deployed Rota set ROTA_API_URL and ROTA_API_KEY (from `rota keys create --stage dev`)."""

RUN = """\
  rota run "What do these files have in common?" notes/ report.pdf
  rota run "Summarise the risks" contracts/ --dry-run        what it would take, before anything is spent
  rota run "Summarise the risks" contracts/ --mode extractive   no model at all: the documents' own sentences
  rota run "Which clauses conflict?" contracts/ --answer-tier 3 --error-tolerance low   a strong model answers
  rota run "…" docs/ --feature onboarding --over-budget extractive   for a budget's account; when it is spent, no models
  rota run "What does this library promise?" https://example.org/manual.html release.zip   pages and archives
  rota run "Who owns the pipelines?" --search-in library/handbook/    the best of stored documents
  rota run "What is new in HTTP caching?" --search --results 8   the web, by the search of rota.yaml
  rota run "List the risks" contracts/ --schema risks.json       JSON of your own form
  rota run "Summarise the risks" contracts/ --deadline 60 --budget-usd 0.05 --depth brief   within limits
  git diff | rota run "Review this change" -                 read standard input as a document
  rota run "…" docs/ --detach                                print the job's id and return at once

The answer goes to standard output, progress to standard error: `rota run … > answer.md` keeps just the answer.
Folders are walked; hidden, ignored (.gitignore), built, binary and empty files are left out. Standard error
says how many, apart from ignored and empty ones.
Ctrl-C stops watching, not the job."""

PLAN = """\
  rota plan "Summarise the risks" contracts/
  rota plan "Summarise the risks" contracts/ --deadline 60    what would have to change to be done in a minute
  rota plan "…" docs/ --depth deep --json

Reads the documents and says what a run would take: nothing is asked of a model, nothing is spent."""

KEYS = """\
  rota keys create --owner ada --label laptop     prints the key, once
  rota keys create --owner ada --tier pro --budget-usd 20     routed as a pro user, who may spend $20 a month
  rota keys list
  rota keys revoke k-1a2b3c4d
  rota keys create --stage dev                    for the stack that `make deploy STAGE=dev` made

Keys are stored as hashes: a lost one cannot be shown again, only replaced."""

MODELS = """\
  rota models                              what each model may do, what of it is booked, what its calls have taught
  rota models sync                         ask the vendors for their quotas now; the stack does it every hour
  rota models set nova-pro --tpm 50000     use no more of it than this, from the next booking on
  rota models set nova-pro --tpm default   back to what was found or configured
  rota models set nova-pro --disable       no calls any more; --enable takes that back
  rota models sync --stage dev             a deployed stage, with your AWS credentials

`remarks` says why a quota is not as in rota.yaml: found at the vendor, set by hand, or shrunk by refusals."""

MODELS_SYNC = """\
  rota models sync
  rota models sync --stage prod --json

Reads Service Quotas for Bedrock's models and one reply's headers for the others, and writes what has changed into the
ledger. Never more is used than the `ceiling` of a limit in rota.yaml (without one: than its `amount`)."""

MODELS_SET = """\
  rota models set gpt-oss-20b --tpm 4000 --rpm 10
  rota models set gpt-oss-20b --tpm default
  rota models set nova-pro --disable --stage prod

Limits and ids are those of this checkout's rota.yaml (or of ROTA_CONFIG), which should be the deployed one."""

UP = """\
  rota up                      simulated models; a provider whose key is in the environment is real
  GROQ_API_KEY=… rota up       Groq is real, the others are simulated
  rota up --real bedrock       Bedrock is real, with this machine's AWS credentials
  rota up --simulated          everything simulated, whatever the environment holds

Run it again after changing code or rota.yaml: it deploys what changed."""


def build_parser() -> argparse.ArgumentParser:
    """Every command with its options; `options.module` is where its `main(options)` lives."""
    parser = argparse.ArgumentParser(
        prog="rota", description=INTRODUCTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _add_stack(commands)
    _add_run(commands)
    _add_jobs(commands)
    add_routing(commands)
    _add_models(commands)
    _add_keys(commands)
    return parser


def _add_stack(commands: Any) -> None:
    up = command(commands, "up", "cli.local_stack", "start the local stack, or bring it up to date", UP)
    up.add_argument("--real", action="append", default=[], metavar="PROVIDER", help="call this provider for real")
    up.add_argument("--simulated", action="store_true", help="call no provider for real")
    command(commands, "down", "cli.local_stack", "stop the local stack and remove its data")
    command(commands, "status", "cli.local_stack", "what runs, where, and which models are simulated")
    command(commands, "demo", "cli.demo", "start the local stack and ask it about Rota's own documents")


def _add_run(commands: Any) -> None:
    run = command(commands, "run", "cli.run", "ask a question of files, folders, pages or a search", RUN)
    run.add_argument("--dry-run", action="store_true", help="plan only, as rota plan does")
    plan = command(commands, "plan", "cli.run", "what a run would take: documents, batches, time, cost; no call", PLAN)
    plan.set_defaults(dry_run=True)
    for either in (run, plan):
        _add_job(either)


def _add_job(run: argparse.ArgumentParser) -> None:
    run.add_argument("question", help="what you want to know")
    run.add_argument(
        "paths", nargs="*", metavar="PATH", help="files, folders, archives, addresses (https://…); - is standard input"
    )
    run.add_argument(
        "--library", action="append", default=[], metavar="PREFIX", help="also shared documents: library/…"
    )
    run.add_argument("--search", action="store_true", help="find pages on the web first (`search` in rota.yaml)")
    run.add_argument(
        "--search-in", action="append", default=[], metavar="PREFIX", help="find the best of shared documents first"
    )
    run.add_argument("--results", type=positive, metavar="N", help="how many documents a search is to find (5)")
    run.add_argument("--depth", choices=["brief", "normal", "deep"], help="how closely documents are read (normal)")
    run.add_argument(
        "--deadline", dest="deadline_s", type=whole, metavar="SECONDS", help="when the answer must be there"
    )
    run.add_argument(
        "--budget-usd", dest="job_budget_usd", type=number, metavar="N", help="what the whole job may cost"
    )
    run.add_argument("--schema", metavar="FILE", help="answer as JSON of this JSON Schema, alone on standard output")
    run.add_argument("--mode", choices=["models", "extractive"], default="models", help="extractive needs no model")
    readers, writers = run.add_mutually_exclusive_group(), run.add_mutually_exclusive_group()
    readers.add_argument("--pool", help="read with the models of this pool of rota.yaml")
    readers.add_argument("--model", help="read with this model only")
    readers.add_argument("--tier", type=int, choices=[1, 2, 3], help="read with the models of this tier")
    writers.add_argument("--answer-model", metavar="MODEL", help="plan and write the answer with this model")
    writers.add_argument(
        "--answer-tier", type=tier_or_auto, metavar="N|auto", help="plan, merge and answer there; auto: by the question"
    )
    add_stakes(run)
    run.add_argument(
        "--over-budget",
        choices=["refuse", "extractive"],
        help="when a budget is spent: fail, or go on without models (refuse)",
    )
    run.add_argument(
        "--without-models",
        choices=["extractive", "fail"],
        help="when no model can be reached: quote the documents, or fail (extractive)",
    )
    run.add_argument("--afresh", action="store_true", help="take nothing from what was noted in earlier jobs")
    run.add_argument("--max-documents", type=positive, metavar="N", help="read at most this many documents")
    run.add_argument("--detach", action="store_true", help="start the job and return its id")


def _add_jobs(commands: Any) -> None:
    jobs = command(commands, "jobs", "cli.jobs", "your latest jobs")
    jobs.add_argument("--limit", type=positive, default=20, metavar="N", help="how many, at most 100 (20)")
    show = command(commands, "show", "cli.jobs", "one job: its progress, or its answer")
    show.add_argument("job", metavar="JOB", help="a job's id, such as j-0123456789abcdef")
    show.add_argument("--watch", action="store_true", help="follow it to its end")
    notes = command(commands, "notes", "cli.jobs", "what was noted of each document, also while the job runs")
    notes.add_argument("job", metavar="JOB")
    rerun = command(commands, "rerun", "cli.jobs", "ask a finished job again; what was written before costs nothing")
    rerun.add_argument("job", metavar="JOB")
    rerun.add_argument("--detach", action="store_true", help="start it and return its id")
    stop = command(commands, "stop", "cli.jobs", "stop a job; what it has read so far is kept")
    stop.add_argument("job", metavar="JOB")


def _add_models(commands: Any) -> None:
    models = command(commands, "models", "cli.models", "the models, their quotas, and what of them is booked", MODELS)
    actions = models.add_subparsers(dest="action", metavar="[ACTION]")
    sync = command(actions, "sync", "cli.models_sync", "ask the vendors for their quotas now", MODELS_SYNC, SAID)
    change = command(actions, "set", "cli.models_set", "set a model's quotas by hand, or disable it", MODELS_SET, SAID)
    change.add_argument("model", metavar="ID", help="of a model in rota.yaml")
    for kind, counted in LIMITS.items():
        change.add_argument(f"--{kind}", metavar="N|default", help=counted)
    switch = change.add_mutually_exclusive_group()
    switch.add_argument("--disable", dest="disabled", action="store_true", default=None, help="no calls any more")
    switch.add_argument("--enable", dest="disabled", action="store_false", default=None, help="calls again")
    for action in (sync, change):
        add_stage(action)


def _add_keys(commands: Any) -> None:
    keys = commands.add_parser(
        "keys",
        help="make, list and revoke API keys",
        description=f"Make, list and revoke API keys.\n\n{KEYS}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = keys.add_subparsers(dest="action", metavar="ACTION", required=True)
    create = command(actions, "create", "cli.keys", "make a key and print it, once")
    create.add_argument("--owner", help="whose jobs and uploads it opens (you)")
    create.add_argument("--label", default="", help="what it is for")
    create.add_argument("--tier", choices=USER_TIERS, default="free", help="how its requests are routed (free)")
    create.add_argument("--budget-usd", type=number, metavar="N", help="most that its owner may spend in a month")
    listing = command(
        actions, "list", "cli.keys", "every key: id, age, owner, tier, budget, label; never the key itself"
    )
    revoke = command(actions, "revoke", "cli.keys", "make a key worthless")
    revoke.add_argument("key_id", metavar="KEY_ID", help="as listed, such as k-1a2b3c4d")
    for action in (create, listing, revoke):
        add_stage(action)
