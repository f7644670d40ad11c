"""Whether JSON conforms to a schema that somebody else wrote, found out within a bounded number of steps.

Schemas come from callers and values from models, and both may be hostile: references and choices can double the work
at every level, patterns can take for ever. Every keyword pays for what it looks at, and who has nothing left stops.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from math import isfinite
from typing import Any

from rota.errors import InvalidOutputError
from rota.steps.output import bare
from rota.steps.patterns import cost

MOST_STEPS = 2_000_000
"""For one output: some three seconds. An ordinary schema takes about 10,000 for 1,500 tokens, 600,000 for 60,000."""
KEYWORD_STEPS = 20
"""What applying one keyword to one value costs: ten to thirty microseconds."""
PATTERN_STEPS = 0.005
"""What one step of a pattern costs at most; see `patterns`. The dearest that were measured took two nanoseconds."""
EQUAL_STEPS = 6
"""What comparing two values costs that are no texts."""
DEEPEST = 100
"""Levels of a value: what is written about documents has fewer than ten."""
MOST_TRIES = 20
"""How many places of a text are tried as the beginning of the JSON."""
SHOWN = 5
"""How many problems are told: a model that repairs the first ones mostly repairs all."""
FORMATS = ("date", "email", "ipv4", "ipv6", "uuid")
"""What `format` means for sure, and the validator knows without more libraries; others are notes for the reader."""

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, and where. `text` quotes the schema but never the value, which is documents' words."""

    path: Path
    text: str

    def __str__(self) -> str:
        return f"{shown(self.path)}: {self.text}"


@dataclass(frozen=True, slots=True)
class Found:
    """A value that conforms, and the text that it was read from."""

    value: Any
    text: str


def shown(path: Sequence[str | int]) -> str:
    """A place in a value, such as `$.risks[0].title`."""
    return "$" + "".join(f"[{part}]" if isinstance(part, int) else f".{part[:60]}" for part in path)


class _TooManySteps(Exception):  # noqa: N818 - not a failure of the schema or the value
    """The check is given up."""


class Conformity:
    """One schema, ready to check values; not for two threads at once."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        from jsonschema import Draft202012Validator, FormatChecker  # half a tenth of a second
        from jsonschema.validators import extend, validator_for
        from jsonschema_specifications import REGISTRY

        draft: Any = validator_for(schema, default=Draft202012Validator)
        keywords = {name: self._paid(name, check) for name, check in draft.VALIDATORS.items()}
        own = {"pattern": self._pattern, "multipleOf": self._paid("multipleOf", _multiple_of)}
        counting: Any = extend(draft, {**keywords, **own})  # type: ignore[no-untyped-call]
        # A schema that names its draft would be handed to that draft's own validator, which does not count; by its
        # own name it could stand for another one.
        unnamed = {name: value for name, value in schema.items() if name not in ("$schema", "$id")}
        # Nothing outside the registry is looked up: it would be requests to addresses that a caller chooses.
        self._validator = counting(unnamed, registry=REGISTRY, format_checker=FormatChecker(FORMATS))
        self._opening = "[" if schema.get("type") == "array" else "{"
        self._left = 0

    def read(self, text: str) -> Found:
        """The JSON in a model's output: the whole, or the first that conforms among words around it.

        Raises InvalidOutputError, which names the problems of the first JSON that there is.
        """
        self._left = MOST_STEPS
        why = ""
        for found in _candidates(bare(text), self._opening):
            if isinstance(found, str):
                why = why or found
            elif problems := self._problems(found.value, SHOWN):
                why = why or f"does not conform to the schema: {'; '.join(map(str, problems))}"
            else:
                return found
        raise InvalidOutputError(f"the output {why or 'is not JSON'}")

    def problems(self, value: Any, steps: int = MOST_STEPS) -> list[Problem]:
        """What is wrong with a value; empty when it conforms.

        Raises InvalidOutputError when it cannot be checked, in `steps` for instance.
        """
        self._left = steps
        return self._problems(value, None)

    def _problems(self, value: Any, most: int | None) -> list[Problem]:
        from referencing.exceptions import Unresolvable

        if _levels(value) > DEEPEST:
            return [Problem((), f"is nested more than {DEEPEST} levels deep")]
        try:
            return [_problem(error) for error in islice(self._validator.iter_errors(value), most)]
        except (Unresolvable, RecursionError, ArithmeticError, _TooManySteps) as error:
            why = "too many steps" if isinstance(error, _TooManySteps) else type(error).__name__
            raise InvalidOutputError(f"the output cannot be checked against the schema: {why}") from error

    def _spend(self, steps: float) -> None:
        self._left -= int(min(steps, MOST_STEPS + 1))
        if self._left < 0:
            raise _TooManySteps

    def _paid(self, name: str, check: Callable[..., Any]) -> Callable[..., Iterator[Any]]:
        """A keyword's check that pays before it looks."""

        def paid(validator: Any, keyword: Any, value: Any, schema: Any) -> Iterator[Any]:
            self._spend(KEYWORD_STEPS + _size(keyword) + _size(value))
            if name == "uniqueItems" and not all(isinstance(each, str) for each in _items(value)):
                self._spend(EQUAL_STEPS * len(_items(value)) ** 2)  # each is compared with each
            yield from check(validator, keyword, value, schema) or ()

        return paid

    def _pattern(self, validator: Any, pattern: str, value: Any, schema: Any) -> Iterator[Any]:  # noqa: ARG002
        from jsonschema import ValidationError

        if isinstance(value, str):
            self._spend(KEYWORD_STEPS + PATTERN_STEPS * cost(pattern)(len(value)))
            if not re.search(pattern, value):
                yield ValidationError("")


