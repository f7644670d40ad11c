"""A routing decision as a person reads it: what decided, how demanding the request is, who may take it and when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cli.figures import amount, bar, counted, duration, money
from cli.table import table_lines
from cli.texts import CodeGroup
from rota.documents.code.complexity import COMPLEX_ABOVE

CANDIDATE_TITLES = ["model", "tier", "can start", "costs at most", "breaker"]
NAMED = 5
"""So many files are named that could not be analysed."""


def decision_lines(decision: Mapping[str, Any], now_ms: float) -> Iterator[str]:
    """The reply of `POST /v1/route` in lines."""
    yield f"To {_words(decision['target'])}: {_because(decision)}."
    yield from _complexity_lines(decision)
    yield ""
    yield from _group_lines(decision, now_ms)
    if decision["left_out"]:
        yield "Left out:"
        yield from table_lines([[model, reason] for model, reason in decision["left_out"].items()], "  ")
    asked = f"{counted(decision['input_tokens'], 'token')} of input by estimate"
    yield f"\n{asked[0].upper()}{asked[1:]}. Nothing was called, and nothing is booked."


def group_lines(group: CodeGroup) -> Iterator[str]:
    """How complex the code of some files is, with what that is made of."""
    found, factors = group.complexity, group.complexity.factors
    kinds = ", ".join(f"{number} {kind}" for kind, number in factors.kinds.items())
    dependency = f"imports {factors.imports:.2f}, joined {factors.joined:.2f}, kind {factors.kind:.2f} ({kinds})"
    yield "\nThe code in these files, as a job would weigh it for the tier of its notes:\n"
    yield from _bars(
        [
            ("score", found.score, f"{'' if found.is_complex else 'not '}complex, which begins above {COMPLEX_ABOVE}"),
            ("  size", found.size, f"{amount(factors.total_bytes)} bytes"),
            ("  dependency", found.dependency, dependency if found.analysed else "not analysed"),
            ("  files", found.files, counted(group.files, "file")),
        ]
    )
    if group.not_analysed:
        more = len(group.not_analysed) - NAMED
        named = ", ".join(group.not_analysed[:NAMED]) + (f" and {more} more" if more > 0 else "")
        yield f"  Not analysed here, and so without imports: {named}."


def _because(decision: Mapping[str, Any]) -> str:
    """What decided, from `Decision.rule`."""
    kind, _, name = decision["rule"].partition(":")
    experiment, _, arm = (decision["experiment"] or "").partition(":")
    said = {
        "asked": "the request asked for it",
        "rule": f"by the rule {name} of rota.yaml",
        "step": "the pool of its step",
        "default": "by routing.default of rota.yaml",
        "experiment": f"by the arm {arm} of the experiment {experiment}",
    }.get(kind, str(decision["rule"]))
    if experiment and kind != "experiment":
        said += f"; counted for the arm {arm} of the experiment {experiment}"
    return said


def _complexity_lines(decision: Mapping[str, Any]) -> Iterator[str]:
    if decision["level"] is None:
        yield "How demanding it is was not looked at: nothing depended on it."
    else:
        judged = f"{decision['level']}, confidence {decision['confidence']:.2f}"
        signals = [(f"  {name.replace('_', ' ')}", value, "") for name, value in decision["signals"].items()]
        yield ""
        yield from _bars([("score", decision["score"], judged), *signals])
    why = list(decision["why"])
    if decision["level"] is not None and decision["classifier"] == "model":
        why.append("judged by rules here; a real call asks the small model of routing.classifier first")
    if why:
        yield ""
    yield from (f"  · {sentence}" for sentence in why)


def _group_lines(decision: Mapping[str, Any], now_ms: float) -> Iterator[str]:
    """The candidates and each group of fallbacks, in one table."""
    models = {model["id"]: model for model in decision["models"]}
    groups: Sequence[Sequence[str]] = [decision["candidates"], *decision["fallbacks"]]
    lines = table_lines([CANDIDATE_TITLES, *(_cells(models[name], now_ms) for group in groups for name in group)], "  ")
    yield "The first of these that can start, in this order of preference:"
    yield next(lines)
    for at, group in enumerate(groups):
        if at:
            yield "When they fail:" if at == 1 else "Then:"
        yield from (next(lines) for _ in group)


def _cells(model: Mapping[str, Any], now_ms: float) -> list[str]:
    start_ms = model["start_ms"]
    wait_s = 0 if start_ms is None else (start_ms - now_ms) / 1000
    when = "never" if start_ms is None else f"in {duration(wait_s)}" if wait_s >= 1 else "now"
    return [model["id"], str(model["tier"]), when, money(model["most_usd"]), model["breaker"]]


def _bars(rows: Sequence[tuple[str, float, str]]) -> Iterator[str]:
    yield from table_lines([[name, bar(share), f"{share:.2f}", said] for name, share, said in rows], "  ")


def _words(target: str) -> str:
    """`tier:2` as `tier 2`."""
    return target.replace(":", " ", 1)
