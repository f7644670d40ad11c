"""What a call costs in money, and what it counts against each kind of quota."""

from __future__ import annotations

import math
from collections.abc import Mapping

from rota.catalog import Model
from rota.usage import Usage


def cost_nanousd(model: Model, usage: Usage) -> int:
    """The price of a call in billionths of a US dollar, rounded up."""
    price = model.price
    cached_usd = price.input_usd if price.cached_usd is None else price.cached_usd
    millionths = (
        usage.input_tokens * price.input_usd + usage.cached_tokens * cached_usd + usage.output_tokens * price.output_usd
    )
    return math.ceil(round(millionths * 1000, 6))


def booked_amounts(model: Model, input_tokens: int, max_output_tokens: int) -> Mapping[str, int]:
    """Units per limit that the vendor may reserve when the call starts.

    Bedrock reserves `input + max_tokens` and settles at `input + output * burndown`: book the larger of both.
    """
    burned = math.ceil(max_output_tokens * max(1.0, model.output_burndown))
    return _amounts(model, input_tokens, burned)


def used_amounts(model: Model, usage: Usage) -> Mapping[str, int]:
    """Units per limit that stand after the call (cached input is free of quota at both vendors)."""
    return _amounts(model, usage.input_tokens, math.ceil(usage.output_tokens * model.output_burndown))


def _amounts(model: Model, input_tokens: int, output_tokens: int) -> Mapping[str, int]:
    total = input_tokens + output_tokens
    by_kind = {"tpm": total, "tpd": total, "itpm": input_tokens, "otpm": output_tokens, "rpm": 1, "rpd": 1}
    return {limit.name: by_kind[limit.name] for limit in model.limits}
