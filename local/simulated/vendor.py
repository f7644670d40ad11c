"""The vendor behind both wires: admits a call by its quotas, thinks for a while, answers, and settles."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from local.simulated.faults import FaultBook
from local.simulated.models import ModelConfig
from local.simulated.quotas import Charge, Quotas, Refusal
from local.simulated.tally import CountedCall, Tally
from rota.providers.simulated import Extract, SimulatedModel, SimulatedReply

_FILLER = "simulated words without meaning "


@dataclass(frozen=True, slots=True)
class Asked:
    """What a call asks, whichever wire it came by; `max_output_tokens` is None when the caller set no bound."""

    vendor_model: str
    system: str
    prompt: str
    max_output_tokens: int | None = None
    json_schema: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Admission:
    """A call that passed the quotas and is under way."""

    charges: list[Charge]
    counted: CountedCall
    input_tokens: int


class VendorModel:
    """One model at its vendor: quotas, counters, and the model itself."""

    def __init__(self, config: ModelConfig, extract: Extract, seed: int) -> None:
        self.config = config
        self.tally = Tally()
        # Bedrock documents that an unspent reservation comes back; its windows always settle.
        self.quotas = Quotas(config.limits, config.refunds or config.wire == "bedrock")
        self._random = random.Random(f"{seed}:{config.id}")
        self._brain = SimulatedModel(extract, config.characters_per_token)

    def input_tokens(self, asked: Asked) -> int:
        """Tokens of the prompt as this model counts them."""
        return self._brain.count_input_tokens(asked.system, asked.prompt, asked.json_schema)

    def output_limit(self, asked: Asked) -> int:
        """The most tokens that this call may bring forth."""
        return self.config.max_output_tokens if asked.max_output_tokens is None else asked.max_output_tokens

    def admit(self, now_s: float, asked: Asked) -> Admission | Refusal:
        """Reserve what the call may need.

        Without a bound Bedrock reserves the model's maximum output; Groq, whose quotas are smaller than that, must
        leave it out and charges it afterwards.
        """
        input_tokens = self.input_tokens(asked)
        unbounded = asked.max_output_tokens is None and self.config.wire != "bedrock"
        output_tokens = 0 if unbounded else self.output_limit(asked)
        charges = self.quotas.admit(now_s, input_tokens, output_tokens)
        if isinstance(charges, Refusal):
            return charges
        return Admission(charges, self.tally.admit(now_s, input_tokens + output_tokens), input_tokens)

    def settle(self, now_s: float, admission: Admission, reply: SimulatedReply) -> None:
        """Replace the reservation by what was used; Bedrock multiplies output by the model's burndown."""
        burned = math.ceil(reply.output_tokens * self.config.output_burndown)
        self.quotas.settle(now_s, admission.charges, admission.input_tokens, burned)
        self.tally.settle(
            admission.counted, admission.input_tokens, reply.output_tokens, admission.input_tokens + burned
        )

    def answer(self, asked: Asked) -> SimulatedReply:
        """The model's own work: read the prompt and write."""
        bound = self.output_limit(asked)
        if self.config.answers == "filler" and asked.json_schema is None:
            return self._filler(asked, math.ceil(bound * self.config.output_share))
        return self._brain.reply(asked.system, asked.prompt, bound, asked.json_schema)

    def _filler(self, asked: Asked, tokens: int) -> SimulatedReply:
        characters = math.floor(tokens * self.config.characters_per_token)
        text = (_FILLER * (characters // len(_FILLER) + 1))[:characters]
        return SimulatedReply(text, self.input_tokens(asked), self._brain.count_tokens(text), "end")

    def latency_s(self, output_tokens: int) -> float:
        """How long this answer takes, in vendor seconds; the series is the same for the same seed."""
        latency = self.config.latency
        median_s = (latency.base_ms + latency.per_token_ms * output_tokens) / 1000
        return median_s * self._random.lognormvariate(0.0, latency.sigma)


class Vendors:
    """All simulated models and the faults that were ordered for them.

    `clock` gives real seconds; vendor time runs `time_scale` times as fast, so a minute's quota is back in
    60 / time_scale seconds, and what vendors say about waiting is said in the caller's (real) seconds.
    """

    def __init__(
        self,
        configs: Mapping[str, ModelConfig],
        extract: Extract,
        clock: Callable[[], float],
        time_scale: float = 1.0,
        seed: int = 0,
    ) -> None:
        self.time_scale = time_scale
        self.faults = FaultBook(seed)
        self._extract, self._clock, self._seed = extract, clock, seed
        self._started_s = clock()
        self._models = {name: VendorModel(config, extract, seed) for name, config in configs.items()}

    def now_s(self) -> float:
        """Vendor seconds since the start."""
        return (self._clock() - self._started_s) * self.time_scale

    def real_s(self, vendor_s: float) -> float:
        """A vendor's duration as its callers live it."""
        return vendor_s / self.time_scale

    def models(self) -> Iterable[VendorModel]:
        """All of them."""
        return self._models.values()

    def find(self, wire: str, vendor_model: str) -> VendorModel | None:
        """The model that the vendor calls so."""
        named = (m for m in self._models.values() if m.config.vendor_model == vendor_model and m.config.wire == wire)
        return next(named, None)

    def change(self, model_id: str, changes: Mapping[str, Any]) -> ModelConfig:
        """Give a model (a new one needs `vendor_model` and `wire`) other properties; its quotas start afresh.

        Raises ValueError for a change that makes no sense.
        """
        known = self._models.get(model_id)
        if known is None and not {"vendor_model", "wire"} <= set(changes):
            raise ValueError(f"unknown model {model_id!r}; a new one needs vendor_model and wire")
        config = known.config if known else ModelConfig(model_id, changes["vendor_model"], changes["wire"])
        changed = config.changed(changes)
        self._models[model_id] = VendorModel(changed, self._extract, self._seed)
        return changed

    def reset(self) -> None:
        """Empty quotas, counters and faults; changed properties stay."""
        self.faults.clear()
        self._models = {name: VendorModel(m.config, self._extract, self._seed) for name, m in self._models.items()}
