"""How large DynamoDB's items get, which decides what every write to them costs: 1,024 bytes are one write unit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rota.attributes import typed
from rota.job_item import MODEL_COUNTERS, NewJob
from rota.ledger_item import COUNTERS, LEARNED, WINDOW, slot_name
from rota.limits import KEEP_S, SlidingWindow

WRITE_UNIT, READ_UNIT = 1024, 4096
AT_MS = 1_793_635_200_000
LARGE = 1_234_567_891
"""What a counter may read in the middle of a large job."""


def item_bytes(item: Mapping[str, Mapping[str, Any]]) -> int:
    """The size of an item as DynamoDB counts it: names, text as UTF-8, numbers at two digits a byte and one more."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def write_units(size: int) -> int:
    """Units of a write that leaves an item of this size."""
    return -(-size // WRITE_UNIT)


def _value_bytes(value: Mapping[str, Any]) -> int:
    [(kind, content)] = value.items()
    if kind == "N":
        digits = str(content).lstrip("-").strip("0")
        return (len(digits) + 1) // 2 + 1 + str(content).startswith("-")
    return len(content.encode()) if kind == "S" else 1


def job_item_bytes(models: int, query_characters: int) -> int:
    """A job's item while it summarises: its own attributes and the counters of so many models (ids of 11 letters)."""
    item = NewJob("j-0123456789abcdef", "ada", "api", "q" * query_characters, {"max_documents": 10_000}, AT_MS).item()
    counters = ["documents_total", "batches_total", "batches_done", "batches_waiting", "calls", "input_tokens"]
    counters += ["output_tokens", "cost_nanousd", "wait_ms", "eta_s", "estimate_nanousd"]
    names = [*counters, *(f"{name}:model-{number:05d}" for name in MODEL_COUNTERS[:3] for number in range(models))]
    return item_bytes(typed({**item, "status": "summarizing", "started_ms": AT_MS, **dict.fromkeys(names, LARGE)}))


def ledger_item_bytes(kinds: tuple[str, ...], ahead_s: int, tokens_a_slot: int = 12_345) -> int:
    """A model's item with a booking in every second that counts and in so many ahead, for limits of a minute."""
    item: dict[str, dict[str, str]] = {"model": {"S": "model-00001"}, "w": {"S": "0123456789ab"}}
    begin = AT_MS // 1000
    numbers = dict.fromkeys(("v", "b", *COUNTERS.values(), *LEARNED.values(), *WINDOW.values()), LARGE)
    numbers |= dict.fromkeys(("o", "m"), begin) | {"z": AT_MS}
    for kind in kinds:
        letter, units = slot_name(kind, 0)[0], tokens_a_slot if kind.startswith("t") else 7
        numbers |= {f"f{letter}": units, f"c{letter}": units, f"q{letter}": LARGE, f"u{letter}": begin * 1_000_000 + 1}
        span = SlidingWindow(1, 60).span + KEEP_S
        numbers |= {slot_name(kind, begin + at): units for at in range(-span, ahead_s + 1)}
    return item_bytes(item | {name: {"N": str(value)} for name, value in numbers.items()})
