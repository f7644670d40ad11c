"""MiniStack, the AWS emulator, as one background process with its own environment, port and scratch folder."""

from __future__ import annotations

import json
import os
import time
import urllib.request
from pathlib import Path

from local.processes import Process, alive, start, stop
from local.scratch import make, remove
from local.state import ROOT, LocalStackError

READY_WITHIN_S = 20


def executable() -> Path:
    """MiniStack's command, in the environment that the Makefile makes for it. Raises LocalStackError when missing."""
    path = Path(os.environ.get("ROTA_EMULATOR") or ROOT / ".emulator" / "bin" / "ministack")
    if not path.exists():
        raise LocalStackError(f"the AWS emulator is not installed ({path} is missing); run `make setup` first")
    return path


def start_emulator(port: int, *, scratch: Path, log: Path, tied: bool = False) -> Process:
    """Start it on 127.0.0.1 with IAM enforced. `scratch` holds everything it writes; see `stop_emulator`.

    Lambdas inherit its environment, so it gets a clean one: no keys, no profile, no home folder.
    """
    temporary = make(scratch)
    command = executable()
    env = {
        "PATH": os.pathsep.join([str(command.parent), os.defpath]),
        "HOME": str(scratch),
        "TMPDIR": str(temporary),
        "STATE_DIR": str(scratch / "state"),
        "S3_DATA_DIR": str(scratch / "s3"),
        "LANG": "C.UTF-8",
        "AUTH": "true",
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "MINISTACK_HOST": "127.0.0.1",
        "LOG_LEVEL": "WARNING",
        # Idle copies of a function stay over a quota's window, then go: a laptop has better use for their memory.
        "LAMBDA_WARM_TTL_SECONDS": "150",
        # Listeners on fixed ports, which a second emulator on this machine could not have.
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    return start([str(command)], env=env, log=log, tied=tied)


def wait_until_ready(process: Process, port: int, log: Path) -> None:
    """Return once it answers. Raises LocalStackError when it ends first or does not answer in 20 seconds."""
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline:
        if not alive(process):
            raise LocalStackError(f"the AWS emulator ended while starting; its last words are in {log}")
        if answers(port):
            return
        time.sleep(0.03)
    raise LocalStackError(f"the AWS emulator did not answer on port {port} within {READY_WITHIN_S} s; see {log}")


def answers(port: int) -> bool:
    """Whether an emulator that enforces IAM answers on this port."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://127.0.0.1:{port}/_ministack/health", timeout=10) as reply:
            return bool(json.load(reply).get("auth") == "enabled")
    except (OSError, ValueError):
        return False


def stop_emulator(process: Process, scratch: Path) -> bool:
    """End it with its Lambdas and remove what they left on disk. False if it had already ended."""
    was_running = stop(process)
    remove(scratch)
    return was_running
