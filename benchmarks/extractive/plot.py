"""The bars: what each way of picking scores on the held-out half, with its interval."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from benchmarks.extractive.intervals import interval
from benchmarks.extractive.measure import Row
from benchmarks.extractive.table import METRICS, SYSTEMS
from benchmarks.peers.plot_style import WIDTH_INCHES, colour, frame, title

_GREY, _PALE = "#8A8A8A", "#D0D0D0"


def bars(rows: Sequence[Row]) -> Figure:
    """A panel per metric, a bar per system."""
    systems = [name for name in SYSTEMS if any(row.system == name for row in rows)][::-1]
    figure, axes = plt.subplots(1, len(METRICS), figsize=(WIDTH_INCHES, 0.3 * len(systems) + 1.4), sharey=True)
    for axis, metric in zip(axes, METRICS, strict=True):
        found = [interval([100 * row.scores[metric] for row in rows if row.system == name]) for name in systems]
        colours = [colour("rota") if name == "Rota" else _PALE if name == "oracle" else _GREY for name in systems]
        axis.barh(range(len(systems)), [each.mean for each in found], height=0.62, color=colours)
        around = [[each.mean - each.low for each in found], [each.high - each.mean for each in found]]
        axis.errorbar(
            [each.mean for each in found], range(len(systems)), xerr=around, fmt="none", ecolor="#333333", lw=1
        )
        axis.set_title(f"ROUGE-{metric[2:]}, F1 (%)")
        axis.grid(axis="y", visible=False)
    axes[0].set_yticks(range(len(systems)), systems)
    tasks = len({row.task.name for row in rows})
    below = f"{tasks} held-out texts and sets of texts; as many words for all but lead-3. Lines are 95 % intervals."
    title(figure, "Extractive mode beside other ways of picking sentences", below)
    frame(figure, top=1.0, bottom=0.3, left=0.1, right=0.98, wspace=0.08)
    return figure
