"""The figures as Markdown: one table for each workload, way of counting and number of processes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from benchmarks.peers.figures import Figures, figures, ideal_waits_s, middle, quantile
from benchmarks.peers.policies import POLICIES
from benchmarks.peers.pools import ALGORITHMS
from benchmarks.peers.workloads import WORKLOADS

Group = tuple[str, str, int]
"""Workload, algorithm, processes."""

_HEAD = (
    "policy",
    "served ÷ allowed",
    "refusals per call",
    "makespan ÷ bound",
    "wait p50 / p95 (s)",
    "wait of large ÷ small",
    "thread held (s per call)",
    "given again per call",
    "CPU (ms per call)",
    "peak RSS (MB)",
)


def groups(cells: Iterable[Mapping[str, Any]]) -> dict[Group, dict[str, Figures]]:
    """Figures by group and policy, in the order of WORKLOADS, ALGORITHMS and POLICIES; the median over seeds."""
    found: dict[Group, dict[str, list[Figures]]] = {}
    for cell in cells:
        group = (cell["workload"], cell["algorithm"], cell["processes"])
        found.setdefault(group, {}).setdefault(cell["policy"], []).append(figures(cell))
    return {
        group: {policy: middle(found[group][policy]) for policy in POLICIES if policy in found[group]}
        for group in sorted(found, key=_place)
    }


def _place(group: Group) -> tuple[int, int, int]:
    workload, algorithm, processes = group
    return list(WORKLOADS).index(workload), ALGORITHMS.index(algorithm), -processes


def markdown(cells: Sequence[Mapping[str, Any]], about: Mapping[str, Any]) -> str:
    """The whole page."""
    parts = ["# Rota beside its peers: figures", "", *_preface(about), ""]
    for group, rows in groups(cells).items():
        parts += [*_section(group, rows, cells), ""]
    parts += [*_imports(about), ""]
    return "\n".join(parts)


def _preface(about: Mapping[str, Any]) -> Iterator[str]:
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    yield f"{about['began']}, {about['machine']}. {versions}. Seeds: {', '.join(map(str, about['seeds']))}."
    yield f"Up to {about['parallel']} cells ran side by side; the machine's cores were {about['busy']} busy meanwhile."
    yield from [about["note"]] if "note" in about else []  # what a person wrote into about.json
    yield "What is compared, how, and what the columns mean: [benchmarks/peers/README.md](../peers/README.md)."


def _section(group: Group, rows: Mapping[str, Figures], cells: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    workload, algorithm, processes = group
    some = [cell for cell in cells if (cell["workload"], cell["algorithm"], cell["processes"]) == group]
    title = WORKLOADS[workload](some[0]["seed"]).title
    yield f"## {title[0].upper()}{title[1:]}"
    yield ""
    many = "processes" if processes > 1 else "process"
    yield f"{algorithm.replace('_', ' ').capitalize()} vendors, {processes} {many}, {_bound(some[0])}."
    yield ""
    yield f"| {' | '.join(_head(workload))} |"
    yield f"|{'---|' * len(_HEAD)}"
    for policy, row in rows.items():
        yield f"| {' | '.join(_row(policy, row))} |"


def _head(workload: str) -> Iterator[str]:
    """An overload is cut off: there the share of the calls that were answered stands in the makespan's column."""
    cut_off = workload == "overload"
    return ("answered" if cut_off and name == "makespan ÷ bound" else name for name in _HEAD)


def _bound(cell: Mapping[str, Any]) -> str:
    calls = f"{len(cell['calls']['asked_s'])} calls, {cell['tokens_asked']:,} tokens"
    if cell["workload"] != "overload":
        return f"{calls}, bound {cell['bound_s']:.0f} s, cut off at {cell['cut_s']:.0f} s"
    ended = sorted(ideal_waits_s(cell))
    ideal = f"{quantile(ended, 0.5):.0f} / {quantile(ended, 0.95):.0f} s"
    return f"{calls}, cut off at {cell['cut_s']:.0f} s; in an ideal central queue they would wait {ideal}"


def _row(policy: str, row: Figures) -> Iterator[str]:
    name = POLICIES[policy].label + (f" ({row.cut_short:.0%} cut short)" if row.cut_short else "")
    yield f"**{name}**" if policy == "rota" else name
    yield f"{row.served_share:.3f}"
    yield f"{row.refusals:.2f}" if row.refusals else "0"
    yield f"{row.makespan:.2f}" if row.makespan is not None else f"{row.finished:.0%} answered"
    yield f"{row.wait_p50_s:.1f} / {row.wait_p95_s:.1f}"
    yield f"{row.large_wait:.1f}"
    yield f"{row.held_s:.1f}"
    yield f"{row.resubmitted:.2f}" if row.resubmitted else "0"
    yield f"{row.cpu_ms:.1f}"
    yield f"{row.rss_mb:.0f}"


def _imports(about: Mapping[str, Any]) -> Iterator[str]:
    yield "## Importing it"
    yield ""
    yield "In a fresh process, the best of three, without the interpreter's own start."
    yield ""
    yield "| library | import (s) | RSS after it (MB) |"
    yield "|---|---|---|"
    for name, cost in about["imports"].items():
        yield f"| {name} | {cost['seconds']:.2f} | {cost['rss_mb']:.0f} |"
