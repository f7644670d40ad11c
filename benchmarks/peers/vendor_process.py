"""The simulated vendors of a cell as a process: those of `local.simulated`, with answers as long as prompts state.

python -m benchmarks.peers.vendor_process POOL.json PORT PORT_FILE SEED

Wires, quotas, latencies and counters are those of `local.simulated`. Only its models are replaced, so that what a call
uses does not depend on how much it was allowed, and so that the machine's time goes to the policies.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from benchmarks.peers.prompts import stated_output
from local.simulated.models import ModelConfig, load_models
from local.simulated.server import SimulatedServer
from local.simulated.vendor import Asked, VendorModel, Vendors
from rota.providers.simulated import SimulatedReply


class StatedLength(VendorModel):
    """Writes as many tokens as its prompt states, cut off at what it may write."""

    def answer(self, asked: Asked) -> SimulatedReply:
        """See `VendorModel.answer`."""
        wanted, most = stated_output(asked.prompt), self.output_limit(asked)
        tokens = min(wanted, most)
        return SimulatedReply("word" * tokens, self.input_tokens(asked), tokens, "end" if wanted <= most else "length")


class StatedLengthVendors(Vendors):
    """Vendors of such models."""

    def __init__(self, configs: Mapping[str, ModelConfig], seed: int) -> None:
        super().__init__(configs, lambda *_: [], time.monotonic, seed=seed)
        self._models = {name: StatedLength(config, lambda *_: [], seed) for name, config in configs.items()}


async def _serve(pool: Path, port: int, port_file: Path, seed: int) -> None:
    server, ended = SimulatedServer(StatedLengthVendors(load_models(pool), seed)), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    port_file.write_text(str(await server.http.start(port)))
    await ended.wait()
    await server.http.stop()


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])))
