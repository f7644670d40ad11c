"""What `rota up` leaves for later commands: `.rota/stack.json`, one per checkout, readable by its owner only."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from local.processes import Process

ROOT = Path(__file__).resolve().parents[1]


class LocalStackError(Exception):
    """The local stack cannot do what was asked; the message is a sentence for a person."""


def home() -> Path:
    """Where the state, logs and scratch files of this checkout's stack are."""
    return ROOT / ".rota"


@dataclass(slots=True)
class State:
    """The running stack. `providers` says "real" or "simulated" of each, `deployed` identifies what was deployed."""

    processes: dict[str, Process] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)
    providers: dict[str, str] = field(default_factory=dict)
    simulated_config: str = ""
    deployed: str = ""
    outputs: dict[str, str] = field(default_factory=dict)
    key: str = ""

    @property
    def endpoint(self) -> str:
        """Where the emulated AWS answers."""
        return f"http://127.0.0.1:{self.ports['emulator']}"

    @property
    def api_url(self) -> str:
        """Rota's API: the emulator serves it by path, where AWS has a host name."""
        return f"{self.endpoint}/_aws/execute-api/{self.outputs['ApiId']}"


def load(folder: Path) -> State:
    """The recorded state; an empty one when nothing (or nothing readable) was recorded."""
    try:
        record = json.loads((folder / "stack.json").read_text())
        record["processes"] = {name: Process(**value) for name, value in record["processes"].items()}
        return State(**record)
    except (OSError, ValueError, TypeError, KeyError):
        return State()


def save(folder: Path, state: State) -> None:
    """Record the state in one step: a reader sees the old one or the new one."""
    draft = folder / "stack.json.new"
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(asdict(state), file, indent=2)
    draft.replace(folder / "stack.json")


def forget(folder: Path) -> None:
    """Remove the record."""
    (folder / "stack.json").unlink(missing_ok=True)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder for one command: a second `up` waits for the first and then finds its work done."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
