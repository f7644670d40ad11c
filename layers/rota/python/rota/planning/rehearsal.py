"""A job's calls run ahead of time, stage by stage, on the pool as it stands.

The order of candidates is routing's own, so every strategy of a pool, rule and option is in it; who waits how long is
admission's. What vendors may do otherwise (refusals, time-outs, outputs that are not good enough) is not in it: none of
that is to be expected.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from rota.accounts import Account
from rota.catalog import Catalog
from rota.planning.cast import Cast, Terms
from rota.planning.quota import quotas_of
from rota.planning.stage_run import Overheads, StageRun
from rota.planning.work import Stage, Work


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """One work as it went: its calls by model (fractions where not all were run), begin and end in seconds from now."""

    work: Work
    calls: Mapping[str, float]
    terms: Mapping[str, Terms]
    begin_s: float
    end_s: float

    @property
    def call_s(self) -> float:
        """How long one of its calls takes on average."""
        total = sum(self.calls.values())
        return sum(self.terms[model].took_s * calls for model, calls in self.calls.items()) / total if total else 0.0


class Rehearsal:
    """Runs stages one after the other from `now_ms` on, on accounts as they were read, `at_once` calls at a time."""

    def __init__(
        self, catalog: Catalog, accounts: Mapping[str, Account], now_ms: int, at_once: int, overheads: Overheads
    ) -> None:
        self._catalog, self._accounts, self._at_once, self._overheads = catalog, accounts, at_once, overheads
        self._quotas = {name: quotas_of(account, now_ms) for name, account in accounts.items()}
        self._ended = Counter[str]()
        self._begin_s = self._now_s = now_ms / 1000
        self._skipped_s = 0.0
        """Time that was not run ahead: of calls that go on as before, of children that call nobody."""

    def run(self, stage: Stage) -> list[Rehearsed]:
        """The stage's works, each as it went."""
        begin_s = self._elapsed_s
        casts = [Cast(work, self._catalog, self._accounts, self._ended) for work in stage]
        begin = self._now_s + self._overheads.stage_s
        run = StageRun(casts, self._quotas, self._ended, self._at_once, self._overheads, begin)
        self._now_s = run.play()
        self._skipped_s += run.skipped_s
        end_s = self._elapsed_s
        return [
            Rehearsed(cast.work, cast.shared_out(count), cast.terms, begin_s, end_s)
            for cast, count in zip(casts, run.counts, strict=True)
        ]

    def wait(self, seconds: float) -> None:
        """Let time pass in which nothing is called."""
        self._skipped_s += seconds

    @property
    def _elapsed_s(self) -> float:
        return self._now_s - self._begin_s + self._skipped_s
