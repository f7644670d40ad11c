"""The background processes of the local stack: emulator, simulated providers, Bedrock relay, metrics."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from local import emulator, providers
from local.processes import alive, free_port, start
from local.state import ROOT, LocalStackError, State, save
from local.synthesis import config_path
from rota.catalog import BedrockProvider, Catalog

SIMULATED_WITHIN_S = 20


class Services:
    """Starts what the state does not have; records each process at once, so that a crash leaves no stranger behind."""

    def __init__(self, state: State, home: Path, tied: bool) -> None:
        self._state = state
        self._home = home
        self._tied = tied

    def start_emulator(self, say: Callable[[str], None]) -> None:
        """Start the emulated AWS and wait for it. Raises LocalStackError."""
        state = self._state
        if "emulator" in state.processes:
            return
        say("Starting the AWS emulator")
        port, log = free_port(), self._home / "emulator.log"
        process = emulator.start_emulator(port, scratch=self._home / "scratch", log=log, tied=self._tied)
        state.processes["emulator"], state.ports["emulator"] = process, port
        save(self._home, state)
        emulator.wait_until_ready(process, port, log)

    def start_providers(self, catalog: Catalog) -> None:
        """Start what stands in for providers: the simulated ones, and the relay to a real Bedrock."""
        if providers.SIMULATED in self._state.providers.values():
            self._start_simulated(catalog)
        for name, provider in catalog.providers.items():
            if isinstance(provider, BedrockProvider) and self._state.providers[name] == providers.REAL:
                self._start_relay(provider)

    def start_metrics(self) -> None:
        """Start turning log lines into metrics."""
        prefix = self._state.outputs["LogGroupPrefix"]
        self._start("metrics", ["local.emf", "--endpoint", self._state.endpoint, "--log-groups", prefix])

    def _start_simulated(self, catalog: Catalog) -> None:
        if "simulated" in self._state.processes:
            return
        port_file = self._home / "simulated.port"
        port_file.unlink(missing_ok=True)
        self._state.simulated_config = fingerprint(catalog)
        self._start("simulated", ["local.simulated", "--config", str(config_path()), "--port-file", str(port_file)])
        deadline = time.monotonic() + SIMULATED_WITHIN_S
        while not port_file.exists():
            if not alive(self._state.processes["simulated"]) or time.monotonic() > deadline:
                raise LocalStackError(f"the simulated providers did not start; see {self._home / 'simulated.log'}")
            time.sleep(0.03)
        self._state.ports["simulated"] = int(port_file.read_text())

    def _start_relay(self, provider: BedrockProvider) -> None:
        port = self._state.ports.setdefault("relay", free_port())
        command = ["local.bedrock_relay", "--region", provider.region, "--port", str(port)]
        upstream = ["--upstream", provider.endpoint] if provider.endpoint else []
        self._start("relay", [*command, *upstream], dict(os.environ))  # it alone needs the AWS credentials

    def _start(self, name: str, module: list[str], env: Mapping[str, str] | None = None) -> None:
        if name in self._state.processes:
            return
        paths = os.pathsep.join([str(ROOT), str(ROOT / "layers/rota/python")])
        environment = {**(_plain_environment() if env is None else env), "PYTHONPATH": paths}
        command = [sys.executable, "-m", *module]
        log = self._home / f"{name}.log"
        self._state.processes[name] = start(command, env=environment, log=log, tied=self._tied)
        save(self._home, self._state)


def fingerprint(catalog: Catalog) -> str:
    """Changes with any value of rota.yaml."""
    return hashlib.sha256(catalog.model_dump_json().encode()).hexdigest()[:16]


def _plain_environment() -> dict[str, str]:
    """What a process needs that has no business with keys."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
