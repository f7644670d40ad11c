"""What a run has found out so far, on disk: an interrupted run goes on from it."""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Journal:
    """Figures of finished cells, one JSON line each, and what they were made with beside them.

    A line that was not written to its end does not count.
    """

    folder: Path

    @property
    def path(self) -> Path:
        """Of the cells."""
        return self.folder / "cells.jsonl"

    @property
    def running(self) -> Path:
        """Where cells keep their files while they run."""
        return self.folder / "running"

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else runs here meanwhile, and nothing is left of who was interrupted. Raises SystemExit."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise SystemExit(f"another run is at work in {self.folder}") from error
            shutil.rmtree(self.running, ignore_errors=True)
            self.running.mkdir()
            yield

    def cells(self) -> list[dict[str, Any]]:
        """Those that are finished."""
        if not self.path.exists():
            return []
        return [json.loads(line) for line in self.path.read_text().splitlines(keepends=True) if line.endswith("}\n")]

    def append(self, cell: dict[str, Any]) -> None:
        """Add a finished one."""
        with self.path.open("a") as file:
            file.write(json.dumps(cell) + "\n")

    def about(self) -> dict[str, Any]:
        """What was written by `describe`."""
        return dict(json.loads((self.folder / "about.json").read_text()))

    def made_with(self) -> Any:
        """The versions that `describe` wrote down."""
        return self.about()["versions"]

    def describe(self, facts: dict[str, Any]) -> None:
        """Write what the cells were made with."""
        (self.folder / "about.json").write_text(json.dumps(facts, indent=2) + "\n")

    def forget(self) -> None:
        """Begin anew."""
        self.path.unlink(missing_ok=True)
