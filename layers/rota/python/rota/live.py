"""What models' calls have taught lately, for strategies that ask for it: read now and then, not for every call."""

from __future__ import annotations

from rota.catalog import Catalog
from rota.learned import Learned
from rota.ledger import Ledger
from rota.policy import Strategy
from rota.routing.strategies import Live

FRESH_MS = 10_000
"""How long what was read is believed: latencies are means over hundreds of calls."""


class LiveFacts:
    """One process's view of the pool's latencies."""

    def __init__(self, catalog: Catalog, ledger: Ledger) -> None:
        self._ledger, self._read_ms = ledger, -FRESH_MS
        self._models = sorted(_asked_for(catalog))
        self._facts: dict[str, Learned] = {}

    def facts(self) -> Live:
        """By model, those of pools and tiers whose strategy is `fastest`; costs nothing where there are none."""
        now_ms = self._ledger.clock.now_ms()
        if self._models and now_ms - self._read_ms > FRESH_MS:
            self._facts = {name: account.learned for name, account in self._ledger.read(self._models).items()}
            self._read_ms = now_ms
        return self._facts


def _asked_for(catalog: Catalog) -> set[str]:
    pools = [*catalog.pools.values(), *(catalog.tier(tier) for tier in catalog.tiers)]
    return {name for pool in pools if pool.strategy is Strategy.FASTEST for name in pool.models}
