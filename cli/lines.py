"""Progress as plain lines, for logs and pipes: one whenever something has changed, at most one a second or so."""

from __future__ import annotations

import time
from typing import Any, Self, TextIO

from cli.progress import headline

AT_MOST_EVERY_S = 1.5


class LineView:
    """Writes a line when the job's status changes, and while it works one every second or two if anything moved."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._status = ""
        self._last = ""
        self._written_s = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        """Lines need no tidying."""

    def show(self, job: dict[str, Any], models: list[dict[str, Any]]) -> None:  # noqa: ARG002 - lines name no models
        """Write a line if there is news."""
        line = headline(job)
        soon = time.monotonic() - self._written_s < AT_MOST_EVERY_S
        if line == self._last or (job["status"] == self._status and soon):
            return
        self._status, self._last, self._written_s = job["status"], line, time.monotonic()
        print(line, file=self._out, flush=True)
