"""Strategies: in which order a pool's eligible models are preferred. The ledger then takes the first that can start
now, or else the one that can start soonest.

A strategy is a file here with a function `order` of type `Order`, and its name in `rota.policy.Strategy`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import import_module

from rota.catalog import Model, Pool
from rota.learned import Learned
from rota.policy import Strategy
from rota.routing.request import ModelRequest

Live = Mapping[str, Learned]
"""What models' calls have taught lately, by id; empty where nothing is known, or no strategy asks for it."""
Order = Callable[[Sequence[Model], Pool, ModelRequest, Live], list[Model]]


@cache
def strategy(name: Strategy) -> Order:
    """The strategy of that name, imported when it is first used."""
    order: Order = import_module(f"{__name__}.{name.value}").order
    return order
