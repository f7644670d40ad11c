"""The virtual time of the laboratory: order, end, failures, and that nothing stays behind."""

from __future__ import annotations

import threading
import traceback

import pytest

from tests.fixtures.virtual_time import VirtualTime


def test_threads_wake_in_order_and_nobody_waits() -> None:
    """Blocking code in three threads runs as its sleeps say; the clock jumps."""
    time, seen = VirtualTime(1000.0), []

    def worker(name: str, pause_s: float) -> None:
        for _ in range(2):
            time.sleep(pause_s)
            seen.append((name, time.now_s))

    time.spawn(worker, "slow", 3600.0)
    time.spawn(worker, "fast", 60.0)
    time.spawn(worker, "late", 1.0, at_s=5000.0)
    time.run()
    assert seen == [
        ("fast", 1060.0),
        ("fast", 1120.0),
        ("slow", 4600.0),
        ("late", 5001.0),
        ("late", 5002.0),
        ("slow", 8200.0),
    ]
    assert time.now_ms() == 8_200_000


def test_ties_are_broken_by_who_slept_first() -> None:
    """A thousand threads that wake together run in a fixed order, whatever the real scheduler does."""
    time, seen = VirtualTime(), []

    def worker(number: int) -> None:
        for _ in range(3):
            time.sleep(1.0)
            seen.append(number)

    for number in range(1000):
        time.spawn(worker, number)
    time.run()
    assert seen == list(range(1000)) * 3


def test_threads_may_spawn_threads() -> None:
    """A thread begins where its parent stands in time."""
    time, seen = VirtualTime(), []

    def parent() -> None:
        time.sleep(5)
        time.spawn(lambda: seen.append(time.now_s))
        time.sleep(1)

    time.spawn(parent)
    time.run()
    assert seen == [5.0]


def test_the_first_exception_ends_everything() -> None:
    """It carries the traceback of its thread; sleeping threads are unwound, and none is left."""
    time, unwound, threads = VirtualTime(), [], threading.active_count()

    def sleeper() -> None:
        try:
            time.sleep(100)
        finally:
            unwound.append(time.now_s)

    def failing() -> None:
        time.sleep(1)
        raise ValueError("this went wrong")

    time.spawn(sleeper)
    time.spawn(failing)
    time.spawn(sleeper, at_s=50)
    with pytest.raises(ValueError, match="this went wrong") as caught:
        time.run()
    assert "in failing" in "".join(traceback.format_exception(caught.value))
    assert unwound == [1.0]
    assert threading.active_count() == threads


def test_a_run_can_stop_early() -> None:
    """At `until_s` the clock stands there, and who still sleeps is ended even if it cleans up by sleeping."""
    time, threads = VirtualTime(), threading.active_count()

    def forever() -> None:
        try:
            while True:
                time.sleep(7)
        finally:
            time.sleep(1)

    time.spawn(forever)
    time.run(until_s=100)
    assert time.now_s == 100
    assert threading.active_count() == threads
    time.spawn(time.sleep, 5)
    time.run()
    assert time.now_s == 105


def test_only_virtual_threads_may_sleep() -> None:
    """Anything else would wait for a clock that it stops."""
    time = VirtualTime()
    with pytest.raises(RuntimeError, match="spawn"):
        time.sleep(1)
    time.spawn(time.run)
    with pytest.raises(RuntimeError, match="cannot run"):
        time.run()
    time.spawn(time.sleep, -1)
    with pytest.raises(ValueError, match="negative"):
        time.run()


def test_a_thread_that_blocks_in_real_time_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Instead of a test that hangs for ever."""
    monkeypatch.setattr("tests.fixtures.virtual_time.STUCK_S", 0.05)
    monkeypatch.setattr("tests.fixtures.virtual_time.JOIN_S", 0.05)
    time, lock = VirtualTime(), threading.Lock()
    lock.acquire()

    def blocked() -> None:
        lock.acquire()

    time.spawn(blocked)
    with pytest.raises(RuntimeError, match="in blocked"):
        time.run()
    lock.release()
