"""Figures, meters and the live picture."""

from __future__ import annotations

import io
import time

import pytest
from loopback_api import job, model
from rich.console import Console

from cli.figures import amount, counted, duration, money
from cli.live import LiveView
from cli.progress import headline, meters, remaining_s, share_done


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (duration(0.4), "0 s"),
        (duration(59.6), "1 min 00 s"),
        (duration(3725), "1 h 02 min"),
        (money(0), "$0.00"),
        (money(0.00001), "under $0.0001"),
        (money(0.0042), "$0.0042"),
        (money(12.3), "$12.30"),
        (amount(950), "950"),
        (amount(8_000), "8k"),
        (amount(1_500_000), "1.5M"),
        (counted(1, "batch"), "1 batch"),
        (counted(2, "batch"), "2 batches"),
        (counted(1200, "document"), "1,200 documents"),
    ],
)
def test_figures_read_well(text: str, expected: str) -> None:
    """As a person would write them."""
    assert text == expected


def test_the_estimate_counts_down_and_then_says_nothing() -> None:
    """An estimate that has passed is not "0 s left"."""
    started = job("summarizing", eta_s=60, started_ms=(time.time() - 20) * 1000)
    assert remaining_s(started) == pytest.approx(40, abs=2)
    assert "about 40 s left" in headline(started)
    assert remaining_s({**started, "eta_s": 10}) is None
    assert remaining_s({**started, "status": "done"}) is None


def test_failed_batches_count_as_finished_work() -> None:
    """The bar reaches its end although some failed."""
    assert share_done(job("summarizing", progress={"batches_total": 4, "batches_done": 2, "batches_failed": 1})) == 0.75
    assert share_done(job("queued")) == 0
    assert share_done(job("done")) == 1


def test_a_meter_shows_the_tightest_quota_and_this_jobs_calls() -> None:
    """Of several limits the one that binds; waits and rests in words."""
    limits = [
        {"kind": "rpm", "amount": 30, "booked": 3, "used_share": 0.1},
        {"kind": "tpm", "amount": 8000, "booked": 7600, "used_share": 0.95},
    ]
    busy = model("gpt", limits=limits, next_start_ms=21_000)
    resting = model("nova", blocked_until_ms=61_000, simulated=False)
    running = job("summarizing", usage={"models": {"gpt": {"calls": 2, "refusals": 1}}})
    first, second = meters(running, [busy, resting], now_ms=1000)
    assert (first.model, first.share, first.quota) == ("gpt", 0.95, "7.6k of 8k tpm")
    assert first.note == "2 calls · 1 refusal · next start in 20 s · simulated"
    assert second.note == "0 calls · resting for 1 min 00 s"


def test_the_live_view_draws_the_job_and_a_meter_per_model() -> None:
    """Drawn on a terminal of ordinary width, every model has its line."""
    screen = io.StringIO()
    with LiveView(Console(file=screen, force_terminal=True, width=100)) as view:
        view.show(job("summarizing", progress={"batches_total": 2, "batches_done": 1}), [model("a"), model("b")])
    drawn = screen.getvalue()
    assert "Why?" in drawn
    assert "1 of 2 batches" in drawn
    assert drawn.count("25k of 100k tpm") >= 2
