"""Background processes: recognised, ended with their children, and tied to their parent when asked."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from local.processes import Process, alive, free_port, start, stop

ENV = {"PATH": os.environ["PATH"]}


def eventually(condition: Callable[[], bool]) -> bool:
    """Whether the condition holds within five seconds."""
    deadline = time.monotonic() + 5
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


def runs(pid: int) -> bool:
    """Whether a process with this number exists and is not merely waiting to be buried."""
    command = ["/bin/ps", "-o", "stat=", "-p", str(pid)]
    state = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    return bool(state) and not state.startswith("Z")


def test_a_process_is_alive_until_stopped(tmp_path: Path) -> None:
    """Stopping twice is harmless."""
    process = start(["sleep", "60"], env=ENV, log=tmp_path / "log")
    assert alive(process)
    assert stop(process) is True
    assert not alive(process)
    assert stop(process) is False


def test_a_number_used_again_is_a_stranger() -> None:
    """Same number, another birth: not ours, not alive, never signalled."""
    stranger = Process(os.getpid(), "long ago")
    assert not alive(stranger)
    assert stop(stranger) is False


def test_children_end_with_their_leader(tmp_path: Path) -> None:
    """Also those that ignore a polite request."""
    script = f"trap '' TERM; sh -c 'trap \"\" TERM; echo $$ > {tmp_path}/child; exec sleep 60' & wait; wait"
    process = start(["sh", "-c", script], env=ENV, log=tmp_path / "log")
    assert eventually(lambda: (tmp_path / "child").exists() and (tmp_path / "child").read_text().strip() != "")
    child = int((tmp_path / "child").read_text())
    assert stop(process, grace_s=0.2) is True
    assert eventually(lambda: not runs(child))


def test_a_tied_process_ends_with_its_parent_however_that_ends(tmp_path: Path) -> None:
    """The parent here dies without any chance to tidy up."""
    script = f"""
import os, sys
from pathlib import Path
from local.processes import start
process = start(["sh", "-c", "echo $$ > {tmp_path}/pid; exec sleep 60"], env=dict(os.environ),
                log=Path("{tmp_path}/log"), tied=True)
while not Path("{tmp_path}/pid").exists() or not Path("{tmp_path}/pid").read_text().strip(): pass
os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, "-c", script], check=False)
    pid = int((tmp_path / "pid").read_text())
    assert eventually(lambda: not runs(pid))


def test_output_goes_to_the_log_and_ports_are_free(tmp_path: Path) -> None:
    """Two ports asked for one after the other can both be used."""
    process = start(["sh", "-c", "echo out; echo err >&2"], env=ENV, log=tmp_path / "logs" / "x.log")
    assert eventually(lambda: not alive(process))
    assert (tmp_path / "logs" / "x.log").read_text() == "out\nerr\n"
    assert 1024 < free_port() < 65536
