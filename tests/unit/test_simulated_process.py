"""`python -m local.simulated` as a process: it says where it listens, and ends when told to or when its parent does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import urllib3

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'layers/rota/python'}"}
PATIENCE_S = 20.0


def wait_for(condition: Callable[[], bool]) -> None:
    """Look again and again until it holds."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline_s:
            pytest.fail("nothing happened in time")
        time.sleep(0.02)


def command(port_file: Path, *more: str) -> list[str]:
    """The server's command line."""
    config = str(ROOT / "rota.yaml")
    return [sys.executable, "-m", "local.simulated", "--config", config, "--port-file", str(port_file), *more]


def answers(port_file: Path) -> bool:
    """Whether a server listens where the file says."""
    try:
        response = urllib3.request(
            "GET", f"http://127.0.0.1:{port_file.read_text().strip()}/_simulated/health", retries=False, timeout=2
        )
    except urllib3.exceptions.HTTPError:
        return False
    return response.status == 200


def test_it_writes_its_port_and_ends_on_term(tmp_path: Path) -> None:
    """The port file is there only once the server answers; TERM is a clean end."""
    port_file = tmp_path / "below" / "port"
    process = subprocess.Popen(command(port_file), env=ENVIRONMENT, stdout=subprocess.PIPE, text=True)
    try:
        wait_for(port_file.exists)
        assert answers(port_file)
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
    assert process.returncode == 0
    assert output == f"simulated providers on http://127.0.0.1:{port_file.read_text().strip()}\n"


def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    """A killed test session leaves no server behind."""
    port_file = tmp_path / "port"
    started = command(port_file, "--exit-with-parent")
    code = f"import subprocess, sys; subprocess.Popen({started!r}); sys.stdin.read()"
    parent = subprocess.Popen([sys.executable, "-c", code], env=ENVIRONMENT, stdin=subprocess.PIPE)
    wait_for(port_file.exists)
    assert answers(port_file)
    parent.kill()
    parent.communicate()
    wait_for(lambda: not answers(port_file))
