"""Small multiples of a run under overload: tokens started in each ten seconds beside what the quotas admit."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.peers.bounds import allowed_tokens
from benchmarks.peers.figures import figures, served_per
from benchmarks.peers.plot_style import WIDTH_INCHES, colour, frame, title
from benchmarks.peers.policies import POLICIES
from benchmarks.peers.pools import POOLS
from benchmarks.peers.workloads import WORKLOADS

STEP_S = 10.0
_COLUMNS = 3
_BELOW = (
    "1.5 times the quotas were asked for. Coloured: what was served. Line: what the quotas admit. "
    "Per cent: of all that they admit in three minutes."
)


def timeline(cells: Mapping[str, Mapping[str, Any]]) -> Figure:
    """One panel per policy; all on the same scale."""
    some = next(iter(cells.values()))
    # The last step is not over when the run is cut off.
    edges = [step * STEP_S for step in range(math.floor(some["run_s"] / STEP_S) + 1)]
    quota = _quota(some, edges)
    rows = math.ceil(len(cells) / _COLUMNS)
    size = (WIDTH_INCHES, 1.3 * rows + 1.2)
    figure, axes = plt.subplots(rows, _COLUMNS, figsize=size, sharex=True, sharey=True, squeeze=False)
    for (policy, cell), axis in zip(cells.items(), axes.flat, strict=False):
        _panel(axis, policy, cell, edges, quota)
    for axis in list(axes.flat)[len(cells) :]:
        axis.set_visible(False)
    for axis in list(axes.flat)[max(0, len(cells) - _COLUMNS) : len(cells)]:
        axis.set_xlabel("seconds")
        axis.tick_params(labelbottom=True)
    for row in axes:
        row[0].set_ylabel("thousand\ntokens")
    vendors = some["algorithm"].replace("_", " ")
    title(figure, f"Overload, {vendors} quotas: tokens started in each ten seconds", _BELOW)
    frame(figure, top=1.0, bottom=0.5, left=0.075, right=0.985, hspace=0.45, wspace=0.07)
    return figure


def _quota(cell: Mapping[str, Any], edges: Sequence[float]) -> list[float]:
    """What the pool admits in each step, its burst in the first."""
    models = POOLS[WORKLOADS[cell["workload"]](cell["seed"]).pool]
    admitted = [allowed_tokens(models, cell["algorithm"], edge - 1e-6, cell["phase_s"]) for edge in edges[1:]]
    return [after - before for before, after in pairwise([0.0, *admitted])]


def _panel(axis: Axes, policy: str, cell: Mapping[str, Any], edges: Sequence[float], quota: Sequence[float]) -> None:
    served = served_per(cell, STEP_S)[: len(quota)]
    bucket = cell["algorithm"] == "token_bucket"
    # A bucket's first step holds a whole minute's quota more than the others: it is cut, and its height written down.
    top = quota[-1] * 1.6 if bucket else max(quota) * 1.1
    axis.bar(edges[:-1], [tokens / 1000 for tokens in served], STEP_S, align="edge", color=colour(policy), linewidth=0)
    axis.stairs([tokens / 1000 for tokens in quota], edges, color="black", linewidth=0.9)
    axis.set_ylim(0, top / 1000)
    axis.set_xlim(0, edges[-1])
    if bucket:
        axis.text(STEP_S * 1.2, top / 1000, f"◂ {served[0] / 1000:.0f} of {quota[0] / 1000:.0f}", size=7.5, va="top")
    axis.set_title(f"{POLICIES[policy].label}  {figures(cell).served_share:.1%}", fontsize=8.5, pad=3)
    axis.set_xticks(range(0, int(edges[-1]) + 1, 60))
    axis.grid(visible=False, axis="x")
