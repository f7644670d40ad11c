"""Durations, waits and figures as Groq and OpenAI write them; the texts are from public bug reports."""

from __future__ import annotations

import pytest

from rota.providers.base import QuotaHint
from rota.providers.rate_limit_headers import parse_duration_s, quota_figures, quota_hint, retry_after_s

TPM = (
    "Rate limit reached for model `llama-3.1-8b-instant` in organization `org_x` service tier `on_demand` on tokens "
    "per minute (TPM): Limit 6000, Used 5034, Requested 1443. Please try again in 4.77s. Need more tokens? Upgrade"
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2m59.56s", 179.56),
        ("7.66s", 7.66),
        ("665ms", 0.665),
        ("11m0.528s", 660.528),
        ("6m 11.52s", 371.52),
        ("1h23m45.6s", 5025.6),
        ("1d2h", 93_600),
        ("0s", 0),
        ("12", 12),
        ("1.5", 1.5),
        ("500µs", 0.0005),
    ],
)
def test_durations_are_read_in_every_form(text: str, seconds: float) -> None:
    """Go's notation, its spaced variant, and plain seconds."""
    assert parse_duration_s(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "soon", "-3", "s", "3x", "nan", "inf", "1m2"])
def test_what_is_no_duration_is_none(text: str) -> None:
    """An unknown notation must not become a wrong number."""
    assert parse_duration_s(text) is None


@pytest.mark.parametrize(
    ("headers", "message", "seconds"),
    [
        ({"retry-after": "5"}, TPM, 4.77),
        ({"retry-after": "5"}, "slow down", 5),
        ({"retry-after-ms": "1250", "retry-after": "2"}, "slow down", 1.25),
        ({}, "Please try again in 1m47.5854s. Visit https://console.groq.com", 107.5854),
        ({}, "Please try again in 6m 11.52s.", 371.52),
        ({}, "Please try again in 6.780999999s. Visit", 6.780999999),
        (
            {"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"},
            "",
            30,
        ),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT"}, "", None),
        ({}, "no idea", None),
    ],
)
def test_the_wait_comes_from_the_text_else_from_headers(
    headers: dict[str, str], message: str, seconds: float | None
) -> None:
    """Groq rounds its header up; its text is exact."""
    assert retry_after_s(headers, message) == (None if seconds is None else pytest.approx(seconds))


def test_figures_of_a_refusal() -> None:
    """Limit, used and requested; only tokens per minute count as such."""
    figures = quota_figures(TPM)
    assert figures is not None
    assert (figures.limit, figures.used, figures.requested, figures.kind) == (6000, 5034, 1443, "tpm")
    daily = quota_figures("on tokens per day (TPD): Limit 200000, Used 197494, Requested 4035.")
    assert daily is not None
    assert daily.kind == "tpd"
    large = quota_figures("on tokens per minute (TPM): Limit 7000, Requested ~12903, please reduce")
    assert large is not None
    assert (large.used, large.requested) == (None, 12_903)
    assert quota_figures("Too many requests") is None


def test_headers_become_a_hint() -> None:
    """What is missing or odd stays None."""
    hint = quota_hint(
        {
            "x-ratelimit-limit-tokens": "18000",
            "x-ratelimit-remaining-tokens": "17997",
            "x-ratelimit-reset-tokens": "7.66s",
            "x-ratelimit-limit-requests": "14400",
            "x-ratelimit-remaining-requests": "many",
        }
    )
    assert hint == QuotaHint(18_000, 17_997, 7.66, 14_400, None)
    assert quota_hint({}) == QuotaHint()
