"""How long work waited: the share of the tokens asked for that had started at the vendor within so many seconds.

By tokens and not by calls, so that nobody looks good by putting the large calls off.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from benchmarks.peers.figures import ideal_waits_s, waits_s
from benchmarks.peers.plot_style import WIDTH_INCHES, colour, frame, title
from benchmarks.peers.policies import POLICIES
from benchmarks.peers.workloads import WORKLOADS, Request

_IDEAL = ("burst", "overload")
"""Where an ideal central queue can be computed: no call follows another, and no model is out."""


def waits(cells: Mapping[str, Mapping[str, Any]]) -> Figure:
    """One step line per policy, dashed where processes share a Redis; tokens without an answer never arrive."""
    some = next(iter(cells.values()))
    workload = WORKLOADS[some["workload"]](some["seed"])
    figure, axis = plt.subplots(figsize=(WIDTH_INCHES, 4.6))
    for policy, cell in reversed(list(cells.items())):
        found = {index: wait for index, wait in waits_s(cell).items() if cell["calls"]["started_s"][index] is not None}
        width, above = (2.6, 3) if policy == "rota" else (1.3, 2)
        dashes = (0, (4, 2)) if POLICIES[policy].redis else "-"
        look = {"color": colour(policy), "linewidth": width, "linestyle": dashes, "zorder": above}
        _line(axis, found, workload.requests, some["cut_s"], {**look, "label": POLICIES[policy].label})
    if some["workload"] in _IDEAL:
        ends = zip(workload.requests, ideal_waits_s(some), strict=True)
        ideal = {request.index: wait for request, wait in ends if request.at_s + wait < some["cut_s"]}
        look = {"color": "black", "linewidth": 1.0, "linestyle": (0, (1, 1.5)), "label": "an ideal central queue"}
        _line(axis, ideal, workload.requests, some["cut_s"], look)
    axis.set_xlim(0, max(max(waits_s(cell).values()) for cell in cells.values()))
    axis.set_ylim(0, 1)
    axis.set_xlabel("seconds from asking to the start of the answering attempt")
    axis.set_ylabel("share of the tokens asked for")
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
    handles, labels = axis.get_legend_handles_labels()
    figure.legend(
        handles[::-1], labels[::-1], loc="center left", bbox_to_anchor=(0.725, 0.5), frameon=False, fontsize=8
    )
    vendors = some["algorithm"].replace("_", " ").capitalize()
    below = f"{vendors} quotas, {some['processes']} processes. Higher and further left is better."
    title(figure, f"Waits: {workload.title}", below)
    frame(figure, top=0.8, bottom=0.55, left=0.075, right=0.72)
    return figure


def _line(
    axis: Axes, found: Mapping[int, float], requests: Sequence[Request], end_s: float, look: Mapping[str, Any]
) -> None:
    every, tokens = sum(request.tokens for request in requests), 0
    across, up = [0.0], [0.0]
    for index, wait in sorted(found.items(), key=lambda entry: entry[1]):
        tokens += requests[index].tokens
        across.append(wait)
        up.append(tokens / every)
    axis.step([*across, end_s], [*up, up[-1]], where="post", **look)
