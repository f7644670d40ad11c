"""The figures as pictures: PNG for reading, SVG for enlarging. One colour per policy everywhere."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from benchmarks.peers.bounds import allowed_tokens
from benchmarks.peers.figures import Figures, served_per, waits_s
from benchmarks.peers.policies import POLICIES
from benchmarks.peers.pools import ALGORITHMS, POOLS
from benchmarks.peers.table import groups
from benchmarks.peers.workloads import WORKLOADS

# Okabe and Ito's palette, which colour-blind people can tell apart; greys for those with a single model.
COLOURS = {
    "rota": "#D55E00",
    "round-robin": "#0072B2",
    "litellm-shuffle": "#009E73",
    "litellm-usage": "#CC79A7",
    "litellm-latency": "#56B4E9",
    "litellm-busy": "#E69F00",
    "litellm-enforced": "#882255",
    "boto3-standard": "#444444",
    "boto3-adaptive": "#777777",
    "groq-sdk": "#AAAAAA",
}
STEP_S = 10.0
_LEAST_REFUSALS = 0.001
_STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#E4E4E4",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "svg.fonttype": "none",
    "svg.hashsalt": "rota",
}


def colour(policy: str) -> str:
    """The policy's colour; with a Redis or without one it is the same policy."""
    return COLOURS[policy.removesuffix("-redis")]


def draw(cells: Sequence[Mapping[str, Any]], folder: Path) -> Iterator[Path]:
    """Write every plot that these cells allow; yields the PNGs."""
    with mpl.rc_context(_STYLE):
        for algorithm in ALGORITHMS:
            chosen = _cells(cells, "overload", algorithm, 10)
            if chosen:
                yield _save(_timeline(chosen), folder, f"overload-{algorithm}")
        if rows := groups(cells):
            yield _save(_overview(rows), folder, "overview")
        for workload in WORKLOADS:
            for algorithm in ALGORITHMS:
                chosen = _cells(cells, workload, algorithm, 10)
                if chosen:
                    yield _save(_waits(chosen), folder, f"waits-{workload}-{algorithm}")


def _cells(
    cells: Sequence[Mapping[str, Any]], workload: str, algorithm: str, processes: int
) -> dict[str, Mapping[str, Any]]:
    """By policy, the first seed of each, in the order of POLICIES."""
    found: dict[str, Mapping[str, Any]] = {}
    for cell in cells:
        if (cell["workload"], cell["algorithm"], cell["processes"]) == (workload, algorithm, processes):
            found.setdefault(cell["policy"], cell)
    return {policy: found[policy] for policy in POLICIES if policy in found}


def _save(figure: Figure, folder: Path, name: str) -> Path:
    path = folder / f"{name}.png"
    figure.savefig(path, dpi=160, facecolor="white")
    figure.savefig(folder / f"{name}.svg", facecolor="white", metadata={"Date": None})
    plt.close(figure)
    return path


def _title(figure: Figure, title: str, subtitle: str) -> None:
    inch = 1 / figure.get_figheight()
    figure.text(0.015, 1 - 0.1 * inch, title, size=13, weight="bold", va="top")
    figure.text(0.015, 1 - 0.36 * inch, subtitle, size=9, color="#555555", va="top")


def _timeline(cells: Mapping[str, Mapping[str, Any]]) -> Figure:
    """Small multiples: tokens started per ten seconds beside what the quotas admit."""
    columns, count = 3, len(cells)
    rows = math.ceil(count / columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(9.6, 1.3 * rows + 1.15), sharex=True, sharey=True, squeeze=False
    )
    some = next(iter(cells.values()))
    models, steps = POOLS[WORKLOADS["overload"](some["seed"]).pool], math.ceil(some["run_s"] / STEP_S)
    edges = [step * STEP_S for step in range(steps + 1)]
    admitted = [allowed_tokens(models, some["algorithm"], edge - 1e-6, some["phase_s"]) for edge in edges]
    quota = [after - before for before, after in zip(admitted, admitted[1:], strict=False)]
    for place, axis in zip(cells, axes.flat, strict=False):
        _panel(axis, place, cells[place], edges, quota)
    for axis in list(axes.flat)[count:]:
        axis.set_visible(False)
    for column in range(columns):
        lowest = max(row for row in range(rows) if row * columns + column < count)
        axes[lowest][column].set_xlabel("seconds")
        axes[lowest][column].tick_params(labelbottom=True)
    for row in axes:
        row[0].set_ylabel("thousand\ntokens")
    axes[0][0].set_ylim(0, max(quota) * 1.12 / 1000)
    axes[0][0].set_xlim(0, some["cut_s"])
    vendors = some["algorithm"].replace("_", " ")
    title = f"Sustained overload, {vendors} quotas: tokens started in each ten seconds"
    _title(
        figure,
        title,
        "Coloured: what was served. Line: what the quotas admit. 364k tokens a minute, 1.5 times as much asked for.",
    )
    figure.subplots_adjust(
        left=0.075,
        right=0.985,
        top=1 - 0.95 / figure.get_figheight(),
        bottom=0.5 / figure.get_figheight(),
        hspace=0.42,
        wspace=0.06,
    )
    return figure


