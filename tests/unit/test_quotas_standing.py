"""What a quota stands at: configured, found, set by hand, shrunk and grown back."""

from __future__ import annotations

import pytest

from rota.catalog import Limit, LimitKind
from rota.quotas import LEAST, STEP_EVERY_S, WHOLE, Standing

NOW = 1_763_640_000
TPM = Limit(kind=LimitKind.TPM, amount=1000, algorithm="sliding_window", ceiling=1500)
RPD = Limit(kind=LimitKind.RPD, amount=1000, algorithm="token_bucket")


@pytest.mark.parametrize(
    ("standing", "amount"),
    [
        (Standing(), 1000),
        (Standing(found={"tpm": 700}), 700),
        (Standing(found={"tpm": 9000}), 1500),
        (Standing(found={"tpm": 700}, by_hand={"tpm": 800}), 800),
        (Standing(by_hand={"tpm": 9000}), 1500),
        (Standing(found={"rpm": 7}), 1000),
    ],
)
def test_by_hand_before_found_before_configured_and_never_above_the_ceiling(standing: Standing, amount: int) -> None:
    """The file's ceiling has the last word."""
    assert standing.amount(TPM) == amount


def test_a_ceiling_below_the_amount_is_an_error_of_the_pool_file() -> None:
    """It would be a second amount."""
    with pytest.raises(ValueError, match="ceiling 500 is below amount 1000"):
        Limit(kind=LimitKind.TPM, amount=1000, algorithm="sliding_window", ceiling=500)


def test_one_step_down_however_many_are_refused() -> None:
    """Those who are refused within twenty seconds left under the same quota; what they show may still count."""
    first = Standing().shrink(NOW, WHOLE)
    assert (first.shrunk, first.shrunk_at_s, first.floor) == (930, NOW, 500)
    for seconds in range(STEP_EVERY_S):
        assert first.shrink(NOW + seconds, WHOLE) == first
    assert first.shrink(NOW + 5, 700).shrunk == 700
    assert first.shrink(NOW + 5, 20).shrunk == 500
    assert first.shrink(NOW + STEP_EVERY_S, WHOLE).shrunk == 930 * 930 // 1000


def test_it_never_shrinks_to_nothing() -> None:
    """A tenth is left to find out with."""
    standing = Standing()
    for step in range(20):
        standing = standing.shrink(NOW + step * STEP_EVERY_S, 0)
    assert standing.shrunk == LEAST


def test_it_grows_back_faster_the_longer_nobody_refuses() -> None:
    """Ten permille after a minute, thirty after two, sixty after three; whole after ten minutes."""
    half = Standing(shrunk=500, shrunk_at_s=NOW)
    assert [half.permille(NOW + 60 * minutes) for minutes in (0, 1, 2, 3, 9, 10)] == [500, 510, 530, 560, 950, 1000]


def test_the_quota_of_a_day_does_not_shrink() -> None:
    """Its refusals block the model until it is back."""
    limiters = Standing(shrunk=500, shrunk_at_s=NOW).limiters([TPM, RPD], NOW)
    assert (limiters["tpm"].amount, limiters["rpd"].amount) == (500, 1000)
