"""What calls teach: bounded, cautious, and forgotten in time."""

from __future__ import annotations

from dataclasses import fields

import pytest

from rota.learned import ENOUGH, FRAME_TOKENS, FULL, LEAST_TAUGHT, Learned, Sample, input_permille, pace


def taught(count: int, input_permille: int = 800, output_permille: int = 500, latency_ms: int = 1000) -> Learned:
    """So many equal calls of 500 output tokens."""
    one = Learned.of(Sample(input_permille, output_permille, pace(latency_ms, 500)))
    return Learned(*(getattr(one, field.name) * count for field in fields(one)))


def mixed(*input_permilles: int) -> Learned:
    """One call each."""
    ones = [Learned.of(Sample(permille, permille, pace(permille, 500))) for permille in input_permilles]
    return Learned(*(sum(getattr(one, field.name) for one in ones) for field in fields(Learned)))


def test_nothing_is_believed_of_a_few_calls() -> None:
    """The static estimate, the step's bound and the provider's time-out stand."""
    few = taught(ENOUGH - 1, 100, 10, 5)
    assert (few.input_tokens(1000), few.output_tokens(400), few.timeout_ms(400, 60_000)) == (1000, 400, 60_000)
    assert (few.expected_input(1000), few.expected_output(400, bulk=True)) == (None, None)


def test_the_input_is_the_mean_and_one_deviation_more() -> None:
    """Half of the calls at 700 and half at 900: 800 + 100."""
    assert mixed(*[700, 900] * 10).input_tokens(1000) == 900 + FRAME_TOKENS
    assert mixed(*[700, 900] * 10).expected_input(1000) == 800 + FRAME_TOKENS
    assert mixed(*[700, 900] * 10).expected_output(400, bulk=True) == 320


@pytest.mark.parametrize(("permille", "tokens"), [(100, 500), (9000, 2500)])
def test_the_correction_is_bounded(permille: int, tokens: int) -> None:
    """A vendor that counts nonsense does not lead far."""
    assert taught(100, permille).input_tokens(1000) == tokens + FRAME_TOKENS


def test_output_that_nobody_uses_is_not_booked() -> None:
    """A quarter used: a quarter and its headroom; close to the bound: the bound; never below a quarter."""
    assert taught(100, output_permille=400).output_tokens(1000) == 500
    assert taught(100, output_permille=900).output_tokens(1000) == 1000
    assert taught(100, output_permille=10).output_tokens(1000) == 250


def test_notes_and_replies_teach_apart() -> None:
    """A model that answers questions in a few words writes notes as long as ever."""
    short = Learned.of(Sample(800, 100, pace(1000, 500), bulk=False))
    both = Learned(*(getattr(taught(40), f.name) + 40 * getattr(short, f.name) for f in fields(short)))
    assert (both.samples, both.notes) == (80, 40)
    assert (both.expected_output(1000, bulk=True), both.expected_output(1000, bulk=False)) == (500, 100)
    assert both.output_tokens(1000) == taught(40).output_tokens(1000)
    assert taught(40).expected_output(1000, bulk=False) is None


def test_the_time_out_follows_the_latency_and_the_output_asked_for() -> None:
    """Equal latencies of a second for 500 tokens: a second for those, more for more, never above the provider's."""
    steady = taught(1000)
    assert steady.latency_ms(500) == 1000
    assert 2500 <= steady.timeout_ms(500, 60_000) <= 2600
    assert steady.timeout_ms(4500, 60_000) == pytest.approx(5 * steady.timeout_ms(500, 60_000), rel=0.02)
    assert steady.timeout_ms(50_000, 20_000) == 20_000
    assert mixed(*[500, 1500] * 20).timeout_ms(500, 60_000) > 3500


def test_a_call_that_timed_out_counts_in_the_pace_alone() -> None:
    """So that a model which has become slow is given more time."""
    lost = Learned.of(Sample(0, 0, pace(5000, 500)), timed_out=True)
    assert (lost.samples, lost.paces, lost.pace) == (0, 1, 5000)


def test_old_calls_are_halved_away() -> None:
    """The last few hundred decide; below that nothing is taken off."""
    assert taught(FULL - 1).halved() == Learned()
    full = taught(FULL)
    rest = Learned(*(getattr(full, f.name) + getattr(full.halved(), f.name) for f in fields(full)))
    assert rest.samples == FULL // 2
    assert rest.input_tokens(1000) == full.input_tokens(1000)


def test_a_few_words_teach_nothing_of_batches() -> None:
    """Five times "Hi", nine tokens where one is estimated; what surrounds a prompt is no part of its factor."""
    hello = Learned.of(Sample(input_permille(9, 1), 100, pace(1000, 500), bulk=False))
    after = Learned(*(getattr(taught(20), f.name) + 5 * getattr(hello, f.name) for f in fields(hello)))
    assert (after.samples, after.inputs) == (25, 20)
    assert after.input_factor() == taught(20).input_factor()
    assert after.expected_input(1000) == taught(20).expected_input(1000)
    assert input_permille(800 + FRAME_TOKENS, 1000) == 800
    assert input_permille(LEAST_TAUGHT, LEAST_TAUGHT - 1) is None
