"""Faults on request: what goes wrong, for which model, how often."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any


class FaultKind(StrEnum):
    """What goes wrong. The first group answers at once and spends nothing, the second takes a call's tokens."""

    RATE_LIMIT = "rate_limit"
    ERROR = "error"
    OUTAGE = "outage"
    CAPACITY = "capacity"
    TOO_LARGE = "too_large"
    DENIED = "denied"
    NOT_FOUND = "not_found"
    DISCONNECT = "disconnect"

    HANG = "hang"
    DRIP = "drip"
    MALFORMED = "malformed"
    EMPTY = "empty"
    SCHEMA_BREAK = "schema_break"
    DOUBT = "doubt"
    HALLUCINATE = "hallucinate"
    SLOW = "slow"


SPENDING = frozenset(
    {
        FaultKind.HANG,
        FaultKind.DRIP,
        FaultKind.MALFORMED,
        FaultKind.EMPTY,
        FaultKind.SCHEMA_BREAK,
        FaultKind.DOUBT,
        FaultKind.HALLUCINATE,
        FaultKind.SLOW,
    }
)


@dataclass(slots=True)
class Fault:
    """One order: `count` calls (None: until cleared) of `model` (`*`: every one), each with `probability`.

    `status` belongs to `error`, `factor` to `slow`, `retry_after_s` to `rate_limit`, `error` replaces Bedrock's
    error type (`ModelNotReadyException` for instance) and `message` its sentence.
    """

    model: str
    kind: FaultKind
    count: int | None = None
    probability: float = 1.0
    status: int = 500
    factor: float = 4.0
    retry_after_s: float = 5.0
    error: str = ""
    message: str = ""


def parse_fault(order: Mapping[str, Any]) -> Fault:
    """A fault from the admin endpoint's JSON. Raises ValueError with what is allowed."""
    known = {field.name for field in fields(Fault)}
    unknown = set(order) - known
    if unknown or "kind" not in order:
        raise ValueError(f"a fault has the fields {', '.join(sorted(known))} and needs `kind`; got {sorted(order)}")
    return Fault(**{"model": "*", **order, "kind": FaultKind(order["kind"])})


class FaultBook:
    """The orders that are open, drawn from in the order they were given."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._faults: list[Fault] = []

    def order(self, fault: Fault) -> None:
        """Add one."""
        self._faults.append(fault)

    def clear(self, model: str | None = None) -> None:
        """Withdraw all, or those of one model."""
        self._faults = [fault for fault in self._faults if model is not None and fault.model != model]

    def open_orders(self) -> list[dict[str, Any]]:
        """Those that can still happen."""
        return [asdict(fault) for fault in self._faults]

    def draw(self, model: str) -> Fault | None:
        """The fault that befalls this call, if any; its count goes down."""
        for fault in self._faults:
            if fault.model in ("*", model) and self._random.random() < fault.probability:
                if fault.count is not None:
                    fault.count -= 1
                    self._faults = [other for other in self._faults if other.count != 0]
                return fault
        return None
