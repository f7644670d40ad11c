"""`rota up`, `rota down`, `rota status`."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from cli.errors import FAILED, CliError
from local import stack
from local.state import LocalStackError, State, home
from rota.errors import CatalogError


def main(options: argparse.Namespace) -> int:
    """Run the command; see `rota up --help`, `rota down --help`, `rota status --help`."""
    if options.command == "down":
        return _down(options)
    if options.command == "status":
        return _status(options)
    state = bring_up(options.real, options.simulated)
    if options.json:
        print(json.dumps(stack.status(home()), indent=2))
    else:
        print(f"The local stack runs: {state.api_url}/v1")
        print(describe_providers(state.providers))
        print('Ask it something: rota run "How does Rota keep from going over a quota?" docs/')
    return 0


def bring_up(real: list[str], simulated: bool) -> State:
    """Start or update the local stack, saying each step on standard error. Raises CliError."""
    try:
        return stack.up(home(), say=_say, real=real, simulate_all=simulated)
    except CatalogError as error:
        raise CliError(f"rota.yaml is wrong: {error} (`rota config check` shows everything that is)") from error
    except LocalStackError as error:
        raise CliError(str(error)) from error


def describe_providers(providers: dict[str, str]) -> str:
    """Says plainly which models are not real."""
    simulated = sorted(name for name, kind in providers.items() if kind == "simulated")
    real = sorted(name for name, kind in providers.items() if kind == "real")
    parts = []
    if simulated:
        parts.append(f"Simulated (they answer with sentences of the documents): {', '.join(simulated)}.")
    if real:
        parts.append(f"Real: {', '.join(real)}.")
    return " ".join(parts)


def _down(options: argparse.Namespace) -> int:
    was_running = stack.down(home())
    if options.json:
        print(json.dumps({"was_running": was_running}))
    else:
        print("Stopped; its data is gone." if was_running else "Nothing was running.")
    return 0


def _status(options: argparse.Namespace) -> int:
    """Exit code 1 when it does not run, so that scripts can ask."""
    seen: dict[str, Any] = stack.status(home())
    if options.json:
        print(json.dumps(seen, indent=2))
    elif seen["running"]:
        print(f"The local stack runs: {seen['api_url']}/v1")
        print(describe_providers(seen["providers"]))
        _print_processes(seen["processes"])
    elif seen["processes"]:
        print("The local stack is broken; `rota up` mends it, `rota down` clears it away.")
        _print_processes(seen["processes"])
    else:
        print("The local stack does not run; start it with `rota up`.")
    return 0 if seen["running"] else FAILED


def _print_processes(processes: dict[str, dict[str, Any]]) -> None:
    for name, process in processes.items():
        port = f", port {process['port']}" if process["port"] else ""
        print(f"  {name:<10} {'process ' + str(process['pid']) if process['alive'] else 'ended'}{port}")


def _say(line: str) -> None:
    print(f"{line} …", file=sys.stderr, flush=True)
