"""Every error Rota raises, as one tree that can be caught at any depth.

    RotaError
    ├─ InvalidInputError            a person's input is wrong; `field` names it                         400 / 422
    │  ├─ CatalogError              rota.yaml is wrong; `field` is the path of the line
    │  └─ PayloadTooLargeError      more than a request or a document may hold                          413
    ├─ NotFoundError                no such job, key, document                                          404
    ├─ ConflictError                the same idempotency key with another body                          409
    ├─ JobStoppedError              somebody stopped the job
    ├─ BudgetSpentError             a budget of the month has no room for a call                      402
    ├─ UnreadableDocumentError      one document cannot be turned into text; the job goes on
    ├─ SearchFailedError            a web search was refused or not answered; `provider`, `status`      502
    ├─ TooManyFailuresError         more of a job's batches failed than it tolerates
    ├─ NoCapacityError              no model of the pool could ever take this call
    │  └─ PoolBusyError             none can as soon as it must be                                      429
    ├─ InvalidOutputError           a model answered, but not in the form asked for
    │  └─ DoubtfulOutputError       in the form, but it does not know, or another model found it wrong
    ├─ AllModelsFailedError         every candidate failed; `attempts` says how
    └─ ProviderError                a vendor said no; `provider`, `model`, `status`
       ├─ RateLimitedError          429: over a quota; `retry_after_s`, `limit_tokens`, `used_tokens`
       ├─ RequestTooLargeError      413: this request is larger than the model's quota or context
       ├─ ProviderUnavailableError  5xx, 498, connection refused: the vendor's trouble, not the quota
       ├─ ProviderTimeoutError      no answer in time
       ├─ ModelUnavailableError     401 / 403 / 404: wrong key, not allowed, retired or unknown: another may do
       └─ ProviderRejectedError     400 / 422: the request itself is wrong: no other model cures it

`code` is the stable name that crosses a function's edge and stands in API replies; class names do not survive
Step Functions (every handler answers with data, see `schemas.StepResult`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """What a step's Lambda answers; the Choice states of the workflow read exactly these words."""

    DONE = "done"
    WAIT = "wait"
    AGAIN = "again"
    REDUCE = "reduce"
    FAILED = "failed"


class RotaError(Exception):
    """Anything that Rota itself raises."""

    code = "internal_error"
    http_status = 500


class InvalidInputError(RotaError):
    """Input that a person must correct: `field` is its path, the message says what is allowed."""

    code = "invalid_input"
    http_status = 400

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}" if field else message)
        self.field = field
        self.message = message


class CatalogError(InvalidInputError):
    """`rota.yaml` breaks a rule; `field` is the path of the offending line, such as `models.0.limits`."""

    code = "invalid_catalog"


class PayloadTooLargeError(InvalidInputError):
    """More bytes than may pass here; the message says the limit and what to use instead."""

    code = "payload_too_large"
    http_status = 413


class NotFoundError(RotaError):
    """The thing asked for does not exist, or belongs to somebody else."""

    code = "not_found"
    http_status = 404


class ConflictError(RotaError):
    """The request contradicts an earlier one, for instance an idempotency key used for another body."""

    code = "conflict"
    http_status = 409


class JobStoppedError(RotaError):
    """The job was stopped; nothing more may be spent on it."""

    code = "job_stopped"
    http_status = 409


class BudgetSpentError(RotaError):
    """A budget of the month has no room for a call; `budget` is whose, such as `user ada`. `spent_usd` includes what is
    held for calls under way."""

    code = "budget_spent"
    http_status = 402

    def __init__(self, message: str, *, budget: str, limit_usd: float, spent_usd: float) -> None:
        super().__init__(message)
        self.budget = budget
        self.limit_usd = limit_usd
        self.spent_usd = spent_usd


class UnreadableDocumentError(RotaError):
    """One source could not be turned into text; the message is the reason shown to the user."""

    code = "unreadable_document"


class SearchFailedError(RotaError):
    """A web search failed; `provider` is the vendor's kind, `status` its HTTP status (0 when there was no answer)."""

    code = "search_failed"
    http_status = 502

    def __init__(self, message: str, *, provider: str, status: int = 0) -> None:
        super().__init__(f"search by {provider} failed: {message}")
        self.provider = provider
        self.status = status


