"""Every plot that the figures at hand allow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.peers import matrix
from benchmarks.peers.plot_overview import headline, refusals
from benchmarks.peers.plot_style import save, styled
from benchmarks.peers.plot_timeline import timeline
from benchmarks.peers.plot_waits import waits
from benchmarks.peers.policies import POLICIES
from benchmarks.peers.table import groups

MANY = max(matrix.PROCESSES)


def draw(cells: Sequence[Mapping[str, Any]], folder: Path) -> Iterator[Path]:
    """Write them as PNG and SVG; yields the PNGs. Runs in one process are in the table alone, those in many here."""
    rows = {group: figures for group, figures in groups(cells).items() if group[2] == MANY}
    with styled():
        overload, burst = rows.get(("overload", "token_bucket", MANY)), rows.get(("burst", "sliding_window", MANY))
        if overload and burst:
            yield save(headline(overload, burst), folder, "headline")
        if rows:
            yield save(refusals(rows), folder, "refusals")
        for workload, algorithm, _ in rows:
            chosen = _by_policy(cells, workload, algorithm)
            if workload == "overload":
                yield save(timeline(chosen), folder, f"overload-{algorithm}")
            yield save(waits(chosen), folder, f"waits-{workload}-{algorithm}")


def _by_policy(cells: Sequence[Mapping[str, Any]], workload: str, algorithm: str) -> dict[str, Mapping[str, Any]]:
    """The first seed of each policy, in the order of POLICIES."""
    found: dict[str, Mapping[str, Any]] = {}
    for cell in cells:
        if (cell["workload"], cell["algorithm"], cell["processes"]) == (workload, algorithm, MANY):
            found.setdefault(cell["policy"], cell)
    return {policy: found[policy] for policy in POLICIES if policy in found}
