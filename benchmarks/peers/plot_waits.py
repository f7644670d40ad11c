"""How long calls waited: the share of them that had started at the vendor within so many seconds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from benchmarks.peers.figures import waits_s
from benchmarks.peers.plot_style import WIDTH_INCHES, colour, frame, title
from benchmarks.peers.policies import POLICIES
from benchmarks.peers.workloads import WORKLOADS


def waits(cells: Mapping[str, Mapping[str, Any]]) -> Figure:
    """One step line per policy, dashed where processes share a Redis; a call without an answer never arrives."""
    figure, axis = plt.subplots(figsize=(WIDTH_INCHES, 4.6))
    for policy, cell in reversed(list(cells.items())):
        every = waits_s(cell)
        started = sorted(wait for index, wait in every.items() if cell["calls"]["started_s"][index] is not None)
        axis.step(
            [0.0, *started, cell["cut_s"]],
            [0.0, *((number + 1) / len(every) for number in range(len(started))), len(started) / len(every)],
            where="post",
            color=colour(policy),
            linewidth=2.6 if policy == "rota" else 1.3,
            linestyle=(0, (4, 2)) if POLICIES[policy].redis else "-",
            label=POLICIES[policy].label,
            zorder=3 if policy == "rota" else 2,
        )
    longest = max(max(waits_s(cell).values()) for cell in cells.values())
    axis.set_xlim(0, longest)
    axis.set_ylim(0, 1)
    axis.set_xlabel("seconds from asking to the start of the answering attempt")
    axis.set_ylabel("share of the calls asked for")
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
    handles, labels = axis.get_legend_handles_labels()
    figure.legend(handles[::-1], labels[::-1], loc="center right", frameon=False, fontsize=8)
    some = next(iter(cells.values()))
    work = WORKLOADS[some["workload"]](some["seed"]).title
    vendors = some["algorithm"].replace("_", " ").capitalize()
    below = f"{vendors} quotas, {some['processes']} processes. Higher and further left is better."
    title(figure, f"Waits: {work}", below)
    frame(figure, top=0.8, bottom=0.55, left=0.075, right=0.72)
    return figure
