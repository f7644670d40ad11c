"""`rota up`, `rota down`, `rota status`: the local stack as a whole. Each can be repeated at any time."""

from __future__ import annotations

import getpass
import json
import os
import re
import time
from collections.abc import Callable, Collection
from pathlib import Path

from local import emulator, providers, scratch
from local.aws import local_session
from local.deploy import deploy
from local.processes import alive, stop
from local.services import Services, fingerprint
from local.state import State, forget, load, locked, save
from local.synthesis import assembly, config_path
from rota.catalog import Catalog
from rota.catalog_file import load_catalog
from rota.keys import KeyStore
from rota.schemas import UserTier

Say = Callable[[str], None]


def up(
    home: Path,
    *,
    say: Say,
    real: Collection[str] = (),
    simulate_all: bool = False,
    tied: bool = False,
    owner: str | None = None,
) -> State:
    """Bring the stack to what this checkout and this environment describe, starting only what is missing.

    `real` and `simulate_all` are explained at `local.providers.choose`; `tied` processes end with this one.
    `owner` is whom the issued key belongs to, by default the laptop's user.
    """
    catalog = load_catalog(config_path())
    chosen = providers.choose(catalog, os.environ, real, simulate_all)
    with locked(home):
        state = _survivors(home, catalog)
        state.providers = chosen
        services = Services(state, home, tied)
        services.start_emulator(say)
        services.start_providers(catalog)
        _deploy(state, catalog, home, say)
        services.start_metrics()
        if not state.key:
            state.key = issue_key(state, owner or laptop_owner(), "rota up")
        save(home, state)
    return state


def down(home: Path) -> bool:
    """End everything and remove its data. False when nothing was running."""
    with locked(home):
        was_running = _stop(home, load(home))
        forget(home)
    return was_running


def status(home: Path) -> dict[str, object]:
    """What runs, for people and scripts: {"running", "api_url", "processes", "providers", "outputs"}."""
    state = load(home)
    processes = {name: {"pid": process.pid, "alive": alive(process)} for name, process in state.processes.items()}
    running = bool(state.outputs) and all(process["alive"] for process in processes.values())
    running = running and emulator.answers(state.ports["emulator"])
    return {
        "running": running,
        "api_url": state.api_url if state.outputs else None,
        "processes": {name: {**seen, "port": state.ports.get(name)} for name, seen in processes.items()},
        "providers": state.providers,
        "outputs": state.outputs,
    }


def issue_key(state: State, owner: str, label: str, tier: UserTier = "free") -> str:
    """A new bearer key of this owner, straight into the Keys table."""
    dynamodb = local_session().client("dynamodb", endpoint_url=state.endpoint)
    return KeyStore(dynamodb, state.outputs["KeysTable"]).issue(owner, label, int(time.time() * 1000), tier).text


def laptop_owner() -> str:
    """The user of this machine as an owner of keys: what may not stand in one becomes a dash."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container's user need not have a name
        name = "me"
    owner = re.sub(r"[^a-z0-9._-]", "-", name.lower()).strip("-._")
    return owner[:63] or "me"


def _survivors(home: Path, catalog: Catalog) -> State:
    """What still runs of an earlier `up` and is still right. Without its emulator nothing is worth keeping."""
    state = load(home)
    if state.simulated_config != fingerprint(catalog) and "simulated" in state.processes:
        stop(state.processes["simulated"])  # it simulates the quotas of an older rota.yaml
    if "relay" in state.processes:
        stop(state.processes["relay"])  # it holds credentials: not longer than asked for, and always the newest
    state.processes = {name: process for name, process in state.processes.items() if alive(process)}
    if "emulator" in state.processes and emulator.answers(state.ports["emulator"]):
        return state
    _stop(home, state)
    return State()


def _stop(home: Path, state: State) -> bool:
    stopped = [stop(process) for name, process in state.processes.items() if name != "emulator"]
    if "emulator" in state.processes:
        stopped.append(stop(state.processes["emulator"]))
    scratch.remove(home / "scratch")
    return any(stopped)


def _deploy(state: State, catalog: Catalog, home: Path, say: Say) -> None:
    simulated = f"http://127.0.0.1:{state.ports['simulated']}" if "simulated" in state.ports else ""
    relay = f"http://127.0.0.1:{state.ports['relay']}" if "relay" in state.ports else None
    replaced = providers.endpoints(catalog, state.providers, simulated, relay)
    say("Synthesising the template")
    template = assembly()
    private_hosts = os.environ.get("ROTA_PRIVATE_HOSTS", "")
    wanted = json.dumps([template.name, replaced, state.providers, private_hosts], sort_keys=True)
    session = local_session()
    if state.deployed != wanted:
        say("Deploying it through CloudFormation")
        state.deployed = ""
        played = [name for name, kind in state.providers.items() if kind == providers.SIMULATED]
        parameters = {
            "ProviderEndpoints": json.dumps(replaced),
            "QuotasEndpoint": providers.quotas_endpoint(catalog, state.providers, simulated),
            "SimulatedProviders": ",".join(played),
            "PrivateHosts": private_hosts,
        }
        state.outputs = deploy(session, state.endpoint, template, parameters)
        state.deployed = wanted
        save(home, state)
    providers.put_keys(session, state.endpoint, catalog, state.providers, os.environ)
