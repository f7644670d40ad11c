"""What trying a regular expression on a text can cost, so that no pattern of a caller's holds a function up.

Python's matcher goes back and tries again: `(a+)+$` takes for ever on some forty letters, and cannot be stopped. In how
many ways it may have to try is seen in the pattern: each length of each repeat with each of the others, each
alternative, each place to begin at.
"""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Callable, Iterable
from functools import lru_cache
from re import _constants as ops  # type: ignore[attr-defined]  # the parser has no public name
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

Cost = Callable[[int], float]

_SINGLE = {ops.LITERAL, ops.NOT_LITERAL, ops.ANY, ops.IN, ops.AT, ops.CATEGORY, ops.GROUPREF}
_GROUPS: dict[Any, Callable[[Any], Iterable[Any]]] = {
    ops.SUBPATTERN: lambda argument: argument[-1],
    ops.ATOMIC_GROUP: lambda argument: argument,
    ops.ASSERT: lambda argument: argument[1],
    ops.ASSERT_NOT: lambda argument: argument[1],
}
_REPEATS = {ops.MAX_REPEAT, ops.MIN_REPEAT, ops.POSSESSIVE_REPEAT}
_ANCHORS = {ops.AT_BEGINNING, ops.AT_BEGINNING_STRING}


@lru_cache(maxsize=64)
def cost(pattern: str) -> Cost:
    """How many steps a search for `pattern` takes at most in a text of so many characters; infinite when too many.

    Raises ValueError for what is no pattern: its message says why.
    """
    try:
        with warnings.catch_warnings(action="ignore"):  # doubts about a caller's pattern are nobody's to read
            re.compile(pattern)  # kept by `re`, so that the search does not warn either
            tree = parser.parse(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(str(error)) from error
    anchored = bool(tree) and tree[0] in [(ops.AT, anchor) for anchor in _ANCHORS] and not tree.state.flags & re.M

    def steps(length: int) -> float:
        places = 1 if anchored else length + 1
        return places * (len(pattern) * _ways(tree, length) + length)

    return steps


def _ways(items: Iterable[Any], length: int) -> float:
    """In how many ways a sequence may match, in a text of that length. Its repeats share the text's characters."""
    repeats, ways = 0, 1.0
    for op, argument in items:
        if op in _REPEATS and argument[1] >= length and _ways(argument[2], length) == 1:
            repeats += 1
        else:
            ways *= _ways_of(op, argument, length)
    return ways * math.comb(length + repeats, repeats)


def _ways_of(op: Any, argument: Any, length: int) -> float:
    if op in _SINGLE:
        return 1.0
    if op in _GROUPS:
        return _ways(_GROUPS[op](argument), length)
    if op is ops.BRANCH:
        return sum(_ways(branch, length) for branch in argument[1])
    if op in _REPEATS:
        least, most, items = argument
        return _repeated(_ways(items, length), least, max(least, min(int(most), length)))
    return math.inf


def _repeated(ways: float, least: int, most: int) -> float:
    try:
        return (most - least + 1) * max(1.0, ways) ** most
    except OverflowError:
        return math.inf
