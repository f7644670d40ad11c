"""What one caller learns of a vendor and tells all others through the ledger: refusals, outages, the live quota.

429          ──► keep off until the vendor's time · less of the quota is used for a while · what others spent counts
5xx, 498     ──► breaker: keep off, then one call at a time probes until one is answered
no answer    ──► a strike; two in a row open the breaker
limit seen   ──► the quota stands at what the vendor says, within the ceiling of rota.yaml
"""

from __future__ import annotations

from collections.abc import Mapping

from rota.accounts import Account, Amounts
from rota.booking import Booking
from rota.breaker import GONE_MS, OPEN_MS, PROBE_AGAIN_MS, still_out
from rota.errors import ModelUnavailableError, ProviderError, ProviderTimeoutError, RateLimitedError
from rota.learned import Learned, Sample, pace
from rota.ledger import Ledger
from rota.ledger_writes import blocking, finding, setting, shrinking, striking
from rota.quotas import MINUTE_S, WHOLE

UNKNOWN_MS = 5_000
"""How long to keep off after a refusal that names no time."""


class Notices:
    """Tell all callers."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger, self._table, self._clock = ledger, ledger.table, ledger.clock
        self._seen: dict[str, int] = {}

    def block(self, model: str, until_ms: int) -> None:
        """Keep new calls off a model until then. Whoever does not learn of it is refused once and blocks again."""
        self._table.write(model, blocking(until_ms))

    def refused(self, booking: Booking, error: RateLimitedError) -> None:
        """A 429 in spite of a booking, given back by now: the quota is lower than it stands, or others spend it too."""
        now_ms = self._clock.now_ms()
        wait_ms = UNKNOWN_MS if error.retry_after_s is None else round(error.retry_after_s * 1000)
        self.block(booking.model, now_ms + wait_ms)
        if error.limit_kind in ("tpd", "rpd"):
            return  # spent for today: nothing to be learned about minutes
        account = self._ledger.account(booking.model)
        if self._is_lower(account, error.limit_tokens):
            return
        before = account.standing
        after = before.shrink(now_ms // 1000, _shown(account, booking, now_ms))
        if after != before:
            self._table.write(booking.model, shrinking(before, after, account.limiters))

    def failed(self, booking: Booking, error: ProviderError, took_ms: int) -> None:
        """The vendor could not do it, whatever the quota."""
        now_ms = self._clock.now_ms()
        also = still_out(booking, self._ledger.health, now_ms // 1000)
        if isinstance(error, ProviderTimeoutError):
            learned = Learned.of(Sample(0, 0, pace(took_ms, booking.max_output_tokens)), timed_out=True)
            self._table.write(booking.model, striking(booking, 1, None, learned, also))
            return
        open_ms = PROBE_AGAIN_MS if booking.is_probe else OPEN_MS
        if isinstance(error, ModelUnavailableError):
            open_ms = GONE_MS
        self._table.write(booking.model, striking(booking, 2, now_ms + open_ms, Learned(), also))

    def too_large(self, model: str, limit_tokens: int | None) -> None:
        """A vendor refused one call as above its whole quota: it stands lower than we thought."""
        self._is_lower(self._ledger.account(model), limit_tokens)

    def _is_lower(self, account: Account, limit_tokens: int | None) -> bool:
        """Whether the vendor named a lower quota than the one that stands; then that one stands."""
        if not limit_tokens or "tpm" not in account.whole or limit_tokens >= account.whole["tpm"].amount:
            return False
        return self.found(account.model, {"tpm": limit_tokens})

    def seen(self, model: str, limit_tokens: int | None) -> None:
        """The tokens per minute that a reply's headers name. Costs a read when this process first sees them."""
        if not limit_tokens or self._seen.get(model) == limit_tokens:
            return
        self._seen[model] = limit_tokens
        account = self._ledger.account(model)
        if "tpm" in account.whole and limit_tokens != account.standing.found.get("tpm", account.whole["tpm"].amount):
            self.found(model, {"tpm": limit_tokens})

    def found(self, model: str, amounts: Amounts) -> bool:
        """Quotas that the vendor was found to give, per kind of limit; above a ceiling they stand at the ceiling."""
        return self._table.write(model, finding(amounts))

    def set(self, model: str, by_hand: Mapping[str, int | None], disabled: bool | None = None) -> bool:
        """Quotas set by a person (None: back to what was found or configured), and whether the model is used at all."""
        kinds = self._ledger.account(model).limiters
        return self._table.write(model, setting(kinds, by_hand, disabled))


def _shown(account: Account, booking: Booking, now_ms: int) -> int:
    """The most, in permille, that a quota can hold which did not take the call on top of all that is booked."""
    shares = [
        WHOLE * (account.used(kind, now_ms) + units - 1) // account.whole[kind].amount
        for kind, units in booking.amounts.items()
        if account.whole[kind].window_s == MINUTE_S
    ]
    return max(shares, default=WHOLE)
