"""The pure parts of the comparison with Rota's peers: work, bounds, figures, tables."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.peers import matrix, worker
from benchmarks.peers.bounds import allowed_tokens, bound_s, ideal_starts_s
from benchmarks.peers.figures import figures, middle, served_per
from benchmarks.peers.journal import Journal
from benchmarks.peers.policies import POLICIES
from benchmarks.peers.policies.base import Ask, Done, Parked
from benchmarks.peers.pools import FIVE, POOLS, TWO, Algorithm, catalog_file, vendor_file
from benchmarks.peers.prompts import Prompts
from benchmarks.peers.table import markdown
from benchmarks.peers.vendor_process import StatedLength
from benchmarks.peers.workloads import WORKLOADS, Outage, Request, Workload, research
from local.simulated.models import parse_models
from local.simulated.vendor import Asked
from rota.catalog_file import parse_catalog


def work(tokens: int, at_s: float = 0.0) -> Request:
    """A call that uses that many tokens."""
    return Request(0, 0, at_s, tokens - 300, 300, 500)


@pytest.mark.parametrize("name", WORKLOADS)
def test_work_is_the_same_for_the_same_seed(name: str) -> None:
    """Every policy is given the same calls, and another seed gives others."""
    assert WORKLOADS[name](1) == WORKLOADS[name](1)
    assert WORKLOADS[name](1) != WORKLOADS[name](2)
    requests = WORKLOADS[name](1).requests
    assert [request.index for request in requests] == list(range(len(requests)))


@pytest.mark.parametrize("name", WORKLOADS)
def test_every_call_fits_a_model_of_its_pool(name: str) -> None:
    """The context and a minute's quota of some model hold it."""
    workload = WORKLOADS[name](1)
    for request in workload.requests:
        needed = request.input_tokens + request.max_output_tokens
        assert any(needed <= min(model.context_tokens, model.tpm) for model in POOLS[workload.pool])


def test_a_research_job_uses_93k_tokens_in_order() -> None:
    """Every call of a job but its first follows others of the same job."""
    jobs: dict[int, list[Request]] = {}
    for request in research(1).requests:
        jobs.setdefault(request.job, []).append(request)
    assert len(jobs) == 20
    for calls in jobs.values():
        own = {call.index for call in calls}
        assert sum(call.tokens for call in calls) == 93_000
        assert all(set(call.after) <= own for call in calls)
        assert [bool(call.after) for call in calls] == [False] + [True] * (len(calls) - 1)


def test_prompts_are_as_long_as_they_should_be_and_state_their_answers() -> None:
    """As the simulated vendors count them, whatever the call's number."""
    vendor = StatedLength(parse_models(vendor_file(FIVE, "token_bucket"))["gemma2-9b"], lambda *_: [], 0)
    prompts = Prompts(6_000)
    for index, tokens, output_tokens in ((0, 300, 200), (999, 6_000, 400)):
        asked = Asked("gemma2-9b-it", "", prompts.prompt(index, tokens, output_tokens), 400)
        assert vendor.input_tokens(asked) == tokens
        assert vendor.answer(asked).output_tokens == output_tokens
    cut = vendor.answer(replace(asked, max_output_tokens=100))
    assert (cut.output_tokens, cut.stop_reason) == (100, "length")


