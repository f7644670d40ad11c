"""One cell of the comparison: one policy on one workload, with vendors, processes and shared state of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.peers.bounds import allowed_tokens, bound_s
from benchmarks.peers.dynamodb import ledger_table
from benchmarks.peers.load import Load, wait_until_quiet
from benchmarks.peers.policies import POLICIES, PolicyKind
from benchmarks.peers.pools import POOLS, Algorithm, PoolModel, catalog_file, largest, vendor_file
from benchmarks.peers.redis_server import redis_server
from benchmarks.peers.vendors import VendorServer, vendor_server
from benchmarks.peers.workloads import WORKLOADS, Workload
from local.processes import free_port
from local.state import ROOT

PHASE_S = 6.0
"""How long after the vendors' clock every run starts: it matters to fixed windows, which turn by that clock."""
MINUTE_S = 60.0
JUST_OPENED_S = 10.0
"""A fixed window that has opened so shortly before the cut does not count: its whole quota would seem allowed."""
GRACE_S = 30.0
"""What a run may take beyond its patience: start-up, latency, backoffs."""
_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",  # for Bedrock's wire; the simulated vendor takes any
    "AWS_SECRET_ACCESS_KEY": "test",
    # LiteLLM would ask the internet for prices when it is imported.
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
}


@dataclass(frozen=True)
class Cell:
    """What is run."""

    policy: str
    workload: str
    algorithm: Algorithm
    processes: int
    seed: int

    @property
    def name(self) -> str:
        """Such as `burst sliding_window 10 rota 1`."""
        return f"{self.workload} {self.algorithm} {self.processes} {self.policy} {self.seed}"


def models_of(kind: PolicyKind, workload: Workload) -> Sequence[PoolModel]:
    """What the policy can use of the pool: all of it, or the largest model on the wire that it speaks."""
    models = POOLS[workload.pool]
    if not kind.single:
        return models
    return [replace(largest(models), wire=kind.single)]  # type: ignore[arg-type]  # a Wire, see POLICIES


def run(cell: Cell, emulator: str, running: Path, starting: threading.Lock) -> dict[str, Any]:
    """Run it in real time and return its figures as JSON.

    Its files are in a folder of their own in `running` meanwhile; `starting` keeps cells from starting up side by side.
    """
    kind, workload = POLICIES[cell.policy], WORKLOADS[cell.workload](cell.seed)
    with tempfile.TemporaryDirectory(prefix=f"{cell.policy}-", dir=running) as name, ExitStack() as stack:
        folder, port = Path(name), free_port()
        with starting:
            wait_until_quiet()
            url = f"http://127.0.0.1:{port}"
            setting = {
                "models": [model.as_json() for model in models_of(kind, workload)],
                "algorithm": cell.algorithm,
                "url": url,
                "options": dict(kind.options),
                "redis_port": stack.enter_context(redis_server(folder)) if kind.redis else 0,
                "dynamodb": emulator if kind.ledger else "",
                "table": stack.enter_context(ledger_table(emulator, port)) if kind.ledger else "",
                "catalog": catalog_file(models_of(kind, workload), cell.algorithm, url),
            }
            launcher = stack.enter_context(_launcher(cell, kind, workload, setting, folder))
            pool = vendor_file(models_of(kind, workload), cell.algorithm)
            vendors = stack.enter_context(vendor_server(pool, port, cell.seed, folder))
        return _measure(cell, workload, vendors, launcher, folder)


def _cut_s(cell: Cell, workload: Workload) -> float:
    if workload.cut_s is not None:
        past_s = (workload.cut_s + PHASE_S) % MINUTE_S
        just_opened = cell.algorithm == "fixed_window" and past_s < JUST_OPENED_S
        return workload.cut_s - past_s - 1 if just_opened else workload.cut_s
    return workload.patience * _bound_s(cell, workload, PHASE_S) + GRACE_S


def _bound_s(cell: Cell, workload: Workload, phase_s: float) -> float:
    return bound_s(workload.requests, POOLS[workload.pool], cell.algorithm, phase_s, workload.outage)


