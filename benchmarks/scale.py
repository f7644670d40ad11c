"""A million documents on fifty models: how long, what refuses, and which wall stands in the way, by simulation.

Run: python -m benchmarks.scale [--documents 1000000] [--plot FILE.svg]        (a minute on two cores)

Booking is Rota's arithmetic in a form that a million calls can afford; a smaller job is run by `rota.limits` itself
as well, and every start compared. What the vendors see is checked by their own definition. docs/scale.md explains
the walls; the numbers that stand for them are fields of `Walls`.
"""

from __future__ import annotations

import argparse
import os
import resource
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.util import find_spec
from itertools import compress
from multiprocessing import get_context
from typing import Any

from benchmarks.scale_check import refusals
from benchmarks.scale_limits import SPAN, Limit, Reference
from benchmarks.scale_simulation import BEGIN, Load, Outcome, Quota, Simulation, Walls
from rota.limits import limiter

TPM = (60_000, 100_000, 250_000, 500_000, 1_000_000, 2_000_000, 3_000_000)
"""From a new account's quota to a large one. They divide a minute's microseconds evenly, as do the request limits:
Rota rounds a bucket's time up to whole ones, so that others may start a call a second later than exact arithmetic."""
MODELS = 50
TOKENS_A_REQUEST = 3125
"""What a model with a request limit allows for each: just below the mean call, so that requests bind."""
SHARD_MINUTES = 5
SHARDS = (1, 2, 4, 8, 16)
LOAD = 0.93
"""Of the quota, evenly over time: what a window can just take in the long run, since its span is 62 s."""


