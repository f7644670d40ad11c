"""Serve the simulated vendors on 127.0.0.1 until told to end.

python -m local.simulated --config rota.yaml --port 0 --port-file .rota/simulated.port
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from local.simulated.models import load_models
from local.simulated.server import SimulatedServer
from local.simulated.vendor import Vendors
from rota.documents.extraction.extract import quote_texts

PARENT_CHECK_S = 1.0


def main(argv: Sequence[str] | None = None) -> None:
    """Run the server; ends on TERM or INT, and with its parent when asked to."""
    parser = argparse.ArgumentParser(prog="python -m local.simulated", description="Simulated model vendors.")
    parser.add_argument("--config", type=Path, default=Path("rota.yaml"), help="the pool file (default: rota.yaml)")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one (default)")
    parser.add_argument("--port-file", type=Path, help="written when the server listens")
    parser.add_argument("--time-scale", type=float, default=1.0, help="how many times as fast vendors' clocks run")
    parser.add_argument("--seed", type=int, default=0, help="of latencies and of faults with a probability")
    parser.add_argument("--exit-with-parent", action="store_true", help="end when the starting process does")
    options = parser.parse_args(argv)
    vendors = Vendors(load_models(options.config), quote_texts, time.monotonic, options.time_scale, options.seed)
    asyncio.run(_serve(SimulatedServer(vendors), options.port, options.port_file, options.exit_with_parent))


async def _serve(server: SimulatedServer, port: int, port_file: Path | None, exit_with_parent: bool) -> None:
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    bound = await server.http.start(port)
    if port_file is not None:
        _write_whole(port_file, f"{bound}\n")
    print(f"simulated providers on http://127.0.0.1:{bound}", flush=True)
    watch = asyncio.create_task(_end_with_parent(ended)) if exit_with_parent else None
    await ended.wait()
    if watch is not None:
        watch.cancel()
    await server.http.stop()


async def _end_with_parent(ended: asyncio.Event) -> None:
    parent = os.getppid()
    while os.getppid() == parent:
        await asyncio.sleep(PARENT_CHECK_S)
    ended.set()


def _write_whole(path: Path, text: str) -> None:
    """Readers see the file with its content or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    unfinished.write_text(text)
    unfinished.replace(path)


if __name__ == "__main__":
    main()
