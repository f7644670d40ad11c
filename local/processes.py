"""Background processes that outlive the command that starts them, and are recognised by more than their number."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

# Ends the whole process group when the parent's end of the pipe closes, however the parent ended (even by SIGKILL).
_TIED = 'trap "" HUP; "$@" & cat > /dev/null; kill -TERM 0'


@dataclass(frozen=True, slots=True)
class Process:
    """A process by its number and the moment it was born: numbers are used again, the pair is not."""

    pid: int
    born: str


def start(command: Sequence[str], *, env: Mapping[str, str], log: Path, tied: bool = False) -> Process:
    """Start `command` as the leader of its own session, its output in `log`.

    It survives this command, unless it is `tied`: then it ends when this process does.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    if tied:
        command = ["sh", "-c", _TIED, "tied", *command]
    with log.open("wb") as output:
        child = subprocess.Popen(
            command,
            env=env,
            stdin=subprocess.PIPE if tied else subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    _children[child.pid] = child
    return Process(child.pid, _born(child.pid))


def alive(process: Process) -> bool:
    """Whether exactly this process still runs; a stranger that was given its number does not count."""
    child = _children.get(process.pid)
    if child is not None and child.poll() is not None:
        _reap(process.pid)  # an unreaped child looks alive
    return bool(process.born) and _born(process.pid) == process.born


def stop(process: Process, grace_s: float = 5.0) -> bool:
    """End the process and its group: politely, then not. False if it was gone already. Never signals a stranger."""
    if not alive(process):
        return False
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    deadline = time.monotonic() + grace_s
    while alive(process) and time.monotonic() < deadline:
        time.sleep(0.02)
    # Also what the leader left behind: the group's number cannot belong to anybody else while a member lives.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    _reap(process.pid)
    return True


def free_port() -> int:
    """A TCP port that nobody on this machine listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


_children: dict[int, subprocess.Popen[bytes]] = {}
"""What this very process started: kept so that a tied child's pipe stays open and its end is noticed."""


def _reap(pid: int) -> None:
    child = _children.pop(pid, None)
    if child is None:
        return
    child.wait()
    if child.stdin:
        child.stdin.close()


def _born(pid: int) -> str:
    """When the process started, in the system's own words; empty when there is no such process (or only its corpse)."""
    stat = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            return ""
        return "" if fields[0] == "Z" else fields[19]  # field 22 of proc(5): start time in clock ticks since boot
    command = ["/bin/ps", "-o", "stat=,lstart=", "-p", str(pid)]
    listing = subprocess.run(command, capture_output=True, text=True, check=False)
    state, _, started = listing.stdout.strip().partition(" ")
    return "" if state.startswith("Z") else started.strip()
