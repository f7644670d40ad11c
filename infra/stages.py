"""What differs between stages, and nothing else: frozen values, given to the constructs as arguments."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk.aws_logs import RetentionDays


@dataclass(frozen=True, slots=True)
class Stage:
    """One deployment's values. Days and seconds are in the names; `api_rate` is requests per second.

    `map_concurrency` bounds how many batches of a job are under way at once: the ledger holds the real ceiling, this
    one only keeps Lambda's (or the laptop's) processes in bounds. `key_cache_s` is how long a checked key is believed,
    and so how long a revoked one may still pass. `queue_retry_s` is the spacing of retries of an upload's event.
    `refresh_minutes` is how often the vendors are asked for their quotas.
    """

    name: str
    keeps_data: bool
    requires_tls: bool
    log_retention: RetentionDays
    job_days: int
    upload_days: int
    map_concurrency: int
    debounce_s: int
    queue_retry_s: int
    refresh_minutes: int
    key_cache_s: int
    api_rate: int
    api_burst: int
    alarm_email: str = ""


STAGES = {
    stage.name: stage
    for stage in (
        Stage(
            name="local",
            keeps_data=False,
            requires_tls=False,  # the emulator speaks plain HTTP, on loopback only, and enforces the policy
            log_retention=RetentionDays.ONE_DAY,
            job_days=1,
            upload_days=1,
            map_concurrency=16,
            debounce_s=4,
            queue_retry_s=10,
            refresh_minutes=60,
            key_cache_s=2,
            api_rate=500,
            api_burst=1000,
        ),
        Stage(
            name="dev",
            keeps_data=False,
            requires_tls=True,
            log_retention=RetentionDays.TWO_WEEKS,
            job_days=14,
            upload_days=7,
            map_concurrency=100,
            debounce_s=4,
            queue_retry_s=60,
            refresh_minutes=60,
            key_cache_s=30,
            api_rate=50,
            api_burst=100,
        ),
        Stage(
            name="prod",
            keeps_data=True,
            requires_tls=True,
            log_retention=RetentionDays.THREE_MONTHS,
            job_days=90,
            upload_days=7,
            map_concurrency=100,
            debounce_s=4,
            queue_retry_s=60,
            refresh_minutes=60,
            key_cache_s=30,
            api_rate=50,
            api_burst=100,
        ),
    )
}
"""By name. `queue_retry_s` on AWS is six times the consuming function's time-out, as Lambda's documentation asks."""


def stage_named(name: str) -> Stage:
    """The stage of that name. Raises ValueError with the known names."""
    if name not in STAGES:
        raise ValueError(f"unknown stage {name!r}; allowed: {', '.join(STAGES)}")
    return STAGES[name]
