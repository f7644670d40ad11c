"""The simulated vendors of one run: a server process of its own with fresh quotas, asked over HTTP what it saw."""

from __future__ import annotations

import json
import os
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.peers.workloads import Outage
from local.processes import alive, start, stop
from local.state import ROOT

READY_WITHIN_S = 30.0


class VendorServer:
    """A `vendor_process` on 127.0.0.1."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def stats(self) -> dict[str, Any]:
        """The vendors' own counters; see `local.simulated.tally`."""
        return dict(self._ask("GET", "stats"))

    def begin(self, outage: Outage) -> None:
        """From now on the model answers 503."""
        self._ask("POST", "faults", {"kind": "outage", "model": outage.model})

    def end(self, outage: Outage) -> None:
        """The model is back."""
        self._ask("DELETE", f"faults?model={outage.model}")

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_simulated/{path}", data=data, method=method)  # noqa: S310 - http
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=30) as reply:
            return json.load(reply)


@contextmanager
def vendor_server(pool: Mapping[str, Any], port: int, seed: int, folder: Path) -> Iterator[VendorServer]:
    """Serve the models of that pool file on `port` for as long as this lasts."""
    config, port_file, log = folder / "pool.json", folder / "port", folder / "vendors.log"
    config.write_text(json.dumps(pool))
    command = [
        sys.executable,
        "-m",
        "benchmarks.peers.vendor_process",
        str(config),
        str(port),
        str(port_file),
        str(seed),
    ]
    process = start(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, log=log, tied=True)
    try:
        deadline = time.monotonic() + READY_WITHIN_S
        while not port_file.exists():
            if not alive(process) or time.monotonic() > deadline:
                raise RuntimeError(f"the simulated vendors did not start: {log.read_text()[-2000:]}")
            time.sleep(0.02)
        yield VendorServer(port)
    finally:
        stop(process)