@pytest.mark.parametrize(
    ("algorithm", "tokens", "bound"),
    [
        ("sliding_window", 160_000, 0),
        ("sliding_window", 160_001, 60),
        ("fixed_window", 400_000, 120),
        ("sliding_window", 400_000, 120),
        ("token_bucket", 160_000, 0),
        ("token_bucket", 400_000, 90),
    ],
)
def test_the_bound_of_a_burst_is_the_classic_one(algorithm: Algorithm, tokens: int, bound: float) -> None:
    """(ceil(T / Q) - 1) x 60 s for windows, T / Q x 60 - 60 s for buckets, on Q = 160,000."""
    assert bound_s([work(tokens)], TWO[:1], algorithm) >= 0
    assert bound_s([work(tokens // 4)] * 4, [replace(TWO[0], tpm=160_000)], algorithm) == pytest.approx(
        bound if tokens % 4 == 0 else 0, abs=0.01
    )


def test_windows_that_began_before_the_run_open_sooner() -> None:
    """A vendor's clock that is 6 s into its minute turns after 54."""
    assert allowed_tokens(TWO, "fixed_window", 53.9, 6) == 160_000
    assert allowed_tokens(TWO, "fixed_window", 54.1, 6) == 320_000
    assert allowed_tokens(TWO, "sliding_window", 59.9, 6) == 160_000


@pytest.mark.parametrize(("algorithm", "lost"), [("token_bucket", 0), ("sliding_window", 0), ("fixed_window", 0)])
def test_a_model_that_is_out_admits_nothing_meanwhile(algorithm: Algorithm, lost: int) -> None:
    """Its window opens, or its bucket is filled up, when it is back."""
    out = Outage("nova-pro", 50, 80)
    during = allowed_tokens(TWO, algorithm, 79.9, 0, out) - allowed_tokens(TWO, algorithm, 79.9, 0)
    assert during < 0
    after = allowed_tokens(TWO, algorithm, 81, 0, out) - allowed_tokens(TWO, algorithm, 81, 0)
    assert after == pytest.approx(lost, abs=1)


def test_large_calls_are_bound_by_the_models_that_hold_them() -> None:
    """Ten calls of 50k tokens can only run on the larger context, whatever the other quota."""
    large = [Request(n, n, 0.0, 48_800, 1_200, 2_000) for n in range(10)]
    assert bound_s(large, TWO, "token_bucket") == pytest.approx(500_000 / 100_000 * 60 - 60, abs=0.01)


def test_the_ideal_queue_serves_in_order() -> None:
    """What exceeds the first minute's quota starts when enough has come back."""
    requests = [work(160_000), replace(work(16_000), index=1), replace(work(16_000), at_s=20.0, index=2)]
    assert ideal_starts_s(requests, TWO, "token_bucket") == pytest.approx([0, 6, 20], abs=0.01)


def test_the_pool_files_are_what_both_sides_read() -> None:
    """Rota counts a fixed window as a sliding one; the vendors get it as it is."""
    vendors = parse_models(vendor_file(FIVE, "fixed_window"))
    catalog = parse_catalog(catalog_file(FIVE, "fixed_window", "http://127.0.0.1:1"))
    assert {limit.algorithm for model in vendors.values() for limit in model.limits} == {"fixed_window"}
    assert {limit.algorithm for model in catalog.models for limit in model.limits} == {"sliding_window"}
    assert [model.limits[0].amount for model in catalog.models] == [
        model.limits[0].amount for model in vendors.values()
    ]


def few_calls(seed: int) -> Workload:
    """A burst of three calls, the middle one of which is the largest."""
    sizes = [(1_800, 200), (3_700, 300), (2_800, 200)]
    calls = [Request(n, n, 0.0, given, written, 500) for n, (given, written) in enumerate(sizes)]
    return Workload("burst", "three calls", "two", calls, slots=1)


@pytest.fixture
def three_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """The burst is that one."""
    monkeypatch.setitem(WORKLOADS, "burst", few_calls)  # type: ignore[arg-type]  # a plain dict


def cell(**changes: Any) -> dict[str, Any]:
    """A cell of three calls, the last of which was not answered."""
    vendor = {"used_tokens": 6_000, "refusals": 4, "faults": {"outage": 2}}
    calls = {
        "asked_s": [0.0, 0.0, 10.0],
        "started_s": [1.0, 12.0, None],
        "done_s": [2.0, 13.0, None],
        "tokens": [2_000, 4_000, None],
        "resubmitted": [0, 1, 1],
        "parked": [0, 0, 0],
    }
    return {
        "cell": "burst sliding_window 10 rota 1",
        "policy": "rota",
        "workload": "burst",
        "algorithm": "sliding_window",
        "processes": 10,
        "seed": 1,
        "phase_s": 6.0,
        "bound_s": 10.0,
        "cut_s": 30.0,
        "run_s": 12.0,
        "tokens_asked": 9_000,
        "tokens_allowed": 8_000,
        "busy": 0.5,
        "vendors": {"m": vendor},
        "workers": [{"cpu_s": 0.1, "setup_cpu_s": 1.0, "held_s": 6.0, "rss_mb": 50.0}] * 2,
        "calls": calls,
        "errors": {},
        **changes,
    }


@pytest.mark.usefixtures("three_calls")
def test_figures_count_what_was_not_answered() -> None:
    """A call without an answer has waited until the run was cut off, and there is no makespan."""
    found = figures(cell())
    assert found.served_share == 0.75
    assert (found.refusals, found.failures, found.resubmitted) == (2, 1, 1)
    assert found.finished == pytest.approx(2 / 3)
    assert found.makespan is None
    assert (found.wait_p50_s, found.wait_p95_s) == (12, 20)
    assert (found.held_s, found.cpu_ms, found.rss_mb, found.cut_short) == (6, 100, 50, 0)


@pytest.mark.usefixtures("three_calls")
def test_figures_of_several_seeds_are_medians() -> None:
    """And a makespan needs all of them to have finished."""
    one = figures(cell())
    done = replace(one, makespan=1.1, refusals=3.0)
    assert middle([one, done, done]).refusals == 3
    assert middle([one, done, done]).makespan is None
    assert middle([done, done]).makespan == 1.1


@pytest.mark.usefixtures("three_calls")
def test_large_calls_and_short_answers_are_told_apart() -> None:
    """The largest quarter is the middle call; a call that uses less than it should was cut short."""
    assert figures(cell()).large_wait == pytest.approx(12 / 10.5)
    short = {**cell()["calls"], "tokens": [1_900, 4_000, None]}
    assert figures(cell(calls=short)).cut_short == 0.5


def test_tokens_are_counted_when_their_call_starts() -> None:
    """In steps of ten seconds until the run's end."""
    assert served_per(cell(), 10) == [2_000, 4_000]


@pytest.mark.usefixtures("three_calls")
def test_the_table_names_bound_and_cells() -> None:
    """One section per group, one row per policy, Rota in bold, the unfinished with their share."""
    about = {
        "began": "today",
        "machine": "2 cores",
        "versions": {"litellm": "1"},
        "seeds": [1],
        "parallel": 6,
        "busy": "40%",
        "imports": {"LiteLLM": {"seconds": 1.5, "rss_mb": 160.0}},
    }
    page = markdown([cell(), cell(policy="groq-sdk")], about)
    assert "bound 10 s, cut off at 30 s" in page
    assert "| **Rota** | 0.750 | 2.00 | 67% answered | 12.0 / 20.0 |" in page
    assert page.count(f"| {POLICIES['groq-sdk'].label} |") == 1
    assert "| LiteLLM | 1.50 | 160 |" in page


class Fickle:
    """A policy that parks the first call, gives up the second once, and answers the third."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, object]] = []

    def call(self, ask: Ask, pending: object) -> Done | Parked:
        """See `Policy.call`."""
        self.asked.append((ask.index, pending))
        if ask.index == 0 and pending is None:
            return Parked(0.0, "booking")
        if ask.index == 1 and self.asked.count((1, None)) == 1:
            raise TimeoutError("too long")
        return Done(0.0, 100)


def test_a_worker_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parked calls come back with what they hold, given-up ones anew, followers after those they follow."""
    monkeypatch.setattr(worker, "LONGEST_PAUSE_S", 0.0)
    requests = [Request(n, 0, 0.0, 300, 200, 500, after=(n - 1,) if n else ()).as_json() for n in range(3)]
    policy = Fickle()
    at_work = worker.Worker(policy, requests, cut_s=60)
    at_work.run(time.time(), slots=2)
    assert policy.asked == [(0, None), (0, "booking"), (1, None), (1, None), (2, None)]
    assert [(call["parked"], call["resubmitted"]) for call in at_work.calls.values()] == [(1, 0), (0, 1), (0, 0)]
    assert at_work.calls[1]["errors"] == ["TimeoutError: too long"]
    assert at_work.calls[1]["asked_s"] >= at_work.calls[0]["done_s"]


def test_a_journal_keeps_what_was_finished(tmp_path: Path) -> None:
    """A line that an interruption tore does not count."""
    journal = Journal(tmp_path)
    assert journal.cells() == []
    journal.append({"cell": "a"})
    journal.path.write_text(journal.path.read_text() + '{"cell": "b", ')
    assert journal.cells() == [{"cell": "a"}]
    journal.describe({"versions": {"litellm": "1"}})
    assert journal.made_with() == {"litellm": "1"}
    with journal.alone(), pytest.raises(SystemExit, match="another run"), journal.alone():
        pass


def test_the_standard_matrix_has_every_policy_and_every_workload() -> None:
    """Each cell once; all policies where that is affordable; the full matrix holds all of it."""
    cells = list(matrix.standard(1))
    assert len({cell.name for cell in cells}) == len(cells)
    asked = {(cell.policy, cell.workload) for cell in cells}
    assert asked == {(p, w) for p in POLICIES for w in WORKLOADS if p in matrix.FEW or w in ("overload", "burst")}
    assert set(matrix.FEW) <= set(POLICIES)
    assert {cell.name for cell in cells} <= {cell.name for cell in matrix.full(1)}