class TooManyFailuresError(RotaError):
    """More of a job's batches failed than it tolerates, or all of them. `code` is theirs where it says what to do."""

    code = "too_many_failures"

    def __init__(self, message: str, code: str = code) -> None:
        super().__init__(message)
        self.code = code


class NoCapacityError(RotaError):
    """No candidate can ever start this call: too large for every quota or context, disabled, or a day's quota spent.

    `too_large`: half of the call might be taken.
    """

    code = "no_capacity"
    http_status = 503

    def __init__(self, message: str, *, too_large: bool = False) -> None:
        super().__init__(message)
        self.too_large = too_large


class PoolBusyError(NoCapacityError):
    """No candidate can start this call as soon as it must; `retry_at_ms` is when one could (epoch milliseconds)."""

    code = "pool_busy"
    http_status = 429

    def __init__(self, message: str, retry_at_ms: int) -> None:
        super().__init__(message)
        self.retry_at_ms = retry_at_ms


class InvalidOutputError(RotaError):
    """A model's output does not have the form that was asked for."""

    code = "invalid_output"


class DoubtfulOutputError(InvalidOutputError):
    """A model's output has the right form, but says that it does not know, or another model found it wrong."""

    code = "doubtful_output"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One failed try of one model: the model's id, the error's code and sentence, the vendor's HTTP status (or 0)."""

    model: str
    code: str
    message: str
    status: int = 0


class AllModelsFailedError(RotaError):
    """Every candidate of the pool was tried and failed; `attempts` in the order they were made."""

    code = "all_models_failed"
    http_status = 502

    def __init__(self, attempts: Sequence[Attempt]) -> None:
        tried = "; ".join(f"{a.model}: {a.code} ({a.message})" for a in attempts)
        super().__init__(f"all models failed: {tried or 'no candidate was left'}")
        self.attempts = tuple(attempts)

    @property
    def too_large(self) -> bool:
        """Whether some model said that the call is too large for it, so that half of it might be taken."""
        return any(attempt.code == RequestTooLargeError.code for attempt in self.attempts)


class ProviderError(RotaError):
    """A vendor's error, translated in exactly one place per provider.

    `provider` and `model` are ids of rota.yaml, `status` is the HTTP status (0 when there was no answer).
    """

    code = "provider_error"
    http_status = 502

    def __init__(self, message: str, *, provider: str, model: str, status: int = 0) -> None:
        super().__init__(message)
        self.provider = provider
        self.model = model
        self.status = status


class RateLimitedError(ProviderError):
    """The vendor's 429. `retry_after_s` is what it asked for (None when it did not say).

    `limit_tokens` and `used_tokens` are the vendor's own figures of the tokens per minute when the message carries
    them (Groq's does), `limit_kind` is the limit it named, such as `rpm` (empty when it did not).
    """

    code = "rate_limited"

    def __init__(
        self,
        message: str,
        *,
        provider: str,
        model: str,
        status: int = 429,
        retry_after_s: float | None = None,
        limit_tokens: int | None = None,
        used_tokens: int | None = None,
        limit_kind: str = "",
    ) -> None:
        super().__init__(message, provider=provider, model=model, status=status)
        self.limit_kind = limit_kind
        self.retry_after_s = retry_after_s
        self.limit_tokens = limit_tokens
        self.used_tokens = used_tokens


class RequestTooLargeError(ProviderError):
    """This one request exceeds the model's quota or context; never retried unchanged on the same model.

    `limit_tokens` is the quota per minute that the vendor named (None when it did not).
    """

    code = "request_too_large"

    def __init__(
        self, message: str, *, provider: str, model: str, status: int = 413, limit_tokens: int | None = None
    ) -> None:
        super().__init__(message, provider=provider, model=model, status=status)
        self.limit_tokens = limit_tokens


class ProviderUnavailableError(ProviderError):
    """The vendor's own trouble: 5xx, Groq's 498, a refused or broken connection."""

    code = "provider_unavailable"


class ProviderTimeoutError(ProviderError):
    """No complete answer within the call's time-out."""

    code = "provider_timeout"


class ModelUnavailableError(ProviderError):
    """The model is retired, unknown or not allowed for this account, or the key is wrong; another one may do."""

    code = "model_unavailable"


class ProviderRejectedError(ProviderError):
    """The vendor rejects the request itself, such as a bad parameter; another model would not cure it."""

    code = "provider_rejected"
