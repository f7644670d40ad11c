"""The policy part of rota.yaml: tiers, rules, experiments, shadows, checks, budgets, as validated, frozen values.

What they mean is in `rota.routing`, one file per strategy; here is only what may be written.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from rota.schemas import Degree, Strict, Tier, UserTier

T = TypeVar("T")

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]
Level = Literal["simple", "medium", "complex"]
Task = Literal[
    "code",
    "review",
    "summarization",
    "translation",
    "analysis",
    "chat",
    "creative_writing",
    "classification",
    "extraction",
    "plan",
    "summarize",
    "analyze",
    "synthesize",
    "answer",
]
"""What a call is for: a kind of request, or one of a job's steps (the last five)."""
Need = Literal["json"]


class Strategy(StrEnum):
    """How one of a pool's models is picked: each is a file in `rota.routing.strategies` of the same name."""

    ROTATE = "rotate"
    EARLIEST = "earliest"
    CHEAPEST = "cheapest"
    FASTEST = "fastest"
    WEIGHTED = "weighted"


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str | int) else value


class _OneOrList:
    """Says in the JSON schema what `_listed` makes possible."""

    def __get_pydantic_json_schema__(self, core_schema: Any, handler: Any) -> dict[str, Any]:
        listed = handler(core_schema)
        return {"anyOf": [listed["items"], listed]}


Listed = Annotated[tuple[T, ...], BeforeValidator(_listed), _OneOrList()]
"""A list; its only element may stand by itself."""


def _numbered(value: Any) -> Any:
    return int(value) if value in ("1", "2", "3") else value


TierKey = Annotated[Tier, BeforeValidator(_numbered), WithJsonSchema({"type": "string", "pattern": "^[123]$"})]
"""A tier as a key, which is text in JSON, and so in the file that is deployed."""


class When(Strict):
    """Conditions on a request; all that are given must hold, and one of a condition's values is enough.

    `min_input_tokens` and `max_input_tokens` are inclusive. `user` and `feature` name who asks and for what.
    """

    task: Listed[Task] = ()
    complexity: Listed[Level] = ()
    user_tier: Listed[UserTier] = ()
    value: Listed[Degree] = ()
    error_tolerance: Listed[Degree] = ()
    business_impact: Listed[Degree] = ()
    needs: Listed[Need] = ()
    user: Listed[str] = ()
    feature: Listed[str] = ()
    min_input_tokens: int | None = Field(default=None, ge=0)
    max_input_tokens: int | None = Field(default=None, ge=0)


class Use(Strict):
    """Where a request goes: exactly one of a tier (`auto`: by complexity and stakes), a pool or a model.

    `prefer` names models of it that are taken first while they can start at once.
    """

    tier: Tier | Literal["auto"] | None = None
    pool: Name | None = None
    model: Name | None = None
    prefer: Listed[Name] = ()

    @model_validator(mode="after")
    def _exactly_one(self) -> Use:
        if sum(each is not None for each in (self.tier, self.pool, self.model)) != 1:
            raise ValueError("give exactly one of tier, pool, model")
        return self

    @property
    def label(self) -> str:
        """Such as `tier:2`, `pool:summaries` or `model:nova-pro`."""
        kind = next(kind for kind in ("tier", "pool", "model") if getattr(self, kind) is not None)
        return f"{kind}:{getattr(self, kind)}"


class Rule(Strict):
    """The first rule whose conditions hold decides. `name` is shown in decisions."""

    name: Name
    when: When = When()
    use: Use


class Classifier(Strict):
    """Who says how demanding a request is: `rules` (free), or a small model of `pool`, and rules when it is late.

    `timeout_ms` is how long the model may take, its wait for quota included.
    """

    kind: Literal["rules", "model"] = "rules"
    pool: Name | None = None
    timeout_ms: int = Field(default=2000, ge=100, le=20_000)

    @model_validator(mode="after")
    def _model_needs_pool(self) -> Classifier:
        if (self.kind == "model") != (self.pool is not None):
            raise ValueError("a classifier of kind model needs a pool, one of kind rules takes none")
        return self


class Thresholds(Strict):
    """Scores below `simple_below` are simple, from `complex_from` on complex, between them medium.

    A confidence within `unsure` goes one tier up.
    """

    simple_below: float = Field(default=0.3, gt=0, lt=1)
    complex_from: float = Field(default=0.7, gt=0, le=1)
    unsure: tuple[float, float] = (0.45, 0.55)

    @model_validator(mode="after")
    def _in_order(self) -> Thresholds:
        if self.simple_below >= self.complex_from:
            raise ValueError("simple_below must be less than complex_from")
        if not 0 <= self.unsure[0] <= self.unsure[1] <= 1:
            raise ValueError("unsure must be two confidences between 0 and 1, the smaller first")
        return self


class Health(Strict):
    """When a model leaves its pools: over the last `window_minutes`, with at least `min_calls` calls.

    `max_error_rate` is the vendor's failures ÷ calls, `max_latency_ms` the mean of whole calls (None: any).
    """

    max_error_rate: float = Field(default=0.01, gt=0, le=1)
    max_latency_ms: int | None = Field(default=None, ge=1)
    window_minutes: int = Field(default=5, ge=1, le=60)
    min_calls: int = Field(default=20, ge=1)


class Routing(Strict):
    """Where requests go that name no model: rules in order, then `default`; a job's steps have pools of their own.

    `fallbacks` come after a target whose models all failed; without any, the next tiers do, up and then down. `tiers`
    sets the strategy within a tier (`earliest` unless said otherwise).
    """

    default: Use = Use(tier="auto")
    classifier: Classifier = Classifier()
    thresholds: Thresholds = Thresholds()
    tiers: dict[TierKey, Strategy] = Field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    fallbacks: tuple[Use, ...] = ()
    health: Health = Health()


class Arm(Strict):
    """A part of an experiment's subjects; without `use` they go where they would go anyway."""

    name: Name
    percent: float = Field(ge=0, le=100)
    use: Use | None = None


class Experiment(Strict):
    """Requests that meet `when` are divided among arms by a hash of `subject`, the same in every process."""

    subject: Literal["user", "job", "request"] = "request"
    when: When = When()
    arms: tuple[Arm, ...] = Field(min_length=2)

    @model_validator(mode="after")
    def _all_of_them(self) -> Experiment:
        names = [arm.name for arm in self.arms]
        if len(set(names)) != len(names):
            raise ValueError("arms must have different names")
        if abs(sum(arm.percent for arm in self.arms) - 100) > 1e-6:
            raise ValueError(f"the arms' percentages must add up to 100, not {sum(arm.percent for arm in self.arms):g}")
        return self


class Shadow(Strict):
    """A candidate that answers `percent` of the requests too, from spare quota only; nobody sees its answers."""

    model: Name
    percent: float = Field(gt=0, le=100)
    when: When = When()


class Check(Strict):
    """`percent` of the outputs are read again by another model of `pool`; what it finds wrong goes one tier up."""

    pool: Name
    percent: float = Field(gt=0, le=100)
    when: When = When()


class Budget(Strict):
    """What may be spent in a calendar month (UTC): by each user or feature, by the one named, or by all together."""

    per: Literal["user", "feature", "all"]
    name: str | None = Field(default=None, min_length=1, max_length=63)
    month_usd: float = Field(gt=0)

    @model_validator(mode="after")
    def _all_has_no_name(self) -> Budget:
        if self.per == "all" and self.name is not None:
            raise ValueError("the budget of all has no name")
        return self