def _multiple_of(validator: Any, step: Any, value: Any, schema: Any) -> Iterator[Any]:  # noqa: ARG001
    """By the digits that are written: as binary fractions 19.99 would be no multiple of 0.01."""
    from jsonschema import ValidationError

    if validator.is_type(value, "number") and (_decimal(value) / _decimal(step)).denominator != 1:
        yield ValidationError("")


def _decimal(number: float) -> Fraction:
    """A number as JSON writes it. A float's exponent is bounded, so that this is at most some hundred digits long.

    Raises OverflowError for what is no number, such as the infinity that 1e400000 is read as.
    """
    if not isinstance(number, float):
        return Fraction(number)
    if not isfinite(number):
        raise OverflowError
    return Fraction(repr(number))


def _problem(error: Any) -> Problem:
    return Problem(tuple(error.absolute_path), _sentence(error))


def _sentence(error: Any) -> str:
    """What the keyword asks for. A validator's own sentence quotes the value, which has no business in logs."""
    keyword, asked = error.validator, error.validator_value
    if keyword == "required":
        return f"lacks {', '.join(_json(name) for name in asked if name not in error.instance)[:200]}"
    if keyword in ("additionalProperties", "unevaluatedProperties"):
        known = list(error.schema.get("properties", {}))
        return f"has a property that is not allowed; known are {_json(known)[:200]}"
    if keyword == "type":
        return f"must be of type {_json(asked)}"
    if keyword == "enum":
        return f"must be one of {_json(asked)[:200]}"
    if keyword is None:
        return "is not allowed"
    return f"breaks {keyword}: {_json(asked)[:200]}"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _size(value: object) -> int:
    return len(value) if isinstance(value, list | dict) else 0


def _items(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _levels(value: Any) -> int:
    """How deep a value is nested, without going deeper than DEEPEST + 1."""
    level, depth = [value], 0
    while level and depth <= DEEPEST:
        depth += 1
        inner: list[Any] = []
        for each in level:
            inner += each.values() if isinstance(each, dict) else _items(each)
        level = inner
    return depth


def _candidates(text: str, opening: str) -> Iterator[Found | str]:
    """What can be read as JSON, from the left; or why that which begins like it cannot, and then no more.

    What is inside of something broken is only a part of it, and might conform by chance.
    """
    decoder = json.JSONDecoder(parse_constant=_refused, parse_float=_finite)
    at, end = 0, 0
    for _ in range(MOST_TRIES):
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            if text[at] == opening:
                yield f"is not JSON: {_why(error, text)}"
                return
        else:
            if isinstance(value, dict | list) or (at == 0 and end == len(text)):
                yield Found(value, text[at:end])
        at = end = text.find(opening, end)
        if at < 0:
            return


def _why(error: Exception, text: str) -> str:
    if isinstance(error, json.JSONDecodeError):
        cut = error.msg.startswith("Unterminated") or error.pos >= len(text)
        return "it breaks off at its end" if cut else f"{error.msg} at character {error.pos}"
    return "a number or the nesting is beyond what can be read"


def _refused(constant: str) -> float:
    raise ValueError(f"{constant} is not JSON")


def _finite(digits: str) -> float:
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise ValueError("a number is too large")
    return value
