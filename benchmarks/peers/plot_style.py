"""How every plot looks: one colour per policy everywhere, a title, a line that says how to read it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")  # before pyplot looks for a screen

from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from benchmarks.peers.policies import POLICIES

WIDTH_INCHES = 9.6
# Okabe and Ito's palette, which colour-blind people can tell apart; greys for those with a single model.
_COLOURS = {
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
    "svg.hashsalt": "rota",
}


@contextmanager
def styled() -> Iterator[None]:
    """Plots made meanwhile look alike."""
    with mpl.rc_context(_STYLE):  # type: ignore[arg-type,unused-ignore]  # its keys are literals where it is installed
        yield


def colour(policy: str) -> str:
    """The policy's colour; with a Redis or without one it is the same policy."""
    return _COLOURS[policy.removesuffix("-redis")]


def marker(policy: str) -> dict[str, Any]:
    """How a policy's point looks: Rota a star, one model a square, a shared Redis an empty circle."""
    shape = "*" if policy == "rota" else "s" if POLICIES[policy].single else "o"
    face = "white" if POLICIES[policy].redis else colour(policy)
    return {"marker": shape, "facecolors": face, "edgecolors": colour(policy), "linewidths": 1.4}


def title(figure: Figure, text: str, below: str) -> None:
    """Title and reading line in the upper left-hand corner; they take 0.75 inches."""
    inch = 1 / figure.get_figheight()
    figure.text(0.015, 1 - 0.12 * inch, text, size=13, weight="bold", va="top")
    figure.text(0.015, 1 - 0.4 * inch, below, size=9, color="#555555", va="top")


def frame(figure: Figure, top: float, bottom: float, **sides: float) -> None:
    """Margins: `top` and `bottom` in inches, the others as shares."""
    height = figure.get_figheight()
    figure.subplots_adjust(top=1 - top / height, bottom=bottom / height, **sides)


def save(figure: Figure, folder: Path, name: str) -> Path:
    """Write it as PNG, for reading, and as SVG, for enlarging; the PNG's path."""
    path = folder / f"{name}.png"
    figure.savefig(path, dpi=160, facecolor="white")
    figure.savefig(folder / f"{name}.svg", facecolor="white", metadata={"Date": None})
    plt.close(figure)
    return path
