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
    policies = [policy for policy in POLICIES if any(policy in figures for figures in groups.values())]
    columns = min(_COLUMNS, len(groups))
    rows, legend = math.ceil(len(groups) / columns), 0.2 * math.ceil(len(policies) / _COLUMNS) + 0.75
    size = (WIDTH_INCHES, 2.9 * rows + 0.3 + legend)
    figure, axes = plt.subplots(rows, columns, figsize=size, squeeze=False, sharey=True)
    for (group, figures), axis in zip(groups.items(), axes.flat, strict=False):
        _panel(axis, group, figures)
    for axis in list(axes.flat)[len(groups) :]:
        axis.set_visible(False)
    for row in axes:
        row[0].set_ylabel("refusals per call")
    handles = [plt.scatter([], [], s=_size(policy), **marker(policy)) for policy in policies]
    labels = [POLICIES[policy].label for policy in policies]
    figure.legend(handles, labels, loc="lower center", ncols=_COLUMNS, frameon=False, fontsize=8)
    below = (
        "Lower is better; right is better under overload, left elsewhere. A cross did not finish in the time it had."
    )
    title(figure, "What the vendors refused, against what was made of their quotas", below)
    frame(figure, top=1.0, bottom=legend, left=0.08, right=0.975, hspace=0.55, wspace=0.1)
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
    """Policies as rows, figures as columns; for the README."""
    policies = [policy for policy in POLICIES if policy in overload and policy in burst][::-1]
    columns: Sequence[tuple[str, str, Callable[[str], float | None], str]] = (
        ("Refusals", "per call, log scale", lambda policy: overload[policy].refusals, ""),
        ("Quota used", "of what is allowed", lambda policy: overload[policy].served_share * 100, " %"),
        ("95 % wait less", "seconds", lambda policy: overload[policy].wait_p95_s, " s"),
        ("Thread held", "seconds per call", lambda policy: overload[policy].held_s, " s"),
        ("Burst", "makespan ÷ bound", lambda policy: burst[policy].makespan, ""),
    )
    figure, axes = plt.subplots(1, len(columns), figsize=(WIDTH_INCHES, 0.27 * len(policies) + 1.6), sharey=True)
    for axis, (name, unit, value, after) in zip(axes, columns, strict=True):
        _bars(axis, policies, [value(policy) for policy in policies], after, log=name == "Refusals")
        axis.text(0, 1.055, name, transform=axis.transAxes, size=9.5, weight="bold")
        axis.text(0, 1.01, unit, transform=axis.transAxes, size=8, color="#555555")
    axes[0].set_yticks(range(len(policies)), [POLICIES[policy].label for policy in policies])
    for label, policy in zip(axes[0].get_yticklabels(), policies, strict=True):
        label.set_fontweight("bold" if policy == "rota" else "normal")
    title(figure, "Rota beside its peers: same vendors, same calls, 10 processes", _HEADLINE)
    frame(figure, top=1.2, bottom=0.1, left=0.235, right=0.985, wspace=0.1)
    return figure


_HEADLINE = (
    "Three minutes of 1.5 times what five models' quotas admit (token buckets). "
    "Last column: 50 files at once on 100k + 60k (windows)."
)


def _bars(axis: Axes, policies: Sequence[str], values: Sequence[float | None], after: str, *, log: bool) -> None:
    known = [value for value in values if value is not None]
    widths = [max(NONE_AT if log else 0.0, value or 0.0) for value in values]
    axis.barh(range(len(policies)), widths, height=0.62, color=[colour(policy) for policy in policies])
    if log:
        axis.set_xscale("log")
        axis.set_xlim(NONE_AT, max(known) * 60)
    else:
        axis.set_xlim(0, max(known) * 1.5)
    for place, (value, width) in enumerate(zip(values, widths, strict=True)):
        axis.annotate(_written(value, after), (width, place), (3, 0), textcoords="offset points", va="center", size=8)
    axis.tick_params(left=False, bottom=False, labelbottom=False, which="both")
    axis.grid(visible=False)
    axis.spines[["left", "bottom"]].set_visible(False)


def _written(value: float | None, after: str) -> str:
    """With three figures at most."""
    if value is None:
        return "not finished"
    return f"{value:.0f}{after}" if value >= 10 or not value else f"{value:.2f}{after}"
