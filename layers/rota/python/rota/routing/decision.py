"""What routing decided, and why: logged, returned to the caller, counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from rota.catalog import Model
from rota.routing.complexity import Complexity
from rota.schemas import Tier


@dataclass(frozen=True, slots=True)
class Decision:
    """`candidates` in order of preference; `fallbacks` are further groups, for when none of the candidates will do.

    `rule` says what decided: `asked`, `rule:<name>`, `step`, `default` or `experiment:<name>:<arm>`; `target` where
    that leads, such as `tier:2`; `tier` is the one that was aimed at, None for pools and models. `left_out` has a
    reason for each model of the target that cannot serve, `why` the decision in sentences. `promoted` counts the groups
    that were given up.
    """

    rule: str
    target: str
    candidates: tuple[Model, ...]
    left_out: Mapping[str, str]
    fallbacks: tuple[tuple[Model, ...], ...] = ()
    tier: Tier | None = None
    complexity: Complexity | None = None
    experiment: str | None = None
    why: tuple[str, ...] = ()
    promoted: int = 0

    def promote(self, why: str) -> Decision | None:
        """The same with its next group as candidates; None when there is none."""
        if not self.fallbacks:
            return None
        return replace(
            self,
            candidates=self.fallbacks[0],
            fallbacks=self.fallbacks[1:],
            why=(*self.why, why),
            promoted=self.promoted + 1,
        )

    def as_dict(self) -> dict[str, Any]:
        """As JSON for a person or a program; never a request's text."""
        complexity = self.complexity
        return {
            "rule": self.rule,
            "target": self.target,
            "tier": self.tier,
            "score": complexity.score if complexity else None,
            "level": complexity.level if complexity else None,
            "confidence": complexity.confidence if complexity else None,
            "signals": dict(complexity.signals) if complexity else {},
            "candidates": [model.id for model in self.candidates],
            "fallbacks": [[model.id for model in group] for group in self.fallbacks],
            "left_out": dict(self.left_out),
            "experiment": self.experiment,
            "why": list(self.why),
        }