def _panel(axis: Axes, policy: str, cell: Mapping[str, Any], edges: Sequence[float], quota: Sequence[float]) -> None:
    served = served_per(cell, STEP_S)
    axis.bar(
        edges[: len(served)],
        [tokens / 1000 for tokens in served],
        STEP_S,
        align="edge",
        color=colour(policy),
        linewidth=0,
    )
    axis.stairs([tokens / 1000 for tokens in quota], edges, color="black", linewidth=0.9)
    share = sum(model["used_tokens"] for model in cell["vendors"].values()) / cell["tokens_allowed"]
    axis.set_title(f"{POLICIES[policy].label}  {share:.0%}", fontsize=8.5, pad=3)
    axis.set_xticks(range(0, 181, 60))
    axis.grid(visible=False, axis="x")


def _overview(groups_: Mapping[tuple[str, str, int], Mapping[str, Figures]]) -> Figure:
    """Refusals against what was made of the quota, one panel per group of runs in ten processes."""
    panels = {group: rows for group, rows in groups_.items() if group[2] == max(g[2] for g in groups_)}
    columns = min(3, len(panels))
    rows = math.ceil(len(panels) / columns)
    figure, axes = plt.subplots(rows, columns, figsize=(9.6, 3.0 * rows + 1.9), squeeze=False, sharey=True)
    for (group, figures_), axis in zip(panels.items(), axes.flat, strict=False):
        _scatter(axis, group, figures_)
    for axis in list(axes.flat)[len(panels) :]:
        axis.set_visible(False)
    for row in axes:
        row[0].set_ylabel("refusals per call")
    policies = [policy for policy in POLICIES if any(policy in rows_ for rows_ in panels.values())]
    handles = [_handle(policy) for policy in policies]
    figure.legend(
        handles,
        [POLICIES[policy].label for policy in policies],
        loc="lower center",
        ncols=3,
        frameon=False,
        fontsize=8,
        handletextpad=0.3,
    )
    _title(
        figure,
        "Refusals by the vendor against use of the quota",
        "Best is the lower right-hand corner of the overload and the lower left-hand one of the others. A cross did not finish.",
    )
    height = figure.get_figheight()
    figure.subplots_adjust(
        left=0.08, right=0.985, top=1 - 0.95 / height, bottom=1.75 / height, hspace=0.55, wspace=0.08
    )
    return figure


def _handle(policy: str) -> Any:
    redis = POLICIES[policy].redis
    return plt.Line2D(
        [],
        [],
        linestyle="",
        marker=_marker(policy),
        markersize=7,
        markerfacecolor="white" if redis else colour(policy),
        markeredgecolor=colour(policy),
        markeredgewidth=1.4,
    )


def _marker(policy: str) -> str:
    return "*" if policy == "rota" else "s" if POLICIES[policy].single else "o"


def _scatter(axis: Axes, group: tuple[str, str, int], rows: Mapping[str, Figures]) -> None:
    workload, algorithm, _ = group
    overload = workload == "overload"
    for policy, row in rows.items():
        across = row.served_share if overload else row.makespan
        unfinished = across is None
        axis.scatter(
            [axis_end(rows) if across is None else across],
            [max(_LEAST_REFUSALS, row.refusals)],
            s=170 if policy == "rota" else 45,
            marker="x" if unfinished else _marker(policy),
            facecolors=None if unfinished else "white" if POLICIES[policy].redis else colour(policy),
            **({"color": colour(policy)} if unfinished else {"edgecolors": colour(policy)}),
            linewidths=1.4,
            zorder=3 if policy == "rota" else 2,
            clip_on=False,
        )
    axis.set_yscale("log")
    axis.set_ylim(_LEAST_REFUSALS, None)
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: "0" if value <= _LEAST_REFUSALS else f"{value:g}"))
    axis.set_title(f"{workload}, {algorithm.replace('_', ' ')}")
    axis.set_xlabel("served ÷ allowed" if overload else "makespan ÷ bound")


def axis_end(rows: Mapping[str, Figures]) -> float:
    """Where those stand that did not finish: right of all the others."""
    return max((row.makespan for row in rows.values() if row.makespan is not None), default=1.0) * 1.1


def _waits(cells: Mapping[str, Mapping[str, Any]]) -> Figure:
    """The share of calls that has started at the vendor within so many seconds of being asked for."""
    figure, axis = plt.subplots(figsize=(9.6, 4.6))
    some = next(iter(cells.values()))
    for policy, cell in reversed(cells.items()):
        waits = waits_s(cell)
        shares = [(number + 1) / len(waits) for number in range(len(waits))]
        dashed = POLICIES[policy].redis
        axis.step(
            waits,
            shares,
            where="post",
            color=colour(policy),
            linewidth=2.6 if policy == "rota" else 1.3,
            linestyle=(0, (4, 2)) if dashed else "-",
            label=POLICIES[policy].label,
            zorder=3 if policy == "rota" else 2,
        )
    axis.set_xlabel("seconds from asking to the start of the answering attempt")
    axis.set_ylabel("share of calls")
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
    axis.set_ylim(0, 1)
    axis.set_xlim(0, None)
    handles, labels = axis.get_legend_handles_labels()
    figure.legend(handles[::-1], labels[::-1], loc="center right", frameon=False, fontsize=8)
    title = WORKLOADS[some["workload"]](some["seed"]).title
    _title(
        figure,
        f"Waits: {title}",
        f"{some['algorithm'].replace('_', ' ')} quotas, {some['processes']} processes. Higher and further left is better.",
    )
    figure.subplots_adjust(left=0.075, right=0.7, top=0.84, bottom=0.12)
    return figure
