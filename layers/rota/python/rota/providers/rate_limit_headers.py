"""What vendors say about their quotas in headers and in the text of a refusal."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from rota.providers.base import QuotaHint

_UNIT_S = {"d": 86_400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|us|µs|ns|[dhms])")
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?\s*(?:ms|us|µs|ns|[dhms])\s*)+")
_WAIT = re.compile(rf"try again in ({_DURATION.pattern})")
_KIND = re.compile(r"\(([RT]P[MD])\)")
_FIGURES = re.compile(r"Limit (\d+)(?:, Used (\d+))?, Requested ~?(\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class QuotaFigures:
    """A refusal's `Limit 6000, Used 5034, Requested 1443`; `kind` is the limit they are of, such as `tpm`, or empty."""

    limit: int
    used: int | None
    requested: int
    kind: str


def parse_duration_s(text: str) -> float | None:
    """Seconds of `2m59.56s`, `7.66s`, `665ms`, `1h2m3s` or a plain number; None for anything else."""
    text = text.strip()
    if _DURATION.fullmatch(text):
        return sum(float(amount) * _UNIT_S[unit] for amount, unit in _PART.findall(text))
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if 0 <= seconds < float("inf") else None


def retry_after_s(headers: Mapping[str, str], message: str) -> float | None:
    """How long a refused caller should wait: the message's `try again in 4.77s`, else the (rounded) header."""
    said = _WAIT.search(message)
    wait_s = parse_duration_s(said.group(1)) if said else None
    if wait_s is not None:
        return wait_s
    milliseconds = parse_duration_s(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    header = headers.get("retry-after", "")
    seconds = parse_duration_s(header)
    return _seconds_until(header, headers.get("date", "")) if seconds is None else seconds


def _seconds_until(when: str, now: str) -> float | None:
    """RFC 9110 also allows a date; it is compared with the same response's `Date`, so no clock has to agree."""
    try:
        return max(0.0, (parsedate_to_datetime(when) - parsedate_to_datetime(now)).total_seconds())
    except (TypeError, ValueError):
        return None


def quota_figures(message: str) -> QuotaFigures | None:
    """The figures of a refusal's text, or None when it has none."""
    found = _FIGURES.search(message)
    if not found:
        return None
    limit, used, requested = found.groups()
    kind = _KIND.search(message)
    return QuotaFigures(
        int(limit), None if used is None else int(used), int(requested), kind[1].lower() if kind else ""
    )


def quota_hint(headers: Mapping[str, str]) -> QuotaHint:
    """The `x-ratelimit-*` headers. Tokens are per minute; requests are per day at Groq, per minute elsewhere."""
    return QuotaHint(
        limit_tokens=_count(headers, "x-ratelimit-limit-tokens"),
        remaining_tokens=_count(headers, "x-ratelimit-remaining-tokens"),
        reset_tokens_s=parse_duration_s(headers.get("x-ratelimit-reset-tokens", "")),
        limit_requests=_count(headers, "x-ratelimit-limit-requests"),
        remaining_requests=_count(headers, "x-ratelimit-remaining-requests"),
    )


def _count(headers: Mapping[str, str], name: str) -> int | None:
    try:
        return int(headers.get(name, ""))
    except ValueError:
        return None