def pool(models: int = MODELS) -> list[Quota]:
    """Models of mixed quotas; half of them are windows, half of each have a request limit beside the tokens."""
    found = []
    for number in range(models):
        tpm = TPM[number % len(TPM)]
        rpm = max(20, tpm // TOKENS_A_REQUEST) if number % 4 >= 2 else 0
        found.append(Quota(f"m{number:02d}", tpm, rpm, ("window", "bucket")[number % 2]))
    return found


@dataclass(frozen=True)
class Case:
    """One job: the pool's quotas times `factor`, and the walls around it."""

    name: str
    documents: int
    walls: Walls
    factor: int = 1
    models: int = MODELS

    def quotas(self) -> list[Quota]:
        """Of every model."""
        return [quota.scaled(self.factor) for quota in pool(self.models)]


DEPLOYED = Walls(dispatch=300, at_once=100, ledger_units=2, job_units=10)
"""`infra.stages` (100 children); a job's item of 4 to 5 KB with the counters of fifty models, written twice a call."""
COUNTED_APART = replace(DEPLOYED, job_units=1, job_shards=4)
"""One write a call, to one of four items that hold counters and nothing else."""
LIFTED = replace(COUNTED_APART, dispatch=10_000, at_once=10_000, job_shards=32)
"""As many children as one distributed Map may have; dispatch and Lambda concurrency by grace of AWS."""


def cases(documents: int) -> list[Case]:
    """The long job first; then as deployed, each wall taken down when it is met, and more quota."""
    tenth, fifth, half = documents // 10, documents // 5, documents // 2
    two_maps = replace(LIFTED, at_once=15_000)
    return [
        Case("… and 3,000 children", documents, replace(COUNTED_APART, at_once=3000)),
        Case("as deployed", tenth, DEPLOYED),
        Case("1,000 children", tenth, replace(DEPLOYED, at_once=1000)),
        Case("… counters apart, 4 items", tenth, replace(COUNTED_APART, at_once=1000)),
        Case("the same, quota × 10", half, replace(COUNTED_APART, at_once=3000), 10),
        Case("… dispatch 10,000/s, 10,000 children", half, LIFTED, 10),
        Case("a tenth of the pool, quota × 100", fifth, two_maps, 100, MODELS // 10),
        Case("… 8 shards a model", fifth, replace(two_maps, shards=8), 100, MODELS // 10),
    ]


@dataclass(frozen=True)
class Row:
    """What is printed of a case; times in seconds, `peak` in write units a second of the busiest item."""

    case: Case
    makespan_s: float
    bound_s: float
    refused: int
    wall: str
    share: float
    busiest_units: float
    job_units: float
    lost: int
    at_once: int
    held: int
    waited: int
    tickets: int
    utilisation: Sequence[float]
    took_s: float

    @property
    def calls_per_s(self) -> float:
        """Reached over the whole job."""
        return self.case.documents / self.makespan_s


def row(case: Case) -> Row:
    """Run a case and check it."""
    began, quotas = time.process_time(), case.quotas()
    found = Simulation(quotas, Load(case.documents), case.walls).run()
    seconds = sum(found.bound_by.values())
    return Row(
        case,
        found.makespan_s,
        found.bound_s,
        refused(found),
        found.wall,
        found.bound_by[found.wall] / seconds if seconds else 0.0,
        max(item.busiest for item in found.items) * case.walls.ledger_units,
        found.job_units_peak,
        found.lost,
        found.most_at_once,
        found.most_held,
        found.waits,
        found.tickets,
        [found.utilisation(model) for model in range(len(quotas))],
        time.process_time() - began,
    )


def refused(found: Outcome) -> int:
    """Calls that some vendor would have refused."""
    return sum(refusals(quota, starts) for quota, starts in zip(found.quotas, found.starts, strict=True))


def by_rota(quota: Quota) -> list[Limit]:
    """A model's limits as `rota.limits` computes them."""
    algorithm: Any = {"window": "sliding_window", "bucket": "token_bucket"}[quota.algorithm]
    return [Reference(limiter(algorithm, amount, 60)) for amount in quota.amounts()]


def differences(documents: int, seed: int = 1) -> int:
    """Calls of a small job that start otherwise when `rota.limits` decides: another second, or another model."""
    quotas = pool(9)[:6]
    load, walls = Load(documents, seed=seed), replace(COUNTED_APART, dispatch=50, at_once=300)
    own, rota = Simulation(quotas, load, walls).run(), Simulation(quotas, load, walls, by_rota).run()
    pairs = zip(own.starts, rota.starts, strict=True)
    same = sum(len(calls_of(one) & calls_of(other)) for one, other in pairs)
    return documents - same


def calls_of(starts: Any) -> set[tuple[float, float, int]]:
    """Calls by start, end and size."""
    return set(zip(starts.start_s, starts.end_s, starts.booked, strict=True))


@dataclass(frozen=True)
class Sharded:
    """One model of so many mean calls a minute in `shards` items, of which a caller looks at `choices` random ones."""

    calls_per_minute: int
    shards: int
    algorithm: str
    choices: int
    all_before_waiting: bool

    @property
    def policy(self) -> str:
        """How a shard is picked."""
        return f"{self.choices} at random{', then all' if self.all_before_waiting else ''}"

    def run(self) -> tuple[float, int, int]:
        """(used ÷ quota under overload, p95 of the wait under LOAD in seconds, refusals)."""
        load = Load(self.calls_per_minute * SHARD_MINUTES)
        mean = sum(call[0] for call in load.calls) / len(load.calls)
        quotas = [Quota("m", round(self.calls_per_minute * mean), 0, self.algorithm)]
        walls = Walls(10**6, self.calls_per_minute // 5, 1, 1, 1000, self.shards, self.choices, self.all_before_waiting)
        over = Simulation(quotas, load, walls).run()
        gentle = replace(walls, dispatch=self.calls_per_minute * LOAD / 60, at_once=10**6)
        easy = Simulation(quotas, load, gentle).run()
        return steady(over), easy.ahead_s(0.95), refused(over) + refused(easy)


def steady(found: Outcome) -> float:
    """Tokens used of the quota's, over whole rounds of the window; for a bucket without its first minute's brim."""
    [starts], [quota] = found.starts, found.quotas
    last_s = max(starts.start_s) - BEGIN
    first_s, until_s = (0, last_s // SPAN * SPAN) if quota.algorithm == "window" else (60, last_s - 20)
    chosen = (first_s <= at - BEGIN < until_s for at in starts.start_s)
    return sum(compress(starts.used, chosen)) / (quota.tpm * (until_s - first_s) / 60)


def run_sharded(sharded: Sharded) -> tuple[float, int, int]:
    """For a process pool."""
    return sharded.run()


def shard_cases() -> list[Sharded]:
    """Every way to pick on a middling quota, the best of them on a smaller and a larger one; one to sixteen shards."""
    ways = [(600, 1, False), (600, 2, False), (600, 2, True), (120, 2, True), (3000, 2, True)]
    return [
        Sharded(calls, shards, algorithm, choices, then_all)
        for calls, choices, then_all in ways
        for algorithm in ("window", "bucket")
        for shards in SHARDS
    ]


def print_rows(rows: Iterable[Row]) -> None:
    """The table of walls."""
    print(
        f"\n{'case':38}{'documents':>11}{'makespan':>10}{'÷ bound':>9}{'calls/s':>9}{'refused':>9}{'lost':>8}", end=""
    )
    print(f"{'units/s: ledger':>17}{'job':>7}{'children':>10}{'Lambdas':>9}  met first")
    for found in rows:
        ratio = f"{found.makespan_s / found.bound_s:.2f}" if found.bound_s > 1 else "-"
        print(f"{found.case.name:38}{found.case.documents:11,}{found.makespan_s:9,.0f}s{ratio:>9}", end="")
        print(f"{found.calls_per_s:9,.0f}{found.refused:9,}{found.lost:8,}{found.busiest_units:17,.0f}", end="")
        print(f"{found.job_units:7,.0f}{found.at_once:10,}{found.held:9,}  {found.wall} ({found.share:.0%})")


def print_models(found: Row) -> None:
    """Utilisation of every model in the long run."""
    print(f"\n{found.case.name}: {found.case.documents:,} documents; used ÷ admitted by each model's quota")
    cells = [
        f"{quota.name} {quota.algorithm:6} {quota.tpm / 1000:5,.0f}k{'+rpm' if quota.rpm else '    '} {share:.3f}"
        for quota, share in zip(found.case.quotas(), found.utilisation, strict=True)
    ]
    for begin in range(0, len(cells), 4):
        print("  " + "   ".join(cells[begin : begin + 4]))
    print(f"  waited outside {found.waited:,}, tickets {found.tickets:,}; {found.took_s:.0f} s of one core")


def print_shards(shards: Sequence[Sharded], results: Sequence[tuple[float, int, int]]) -> None:
    """The table of shards."""
    print("\none model in shards: used ÷ quota under overload, ", end="")
    print(f"and p95 of the wait when {LOAD:.0%} of the quota is asked for")
    print(
        f"{'calls a minute':>16}{'algorithm':>11}  {'looks at':22}"
        + "".join(f"{f'{count} shards':>14}" for count in SHARDS)
    )
    for begin in range(0, len(shards), len(SHARDS)):
        first = shards[begin]
        cells = [f"{share:.3f} {wait_s:3} s" for share, wait_s, _ in results[begin : begin + len(SHARDS)]]
        print(
            f"{first.calls_per_minute:16,}{first.algorithm:>11}  {first.policy:22}"
            + "".join(f"{cell:>14}" for cell in cells)
        )
    print(f"  refused: {sum(refusals for _, _, refusals in results)}")


def plot(file: str, rows: Sequence[Row], shards: Sequence[Sharded], results: Sequence[tuple[float, int, int]]) -> None:
    """Both tables as pictures."""
    pyplot: Any = import_module("matplotlib.pyplot")
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(13, 5))
    left.barh([found.case.name for found in rows], [found.makespan_s / max(1, found.bound_s) for found in rows])
    left.invert_yaxis()
    left.set_xscale("log")
    left.set_xlabel("makespan ÷ bound")
    for found, at in zip(rows, range(len(rows)), strict=True):
        left.annotate(found.wall, (1, at), va="center", xytext=(4, 0), textcoords="offset points")
    for begin in range(0, len(shards), len(SHARDS)):
        first, shares = shards[begin], [share for share, _, _ in results[begin : begin + len(SHARDS)]]
        label = f"{first.calls_per_minute:,} calls a minute, {first.algorithm}, {first.policy}"
        right.plot(SHARDS, shares, label=label)
    right.set_xlabel("shards")
    right.set_ylabel("used ÷ quota")
    right.legend()
    figure.tight_layout()
    figure.savefig(file)


def main() -> None:
    """Run every case on all cores and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=1_000_000)
    parser.add_argument("--plot", metavar="FILE", default="", help="also draw the tables (needs matplotlib)")
    options = parser.parse_args()
    if options.plot and not find_spec("matplotlib"):
        parser.error("--plot needs matplotlib, which is not installed")
    began, shards = time.perf_counter(), shard_cases()
    with ProcessPoolExecutor(min(2, os.cpu_count() or 1), get_context("spawn")) as processes:
        rows = [processes.submit(row, case) for case in cases(options.documents)]
        compared = [processes.submit(differences, 2000, seed) for seed in (1, 2)]
        sharded = [processes.submit(run_sharded, one) for one in shards]
        finished, results = [future.result() for future in rows], [future.result() for future in sharded]
        different = sum(future.result() for future in compared)
    print(
        f"cross-check: {different} of 4,000 calls of two smaller jobs start otherwise when rota.limits itself decides"
    )
    ordered = [*finished[1:4], finished[0], *finished[4:]]
    print_rows(ordered)
    print_models(finished[0])
    print_shards(shards, results)
    if options.plot:
        plot(options.plot, ordered, shards, results)
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"\n{time.perf_counter() - began:.0f} s, {usage.ru_utime:.0f} s of CPU, ", end="")
    print(f"at most {usage.ru_maxrss / 1024:.0f} MB in a process")


if __name__ == "__main__":
    main()
