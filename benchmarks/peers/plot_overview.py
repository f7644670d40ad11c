"""Plots of the whole comparison: refusals against what was made of the quotas, and the headline."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from benchmarks.peers.figures import Figures
from benchmarks.peers.plot_style import WIDTH_INCHES, colour, frame, marker, title
from benchmarks.peers.policies import POLICIES
from benchmarks.peers.table import Group

NONE_AT = 0.001
"""Where a logarithmic axis of refusals shows none."""
_COLUMNS = 3


def refusals(groups: Mapping[Group, Mapping[str, Figures]]) -> Figure:
    """A panel per group of runs: refusals per call upwards, use of the quota or makespan to the right."""
    columns = min(_COLUMNS, len(groups))
    rows = math.ceil(len(groups) / columns)
    size = (WIDTH_INCHES, 2.9 * rows + 2.1)
    figure, axes = plt.subplots(rows, columns, figsize=size, squeeze=False, sharey=True)
    for (group, figures), axis in zip(groups.items(), axes.flat, strict=False):
        _panel(axis, group, figures)
    for axis in list(axes.flat)[len(groups) :]:
        axis.set_visible(False)
    for row in axes:
        row[0].set_ylabel("refusals per call")
    policies = [policy for policy in POLICIES if any(policy in figures for figures in groups.values())]
    handles = [plt.scatter([], [], s=_size(policy), **marker(policy)) for policy in policies]
    labels = [POLICIES[policy].label for policy in policies]
    figure.legend(handles, labels, loc="lower center", ncols=3, frameon=False, fontsize=8)
    below = (
        "Lower is better; right is better under overload, left elsewhere. A cross did not finish in the time it had."
    )
    title(figure, "What the vendors refused, against what was made of their quotas", below)
    frame(figure, top=1.0, bottom=1.75, left=0.08, right=0.975, hspace=0.55, wspace=0.1)
    return figure


def _size(policy: str) -> float:
    return 170 if policy == "rota" else 45


def _panel(axis: Axes, group: Group, rows: Mapping[str, Figures]) -> None:
    workload, algorithm, processes = group
    overload = workload == "overload"
    ends = [row.makespan for row in rows.values() if row.makespan is not None]
    beyond = max(ends, default=1.0) * 1.08
    for policy, row in rows.items():
        across = row.served_share if overload else row.makespan
        height = [max(NONE_AT, row.refusals)]
        if across is None:
            axis.scatter([beyond], height, s=45, marker="x", color=colour(policy), linewidths=1.6, zorder=2)
        else:
            top = 3 if policy == "rota" else 2
            axis.scatter([across], height, s=_size(policy), zorder=top, clip_on=False, **marker(policy))
    _log_refusals(axis.yaxis)
    axis.set_yscale("log")
    axis.set_ylim(NONE_AT, None)
    _log_refusals(axis.yaxis)
    many = "" if processes > 1 else ", 1 process"
    axis.set_title(f"{workload}, {algorithm.replace('_', ' ')}{many}")
    axis.set_xlabel("served ÷ allowed" if overload else "makespan ÷ bound")


def _log_refusals(axis: Any) -> None:
    axis.set_major_formatter(FuncFormatter(lambda value, _: "0" if value <= NONE_AT else f"{value:g}"))


def headline(overload: Mapping[str, Figures], burst: Mapping[str, Figures]) -> Figure:
    """Policies as rows, four figures as columns; for the README."""
    policies = [policy for policy in POLICIES if policy in overload and policy in burst][::-1]
    columns: Sequence[tuple[str, str, Callable[[str], float | None], str]] = (
        ("Refusals per call", "overload, log scale", lambda policy: overload[policy].refusals, "{:.2g}"),
        ("Quota used", "overload", lambda policy: overload[policy].served_share, "{:.0%}"),
        ("Makespan ÷ bound", "burst", lambda policy: burst[policy].makespan, "{:.2f}"),
        ("Thread held", "seconds per call, overload", lambda policy: overload[policy].held_s, "{:.0f} s"),
    )
    size = (WIDTH_INCHES, 0.27 * len(policies) + 1.75)
    figure, axes = plt.subplots(1, len(columns), figsize=size, sharey=True)
    for axis, (name, unit, value, text) in zip(axes, columns, strict=True):
        _bars(axis, policies, [value(policy) for policy in policies], text, log=name.startswith("Refusals"))
        axis.set_title(f"{name}\n", fontsize=9.5)
        axis.text(0, 1.02, unit, transform=axis.transAxes, size=8, color="#555555")
    axes[0].set_yticks(range(len(policies)), [POLICIES[policy].label for policy in policies])
    for label, policy in zip(axes[0].get_yticklabels(), policies, strict=True):
        label.set_fontweight("bold" if policy == "rota" else "normal")
    title(figure, "Rota beside its peers: same vendors, same calls, same minutes, 10 processes", _HEADLINE)
    frame(figure, top=1.35, bottom=0.12, left=0.245, right=0.985, wspace=0.12)
    return figure


_HEADLINE = (
    "Overload: 1.5 times what five models' quotas admit, for three minutes (token buckets). "
    "Burst: 50 files on 100k + 60k tokens a minute (windows)."
)


def _bars(axis: Axes, policies: Sequence[str], values: Sequence[float | None], text: str, *, log: bool) -> None:
    known = [value for value in values if value is not None]
    least = NONE_AT if log else 0.0
    widths = [max(least, value or 0.0) for value in values]
    axis.barh(range(len(policies)), widths, height=0.62, color=[colour(policy) for policy in policies])
    if log:
        axis.set_xscale("log")
        axis.set_xlim(NONE_AT, max(known) * 30)
    else:
        axis.set_xlim(0, max(known) * 1.35)
    for place, (value, width) in enumerate(zip(values, widths, strict=True)):
        written = "not finished" if value is None else text.format(value) if value else "0"
        axis.annotate(written, (width, place), xytext=(3, 0), textcoords="offset points", va="center", size=8)
    axis.tick_params(left=False, bottom=False, labelbottom=False, which="both")
    axis.grid(visible=False)
    axis.spines[["left", "bottom"]].set_visible(False)
