"""Asking a vendor for its quotas by the smallest call there is: OpenAI's wire names them only in replies.

The call is booked and settled like any other, so that asking cannot go over the quota that is asked for. It teaches
nothing else: a prompt of two words has more of the vendor's own tokens in it than of ours.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from rota.accounts import Account, Counters
from rota.booking import Booking
from rota.catalog import Model
from rota.errors import (
    ModelUnavailableError,
    NoCapacityError,
    ProviderError,
    ProviderUnavailableError,
    RateLimitedError,
)
from rota.ledger import Ledger
from rota.ledger_notices import Notices
from rota.ledger_writes import Outcome
from rota.pricing import booked_amounts, used_amounts
from rota.providers.base import ModelCall, Provider, QuotaHint
from rota.usage import Usage

CALL = ModelCall(system="", prompt="Say yes.", max_output_tokens=1)
INPUT_TOKENS = 200
"""Booked for it: the models' own templates add up to a hundred tokens to such a prompt."""
WAIT_MS = 5_000
"""A model that has no room for longer is at work, and its calls see the headers."""
TIMEOUT_S = 20.0


def ask_for_quota(
    ledger: Ledger, provider: Provider, model: Model, account: Account, sleep: Callable[[float], None] = time.sleep
) -> QuotaHint:
    """What the headers of one call say.

    Raises NoCapacityError when the model cannot be called now, and the ProviderError of a call that failed.
    """
    booking = _book(ledger, model, account)
    sleep(max(0, booking.start_ms - ledger.clock.now_ms()) / 1000)
    if booking.is_void(ledger.clock.now_ms()):
        ledger.cancel(booking)
        raise NoCapacityError(f"{model.id} was not called in time")
    try:
        completion = provider.complete(model.id, model.vendor_model, CALL, TIMEOUT_S)
    except ProviderError as error:
        _give_back(ledger, booking, error)
        raise
    usage = completion.usage
    used = used_amounts(model, Usage(usage.input_tokens, max(usage.output_tokens, CALL.max_output_tokens)))
    counters = Counters(
        calls=1,
        latency_ms=completion.latency_ms,
        input_tokens=usage.input_tokens + usage.cached_tokens,
        output_tokens=usage.output_tokens,
        booked_tokens=booking.amounts.get("tpm", 0),
        used_tokens=used.get("tpm", 0),
    )
    ledger.settle(booking, Outcome(used, counters, answered=True))
    return completion.quota


def _book(ledger: Ledger, model: Model, account: Account) -> Booking:
    now_ms = ledger.clock.now_ms()
    if account.blocked_until_s * 1000 > now_ms:
        raise NoCapacityError(f"{model.id} is kept off: its vendor refused calls or failed")
    amounts = booked_amounts(model, INPUT_TOKENS, CALL.max_output_tokens)
    booked = ledger.book(account, amounts, now_ms + WAIT_MS)
    if isinstance(booked, Account):
        raise NoCapacityError(f"{model.id} has no room within {WAIT_MS // 1000} seconds")
    return booked


def _give_back(ledger: Ledger, booking: Booking, error: ProviderError) -> None:
    """Undo the booking unless the vendor may have spent it, and tell the other callers what they need to know."""
    if isinstance(error, RateLimitedError):
        ledger.count_refusal(booking)
        Notices(ledger).refused(booking, error)
        return
    if isinstance(error, ProviderUnavailableError | ModelUnavailableError):
        Notices(ledger).failed(booking, error, took_ms=0)
        if error.status >= 400:
            ledger.cancel(booking)
        return
    if error.status >= 400:
        ledger.cancel(booking, answered=True)
