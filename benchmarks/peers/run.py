"""Run the comparison and write its tables and plots.

python -m benchmarks.peers                  the standard matrix (most of an hour), into benchmarks/results/
python -m benchmarks.peers --quick          three policies on one burst (five minutes), into build/bench/quick/
python -m benchmarks.peers --only overload  the cells whose name (workload algorithm processes policy seed) matches
python -m benchmarks.peers --render         tables and plots again, from the figures that are there

Everything runs in real minutes, as quotas do. A cell's figures are written when it ends, so an interrupted run goes on
where it was when it is started again; --fresh forgets them.
"""

from __future__ import annotations

import argparse
import os
import re
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.peers import about, matrix, redis_server
from benchmarks.peers.cell import Cell, run
from benchmarks.peers.dynamodb import emulator
from benchmarks.peers.figures import figures
from benchmarks.peers.journal import Journal
from benchmarks.peers.policies import POLICIES
from benchmarks.peers.pools import ALGORITHMS
from benchmarks.peers.table import markdown
from benchmarks.peers.workloads import WORKLOADS
from local.state import ROOT

RESULTS = ROOT / "benchmarks" / "results"
WORKING = ROOT / "build" / "bench"
CELLS_PER_CORE = 4
"""Side by side at most: cells wait most of the time, and none starts while the machine is busy (see `load`)."""


def main() -> None:
    """See the module."""
    options = _options()
    name, cells = _cells(options)
    published = name in ("standard", "full")
    journal = Journal(WORKING / name)
    if not options.render:
        try:
            with journal.alone():
                interrupted = _measure(journal, cells, options)
        except KeyboardInterrupt:
            interrupted = True
        if interrupted:
            print("Interrupted; start again to go on from here.", flush=True)
            os._exit(130)  # without waiting minutes for the threads of cells that nobody wants any more
        failed = {cell.name for cell in cells} - {cell["cell"] for cell in journal.cells()}
        if failed:
            raise SystemExit(f"{len(failed)} cells failed; start again to repeat them: {', '.join(sorted(failed))}")
    source = Journal(RESULTS) if options.render and published else journal
    _render(source, RESULTS if published else journal.folder)


def _measure(journal: Journal, cells: Sequence[Cell], options: argparse.Namespace) -> bool:
    """Run what is missing. Whether somebody interrupted it."""
    found = {cell["cell"] for cell in journal.cells()}
    if options.fresh or not found or found >= {cell.name for cell in cells} or journal.made_with() != about.versions():
        journal.forget()
        found = set()
        print("Measuring imports …", flush=True)
        journal.describe(_facts(cells, options.parallel))
    missing = [cell for cell in cells if cell.name not in found]
    print(f"{len(missing)} of {len(cells)} cells, {options.parallel} side by side.", flush=True)
    with emulator(journal.running) as endpoint:
        return _run_all(journal, missing, endpoint, options.parallel)


def _facts(cells: Sequence[Cell], parallel: int) -> dict[str, Any]:
    return {
        "began": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": about.machine(),
        "versions": about.versions(),
        "seeds": sorted({cell.seed for cell in cells}),
        "parallel": parallel,
        "imports": about.imports(),
    }


def _run_all(journal: Journal, cells: Sequence[Cell], endpoint: str, parallel: int) -> bool:
    """Run them side by side and write down what they give. Whether somebody interrupted it."""
    starting, began, threads = threading.Lock(), time.monotonic(), ThreadPoolExecutor(parallel)
    running = {threads.submit(run, cell, endpoint, journal.running, starting): cell for cell in cells}
    try:
        for number, future in enumerate(as_completed(running), start=1):
            minutes = (time.monotonic() - began) / 60
            error = future.exception()
            if error is None:
                journal.append(future.result())
                print(f"{minutes:5.1f} min  {number}/{len(cells)}  {_line(future.result())}", flush=True)
            else:  # one cell that fails must not cost the others their hour
                print(f"{minutes:5.1f} min  {number}/{len(cells)}  {running[future].name} failed: {error}", flush=True)
    except KeyboardInterrupt:
        threads.shutdown(wait=False, cancel_futures=True)
        return True
    return False


def _line(cell: dict[str, Any]) -> str:
    row = figures(cell)
    end = f"{row.makespan:.2f} × bound" if row.makespan else f"{row.finished:.0%} done"
    return f"{cell['cell']:48} {row.served_share:.3f} of allowed, {row.refusals:.2f} refusals per call, {end}"


def _render(source: Journal, folder: Path) -> None:
    """Tables and plots; matplotlib is imported here alone."""
    from benchmarks.peers.plots import draw

    cells, facts = source.cells(), source.about()
    busy = [cell["busy"] for cell in cells if cell["busy"] is not None]
    facts["busy"] = f"{min(busy):.0%} to {max(busy):.0%}" if busy else "an unknown share"
    folder.mkdir(parents=True, exist_ok=True)
    target = Journal(folder)
    if folder != source.folder:
        target.path.write_text(source.path.read_text())
    target.describe(facts)
    (folder / "table.md").write_text(markdown(cells, facts))
    for path in draw(cells, folder):
        print(path)
    print(folder / "table.md")


def _cells(options: argparse.Namespace) -> tuple[str, list[Cell]]:
    """The matrix's name and its cells. Without a Redis those that need one are left out, and it is said."""
    name = "quick" if options.quick else "full" if options.full else "standard"
    make = {"quick": matrix.quick, "full": matrix.full, "standard": matrix.standard}[name]
    every = [cell for seed in options.seeds for cell in make(seed)]
    cells = [cell for cell in every if _wanted(cell, options)]
    if redis_server.executable() is None:
        print("There is no redis-server on this machine: policies that share one are left out.")
        cells = [cell for cell in cells if not POLICIES[cell.policy].redis]
    if not cells:
        raise SystemExit("no cell matches")
    return (name if len(cells) == len(every) else "chosen"), cells


def _wanted(cell: Cell, options: argparse.Namespace) -> bool:
    return bool(
        re.search(options.only, cell.name)
        and cell.policy in options.policies
        and cell.workload in options.workloads
        and cell.algorithm in options.algorithms
        and cell.processes in options.processes
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.peers", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="three policies on the burst")
    size.add_argument("--full", action="store_true", help="every policy, workload, algorithm and number of processes")
    parser.add_argument("--only", default="", metavar="REGEX", help="cells whose name matches")
    parser.add_argument("--policies", nargs="+", choices=tuple(POLICIES), default=tuple(POLICIES))
    parser.add_argument("--workloads", nargs="+", choices=tuple(WORKLOADS), default=tuple(WORKLOADS))
    parser.add_argument("--algorithms", nargs="+", choices=ALGORITHMS, default=ALGORITHMS)
    parser.add_argument("--processes", nargs="+", type=int, choices=matrix.PROCESSES, default=matrix.PROCESSES)
    parser.add_argument("--seeds", nargs="+", type=int, default=[1])
    parser.add_argument("--parallel", type=int, default=CELLS_PER_CORE * (os.cpu_count() or 1), help="cells at once")
    parser.add_argument("--fresh", action="store_true", help="forget the figures of an interrupted run")
    parser.add_argument("--render", action="store_true", help="only tables and plots, from the figures there are")
    return parser.parse_args()
