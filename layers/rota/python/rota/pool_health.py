"""One look at the health of every model: who is failing or slow leaves its pools, and who came back is noted.

    begin ─────── a look every minute ───────► `window_minutes` later a new window begins
    failing or slow       the model's breaker opens in the ledger, for everybody; a new window begins
    breaker closed since  the settlement of a probe did that; a new window begins

A model stays, whatever it does, while nobody could take its place in one of its pools.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from rota.accounts import Account
from rota.breaker import OPEN_MS, out_until_s
from rota.catalog import Catalog
from rota.health import Snapshot, Verdict, judge
from rota.ledger import Ledger
from rota.ledger_writes import leaving, returning, watching
from rota.policy import Use
from rota.routing.chain import pool_of, pools_after


@dataclass(frozen=True, slots=True)
class Move:
    """A model that left its pools, or came back, and what its calls of the window, or its probes, were like."""

    model: str
    event: Literal["model_left_pool", "model_came_back"]
    verdict: Verdict
    why: str


@dataclass(frozen=True, slots=True)
class _Seen:
    """A model's calls from where its window begins until now."""

    account: Account
    begin: Snapshot
    now: Snapshot
    verdict: Verdict


def look(catalog: Catalog, ledger: Ledger) -> list[Move]:
    """Judge all models once, the worst first; what changed. Reads every item, and writes to each at most once."""
    now_s = ledger.clock.now_ms() // 1000
    accounts = ledger.read(model.id for model in catalog.models)
    here = {name for name, account in accounts.items() if _is_here(account, now_s)}
    moves: list[Move] = []
    for seen in sorted(_judged(ledger, accounts.values(), now_s), key=_badness, reverse=True):
        model, verdict = seen.account.model, seen.verdict
        if seen.account.out_until_s is not None:
            moves += _came_back(ledger, seen)
        elif verdict.is_unfit and _may_leave(model, here, catalog):
            here.discard(model)
            moves += _left(ledger, seen)
        elif verdict.window_s >= 60 * ledger.health.window_minutes:
            ledger.table.write(model, watching(seen.begin, seen.now))
    return moves


def _judged(ledger: Ledger, accounts: Iterable[Account], now_s: int) -> Iterator[_Seen]:
    """The models that are in their pools, or back in them; who is seen for the first time is judged from now on."""
    for account in accounts:
        begin, now = account.window, account.snapshot(now_s)
        if account.version and begin is None:
            ledger.table.write(account.model, watching(None, now))
        elif begin is not None and not account.is_out:
            yield _Seen(account, begin, now, judge(begin, now, ledger.health))


def _badness(seen: _Seen) -> tuple[float, int]:
    return seen.verdict.error_rate, seen.verdict.mean_latency_ms or 0


def _left(ledger: Ledger, seen: _Seen) -> list[Move]:
    account, now_s, why = seen.account, seen.now.at_s, seen.verdict.sentence
    blocked_until_s = max(account.blocked_until_s, now_s + OPEN_MS // 1000)
    update = leaving(seen.begin, seen.now, out_until_s(ledger.health, now_s), blocked_until_s, why)
    written = ledger.table.write(account.model, update)
    return [Move(account.model, "model_left_pool", seen.verdict, why)] if written else []


def _came_back(ledger: Ledger, seen: _Seen) -> list[Move]:
    written = ledger.table.write(seen.account.model, returning(seen.begin, seen.now))
    return [Move(seen.account.model, "model_came_back", seen.verdict, seen.account.left_for)] if written else []


def _is_here(account: Account, now_s: int) -> bool:
    """Whether calls can go to the model now."""
    return not (account.standing.disabled or account.is_probed or account.blocked_until_s > now_s)


def _may_leave(model: str, here: Collection[str], catalog: Catalog) -> bool:
    """Whether somebody else is here in every pool and tier that has the model, or where calls go on from there."""
    uses = [*(Use(pool=name) for name in catalog.pools), *(Use(tier=tier) for tier in catalog.tiers)]
    places = [[pool_of(use, catalog), *pools_after(use, "", catalog)] for use in uses]
    return all(
        any(other in here for pool in place for other in pool.models if other != model)
        for place in places
        if model in place[0].models
    )
