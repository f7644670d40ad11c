"""Names in a pool file that stand for something else in it: whether that is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_TARGETS = ("routing.default", "routing.rules.*.use", "routing.fallbacks.*", "experiments.*.arms.*.use")
_NAMES = {
    "providers": ("models.*.provider",),
    "pools": ("steps.*.pool", "routing.classifier.pool", "checks.*.pool", *(f"{each}.pool" for each in _TARGETS)),
    "models": (
        *("pools.*.models.*", "shadows.*.model"),
        *(f"{each}.{last}" for each in _TARGETS for last in ("model", "prefer", "prefer.*")),
    ),
    "tiers": tuple(f"{each}.tier" for each in _TARGETS),
}
"""Where in the file a name stands for something that must be there too; `*` is any key or place in a list."""


def unknown_names(document: Any) -> Iterator[tuple[str, str]]:
    """Names that nothing in the file has, by path. Whatever else is wrong with the file is passed over."""
    names = {
        "providers": [path[-1] for path, _ in _at(document, "providers.*")],
        "pools": [path[-1] for path, _ in _at(document, "pools.*")],
        "models": [model_id for _, model_id in _at(document, "models.*.id")],
        "tiers": ["auto", *sorted({tier for _, tier in _at(document, "models.*.tier") if tier in (1, 2, 3)})],
    }
    places = [
        (place, names[kind]) for kind, patterns in _NAMES.items() for each in patterns for place in _at(document, each)
    ]
    for path, pool in _at(document, "pools.*"):
        models = [name for _, name in _at(pool, "models.*")]
        places += [(((*path, *below), below[-1]), models) for below, _ in _at(pool, "weights.*")]
    for (path, name), allowed in places:
        if isinstance(name, str | int) and name not in allowed:
            from rota.validation import meant  # only wrong files need it

            listed = ", ".join(sorted(map(str, allowed)))
            yield ".".join(map(str, path)), f"unknown name {name!r}; allowed: {listed}{meant(name, allowed)}"


def _at(value: Any, pattern: str) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every place of a document that a pattern such as `models.*.id` fits, and what stands there."""
    part, _, rest = pattern.partition(".")
    if isinstance(value, Mapping):
        found = [(key, below) for key, below in value.items() if part in ("*", key)]
    else:
        found = list(enumerate(value)) if part == "*" and isinstance(value, list | tuple) else []
    for key, below in found:
        if not rest:
            yield (key,), below
        else:
            yield from (((key, *path), last) for path, last in _at(below, rest))
