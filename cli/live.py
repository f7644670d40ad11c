"""Progress on a terminal: the job on top, one meter per model against its quota, and what was found so far."""

from __future__ import annotations

import time
from typing import Any, Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from cli.figures import duration
from cli.progress import finding, headline, meters, share_done

BAR_WIDTH = 28
TIGHT = 0.9
"""From this share of a quota on, a meter changes colour."""


class LiveView:
    """Redraws in place; when it ends, what was drawn last stays on the screen."""

    def __init__(self, console: Console | None = None) -> None:
        self._live = Live(console=console or Console(stderr=True), refresh_per_second=8)
        self._started_s = time.monotonic()

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._live.stop()

    def show(self, job: dict[str, Any], models: list[dict[str, Any]]) -> None:
        """Draw the job and the pool."""
        self._live.update(picture(job, models, time.monotonic() - self._started_s), refresh=True)


def picture(job: dict[str, Any], models: list[dict[str, Any]], elapsed_s: float) -> Group:
    """The whole view as something that rich can print."""
    overall = Table.grid(padding=(0, 1))
    bar = ProgressBar(total=1.0, completed=share_done(job), width=BAR_WIDTH, complete_style="cyan")
    overall.add_row(bar, Text(f"{duration(elapsed_s)} · {headline(job)}"))
    pool = Table.grid(padding=(0, 1))
    for meter in meters(job, models, time.time() * 1000):
        style = "yellow" if meter.share >= TIGHT else "green"
        gauge = ProgressBar(
            total=1.0, completed=meter.share, width=BAR_WIDTH, complete_style=style, finished_style=style
        )
        pool.add_row(gauge, Text(meter.model, style="bold"), Text(meter.quota), Text(meter.note, style="dim"))
    found = [Text(f"  {finding(one)}", style="italic") for one in job.get("findings") or []]
    return Group(Text(job["query"], style="bold"), overall, pool, *found)
