"""The processes of one run: imports a policy once, forks as many processes as asked for, and lets them work.

Run by `cell`:  python -m benchmarks.peers.launcher RUN.json

Every forked process builds its own clients and has its own calls; nothing is shared but what the policy itself shares
(a table, a Redis, or nothing). Says `ready` on standard output, waits for the moment to start on standard input, and
each process leaves its calls and its own cost in `worker-<n>.json` beside RUN.json.
"""

from __future__ import annotations

import importlib
import json
import multiprocessing
import os
import resource
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from benchmarks.peers.policies.base import Policy, Setting
from benchmarks.peers.worker import Worker

Run = Mapping[str, Any]
_fork = multiprocessing.get_context("fork")


def main() -> None:
    """Import, fork, wait for the start, let them work."""
    path = Path(sys.argv[1])
    run = json.loads(path.read_text())
    _import_for(run)
    workers = []
    for number in range(run["processes"]):
        here, there = _fork.Pipe()
        process = _fork.Process(target=_work, args=(run, number, path.parent, there), daemon=True)
        process.start()
        there.close()
        workers.append((process, here))
    for _, pipe in workers:
        pipe.recv()
    print("ready", flush=True)
    start_s = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, args=([process for process, _ in workers],), daemon=True).start()
    for _, pipe in workers:
        pipe.send(start_s)
    for process, _ in workers:
        process.join()
    sys.exit(max(abs(process.exitcode or 0) for process, _ in workers))


def _end_with_parent(workers: Sequence[BaseProcess]) -> None:
    """Whoever started this holds its standard input open for as long as the run is wanted."""
    sys.stdin.read()
    for worker in workers:
        worker.kill()
    os._exit(1)


def _import_for(run: Run) -> None:
    """Import all that the policy will import, also late: found out in a process that builds it and ends."""
    importlib.import_module(run["module"])
    here, there = _fork.Pipe()
    scout = _fork.Process(target=_scout, args=(run, there))
    scout.start()
    for name in here.recv():
        with suppress(ImportError):
            importlib.import_module(name)
    scout.join()


def _scout(run: Run, pipe: Connection) -> None:
    before = set(sys.modules)
    _build(run, 0)
    pipe.send([name for name in sys.modules if name not in before])
    os._exit(0)


def _build(run: Run, number: int) -> Policy:
    setting = Setting(**run["setting"], process=number, slots=_slots(run))
    policy: Policy = importlib.import_module(run["module"]).create(setting)
    return policy


def _slots(run: Run) -> int:
    return max(1, int(run["slots"]) // int(run["processes"]))


def _work(run: Run, number: int, folder: Path, pipe: Connection) -> None:
    """One process from its birth to its end."""
    mine = [request for request in run["requests"] if request["job"] % run["processes"] == number]
    worker = Worker(_build(run, number), mine, run["cut_s"])
    setup_s = _cpu_s()
    pipe.send("ready")
    worker.run(pipe.recv(), _slots(run))
    with worker.still:
        result = {
            "calls": list(worker.calls.values()),
            "cpu_s": _cpu_s() - setup_s,
            "setup_cpu_s": setup_s,
            "held_s": worker.held_s(),
            "rss_mb": _peak_mb(),
        }
        (folder / f"worker-{number}.json").write_text(json.dumps(result))
        os._exit(0)  # calls under way are abandoned with their threads


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _peak_mb() -> float:
    """Of this process alone; `ru_maxrss` would tell the launcher's where that was larger."""
    status = Path("/proc/self/status")
    if status.exists():
        peak = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(peak.split()[1]) / 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1024 * 1024 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    main()
