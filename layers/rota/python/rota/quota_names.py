"""Which of AWS's quotas is which model's: Service Quotas has no ids of models, only names made for people.

    On-demand model inference tokens per minute for Amazon Nova Pro              amazon.nova-pro-v1:0
    Cross-region model inference requests per minute for Anthropic Claude 3.5 Sonnet V2
                                                                            us.anthropic.claude-3-5-sonnet-20241022-v2:0
    Global cross-region model inference tokens per day for …                     global.…
    Model invocation max tokens per day for … (doubled for cross-region calls)   any but global.…

A name is the model's when its words are and its numbers stand in the same order. Nothing is taken that is only similar:
what AWS spells differently is named by `quota_name` in rota.yaml, or stays unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from rota.catalog import PROFILE_PREFIXES, Model

Scope = Literal["on-demand", "cross-region", "global cross-region"]

_RATE = re.compile(
    r"(on-demand|cross-region|global cross-region) (?:model inference|model invocation|invokemodel) "
    r"(tokens|requests) per (minute|day) for (.+)"
)
_DAY = re.compile(r"model invocation max tokens per day for (.+?)( \(doubled for cross-region calls\))?")
_KINDS = {
    ("tokens", "minute"): "tpm",
    ("requests", "minute"): "rpm",
    ("tokens", "day"): "tpd",
    ("requests", "day"): "rpd",
}
_ID_SUFFIX = re.compile(r"(-v?[01])?:.*$|-v1$")
"""`-v1:0`, `-1:0`, `-v0:2`. Later versions stay: they are models of their own."""
_DATE = re.compile(r"-20\d{6}(?=-|$)")
_WORD = re.compile(r"v\d+|\d+[bmk]\b|\d+|[a-z]+")
_COMPANY = {"ai", "labs"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One quota as Service Quotas lists it."""

    name: str
    amount: int


@dataclass(frozen=True, slots=True)
class Matched:
    """A model's quotas by kind of limit, and those kinds for which several different ones bear its name."""

    amounts: Mapping[str, int] = field(default_factory=dict)
    ambiguous: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def match(model: Model, entries: Iterable[Entry]) -> Matched:
    """The quotas among `entries` that hold for calls of this Bedrock model."""
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        kind, amount = _reading(model, entry)
        if kind:
            found.setdefault(kind, []).append(Entry(entry.name, amount))
    clear = {kind: same[0].amount for kind, same in found.items() if len({entry.amount for entry in same}) == 1}
    unclear = {kind: tuple(sorted(e.name for e in several)) for kind, several in found.items() if kind not in clear}
    return Matched(clear, unclear)


def scope_of(vendor_model: str) -> Scope:
    """Which of a model's quotas a call of this id counts against."""
    prefix = vendor_model.partition(".")[0]
    if prefix not in PROFILE_PREFIXES:
        return "on-demand"
    return "global cross-region" if prefix == "global" else "cross-region"


def _reading(model: Model, entry: Entry) -> tuple[str, int]:
    """The kind of limit and the amount that an entry means for this model; no kind when it is not the model's."""
    name, scope = " ".join(entry.name.lower().split()), scope_of(model.vendor_model)
    if rate := _RATE.fullmatch(name):
        named_scope, unit, period, named = rate.groups()
        is_mine = named_scope == scope and _is_of(model, named)
        return (_KINDS[unit, period], entry.amount) if is_mine else ("", 0)
    if (day := _DAY.fullmatch(name)) and scope != "global cross-region" and _is_of(model, day[1]):
        return "tpd", entry.amount * (2 if day[2] and scope == "cross-region" else 1)
    return "", 0


def _is_of(model: Model, named: str) -> bool:
    """Whether AWS's name for a model (lower case) is this model's."""
    if model.quota_name:
        return named == " ".join(model.quota_name.lower().split())
    vendor, _, base = _without_profile(model.vendor_model).partition(".")
    base = _DATE.sub("", _ID_SUFFIX.sub("", base))
    mine = {_key(base), _key(f"{vendor}-{base}")}
    return not mine.isdisjoint({_key(named), _key(_without_vendor(named, vendor))})


def _without_profile(vendor_model: str) -> str:
    prefix, _, rest = vendor_model.partition(".")
    return rest if prefix in PROFILE_PREFIXES else vendor_model


def _without_vendor(named: str, vendor: str) -> str:
    """`mistral ai mistral 7b` → `mistral 7b`: the maker's name in front, if it is there."""
    words = named.split()
    if words[0].removesuffix(".ai") != vendor:
        return named
    rest = words[1:]
    return " ".join(rest[1:] if rest and rest[0] in _COMPANY else rest)


def _key(text: str) -> tuple[tuple[str, ...], str]:
    """What must be equal: the words in any order (Claude 3.5 Sonnet, Sonnet 3.5), the digits of its version in theirs.

    AWS says `V1`, `3.0` and `Instruct` of some models and leaves them out of others.
    """
    parts = _WORD.findall(re.sub(r"(\d)\.0\b", r"\1", text.lower()))
    words = sorted(part for part in parts if not part.isdigit() and part not in ("v1", "instruct"))
    return tuple(words), "".join(part for part in parts if part.isdigit())