@contextmanager
def _launcher(
    cell: Cell, kind: PolicyKind, workload: Workload, setting: Mapping[str, Any], folder: Path
) -> Iterator[subprocess.Popen[str]]:
    """The process of `launcher`, ready to start."""
    description = {
        "module": f"benchmarks.peers.policies.{kind.module}",
        "setting": setting,
        "requests": [request.as_json() for request in workload.requests],
        "processes": cell.processes,
        "slots": workload.slots,
        "cut_s": _cut_s(cell, workload),
    }
    (folder / "run.json").write_text(json.dumps(description))
    log = (folder / "workers.log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.peers.launcher", str(folder / "run.json")],
        cwd=ROOT,
        env={**os.environ, **_ENVIRONMENT},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
    )
    try:
        said = ""
        for line in process.stdout or ():  # libraries may print something first
            if line.strip() == "ready":
                break
            said += line
        else:
            told = said[-1000:] + (folder / "workers.log").read_text()[-3000:]
            raise RuntimeError(f"{cell.name} ended with {process.wait()}: {told}")
        yield process
    finally:
        process.kill()
        process.communicate()
        log.close()


def _measure(
    cell: Cell, workload: Workload, vendors: VendorServer, launcher: subprocess.Popen[str], folder: Path
) -> dict[str, Any]:
    start_s = time.time() + max(1.0, PHASE_S - vendors.stats()["now_s"])
    phase_s = vendors.stats()["now_s"] + start_s - time.time()
    if launcher.stdin is None:
        raise RuntimeError("the launcher has no standard input")
    launcher.stdin.write(f"{json.dumps(start_s)}\n")
    launcher.stdin.flush()
    load = Load()
    stats = _watch(cell, workload, vendors, launcher, start_s)
    busy = load.busy()
    outputs = [json.loads((folder / f"worker-{n}.json").read_text()) for n in range(cell.processes)]
    calls = sorted((call for output in outputs for call in output["calls"]), key=lambda call: call["index"])
    run_s = _run_s(cell, workload, calls)
    return {
        "cell": cell.name,
        "policy": cell.policy,
        "workload": cell.workload,
        "algorithm": cell.algorithm,
        "processes": cell.processes,
        "seed": cell.seed,
        "phase_s": round(phase_s, 2),
        "bound_s": _bound_s(cell, workload, phase_s),
        "cut_s": _cut_s(cell, workload),
        "run_s": round(run_s, 2),
        "tokens_asked": workload.tokens,
        "tokens_allowed": round(allowed_tokens(POOLS[workload.pool], cell.algorithm, run_s, phase_s, workload.outage)),
        "busy": busy,
        "vendors": stats["models"],
        "workers": [{key: output[key] for key in ("cpu_s", "setup_cpu_s", "held_s", "rss_mb")} for output in outputs],
        "calls": _columns(calls),
        "errors": _examples(calls),
    }


def _watch(
    cell: Cell, workload: Workload, vendors: VendorServer, launcher: subprocess.Popen[str], start_s: float
) -> dict[str, Any]:
    """Let the run go on, with its outage; the vendors' counters at its end, or when it is cut off."""
    outage = workload.outage
    if outage is not None:
        for at_s, act in ((outage.from_s, vendors.begin), (outage.until_s, vendors.end)):
            with suppress(subprocess.TimeoutExpired):
                launcher.wait(max(0.0, start_s + at_s - time.time()))
            act(outage)
    if workload.cut_s is not None:
        time.sleep(max(0.0, start_s + _cut_s(cell, workload) - time.time()))
        stats = vendors.stats()
        launcher.wait()
        return stats
    launcher.wait()
    return vendors.stats()


def _run_s(cell: Cell, workload: Workload, calls: Sequence[Mapping[str, Any]]) -> float:
    """Until the last call started, or until the run was cut off."""
    if workload.cut_s is None and all("started_s" in call for call in calls):
        return max(float(call["started_s"]) for call in calls)
    return _cut_s(cell, workload)


def _columns(calls: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Columns instead of rows, in hundredths of a second, to keep the file small; None where a call did not finish."""
    times = ("asked_s", "started_s", "done_s")
    columns: dict[str, list[Any]] = {
        name: [round(call[name], 2) if name in call else None for call in calls] for name in times
    }
    return columns | {name: [call.get(name) for call in calls] for name in ("tokens", "resubmitted", "parked")}


def _examples(calls: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """What policies gave up with, by the first words."""
    counted: dict[str, int] = {}
    for call in calls:
        for error in call["errors"]:
            counted[error[:120]] = counted.get(error[:120], 0) + 1
    return dict(sorted(counted.items(), key=lambda entry: -entry[1])[:5])
