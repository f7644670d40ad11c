"""The pool file's content as validated, frozen values; `rota.catalog_file` reads it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from rota.errors import CatalogError, InvalidInputError
from rota.limits import Limiter, limiter
from rota.policy import Budget, Check, Experiment, Name, Routing, Shadow, Strategy, Task
from rota.schemas import Strict, Tier


class LimitKind(StrEnum):
    """What a quota counts: requests or tokens (all, input only, output only), per minute or per day."""

    TPM = "tpm"
    RPM = "rpm"
    ITPM = "itpm"
    OTPM = "otpm"
    TPD = "tpd"
    RPD = "rpd"

    @property
    def window_s(self) -> int:
        """Length of the quota's window in seconds."""
        return 86_400 if self.value.endswith("d") else 60


class Limit(Strict):
    """One quota of a model and the vendor's way of counting it (see `rota.limits`).

    `amount` holds until the vendor's own figure is known; `ceiling` is the most that is used of it whatever the
    vendor allows (without one: `amount`).
    """

    kind: LimitKind
    amount: int = Field(gt=0)
    algorithm: Literal["token_bucket", "sliding_window"]
    ceiling: int | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _ceiling_above_amount(self) -> Limit:
        if self.ceiling is not None and self.ceiling < self.amount:
            raise ValueError(f"ceiling {self.ceiling} is below amount {self.amount}; leave it out or raise it")
        return self

    @property
    def most(self) -> int:
        """The largest quota that may ever be used."""
        return self.ceiling or self.amount

    @cached_property
    def name(self) -> str:
        """The kind as plain text, which an enumeration is slow to give."""
        return self.kind.value

    @cached_property
    def most_at_once(self) -> int:
        """The largest request that may ever pass."""
        return self.limiter(self.most).capacity

    def limiter(self, amount: int | None = None) -> Limiter:
        """The arithmetic of this quota, standing at `amount` (as configured when None)."""
        return limiter(self.algorithm, self.amount if amount is None else amount, self.kind.window_s)


class Price(Strict):
    """US dollars per million tokens. Cached input costs as much as other input unless said otherwise."""

    input_usd: float = Field(ge=0)
    output_usd: float = Field(ge=0)
    cached_usd: float | None = Field(default=None, ge=0)


Url = Annotated[str, Field(pattern=r"^https?://[^/\s]+", max_length=500)]
SecretName = Annotated[str, Field(pattern=r"^[A-Za-z0-9/_+=.@-]+$", max_length=512)]
Variable = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")]

PROFILE_PREFIXES = ("us", "eu", "apac", "jp", "au", "global", "us-gov", "ca")
"""First part of an inference profile's id on Bedrock, such as `us.amazon.nova-pro-v1:0`."""


class BedrockProvider(Strict):
    """Models on Amazon Bedrock; `endpoint` replaces the regional one (a VPC endpoint, a simulated Bedrock)."""

    kind: Literal["bedrock"]
    region: str = Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")
    endpoint: Url | None = None
    timeout_s: float = Field(default=60, gt=0, le=240)


class OpenAICompatibleProvider(Strict):
    """A vendor or server with OpenAI's chat completions (Groq, OpenAI, Together, Ollama, vLLM).

    `key_secret` names a secret in Secrets Manager, `key_env` the variable a laptop takes its key from; a server
    without keys leaves both out. `output_parameter` is what the vendor calls the bound on output tokens.
    `request_limit_per` says what the vendor's `x-ratelimit-limit-requests` counts (Groq: a day, OpenAI: a minute);
    without it, the vendor is taken to name no quotas and is not asked for them.
    """

    kind: Literal["openai_compatible"]
    base_url: Url
    key_secret: SecretName | None = None
    key_env: Variable | None = None
    output_parameter: Literal["max_completion_tokens", "max_tokens"] = "max_completion_tokens"
    request_limit_per: Literal["day", "minute"] | None = None
    timeout_s: float = Field(default=60, gt=0, le=240)


ProviderConfig = Annotated[BedrockProvider | OpenAICompatibleProvider, Field(discriminator="kind")]


class Search(Strict):
    """The vendor that searches the web for jobs with a source `search`; without this part there is no such search.

    `key_secret` names a secret in Secrets Manager, `key_env` the variable a laptop takes the key from. `base_url`
    replaces the vendor's own origin (a proxy, a simulated vendor).
    """

    kind: Literal["brave", "tavily"]
    key_secret: SecretName
    key_env: Variable | None = None
    base_url: Url | None = None


class Model(Strict):
    """One LLM: what it is good at (that puts it first in its tier), what it holds and costs, how much may be used.

    `output_burndown` is how many quota tokens one output token costs (Bedrock: 1 for most, 5 and more for some).
    `quota_name` is what Service Quotas calls the model, where that does not follow from `vendor_model`.
    `refunds` says that the vendor gives a reservation's unused part back; false until that has been seen.
    `parameters` are further fields of this model's requests, such as `reasoning_effort: low`. Entries with the same
    `family` are the same model at several hosts: when one host fails, the others are tried first. `max_input_tokens`
    is the most input of one call, where that is to be less than the context holds; `max_batch_kb` is how much text
    (units of 1,024 bytes) one batch of documents may have that is aimed at the model.
    """

    id: Name
    provider: str
    vendor_model: str = Field(min_length=1, max_length=300)
    tier: Tier
    family: Name | None = None
    tasks: tuple[Task, ...] = ()
    context_tokens: int = Field(gt=0)
    max_input_tokens: int | None = Field(default=None, gt=0)
    max_batch_kb: int | None = Field(default=None, ge=8)
    max_output_tokens: int = Field(gt=0)
    price: Price
    limits: tuple[Limit, ...] = Field(min_length=1)
    output_burndown: float = Field(default=1.0, gt=0, le=100)
    quota_name: str | None = Field(default=None, min_length=1, max_length=200)
    parameters: dict[str, Any] = Field(default_factory=dict)
    refunds: bool = False

    @model_validator(mode="after")
    def _one_limit_of_a_kind(self) -> Model:
        kinds = [limit.kind for limit in self.limits]
        if len(set(kinds)) != len(kinds):
            raise ValueError(f"limits must name each kind once, got {', '.join(kinds)}")
        return self


class Pool(Strict):
    """Models that may stand in for each other, and how one of them is picked.

    `weights` belong to the strategy `weighted`: a model's share of the calls, 1 unless said otherwise.
    """

    models: tuple[str, ...] = Field(min_length=1)
    strategy: Strategy = Strategy.EARLIEST
    weights: dict[str, float] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _weights_are_used(self) -> Pool:
        if self.weights and self.strategy is not Strategy.WEIGHTED:
            raise ValueError("weights need the strategy weighted")
        if any(weight < 0 for weight in self.weights.values()):
            raise ValueError("weights must not be negative")
        return self


class Step(Strict):
    """What one step of a job may read and write in one call, in tokens, and from which pool it calls."""

    pool: str
    max_input_tokens: int = Field(default=4000, ge=200)
    max_output_tokens: int = Field(ge=50)


class Steps(Strict):
    """The steps that call a model. Without `analyze`, source code is summarised like all other documents."""

    plan: Step
    summarize: Step
    analyze: Step | None = None
    synthesize: Step
    answer: Step


def _unique_ids(models: tuple[Model, ...]) -> tuple[Model, ...]:
    ids = [model.id for model in models]
    twice = sorted({name for name in ids if ids.count(name) > 1})
    if twice:
        raise ValueError(f"model ids must be unique, twice: {', '.join(twice)}")
    return models


class Catalog(Strict):
    """The whole pool file."""

    version: Literal[1]
    providers: dict[Name, ProviderConfig] = Field(min_length=1)
    models: Annotated[tuple[Model, ...], Field(min_length=1), AfterValidator(_unique_ids)]
    pools: dict[Name, Pool] = Field(min_length=1)
    steps: Steps
    routing: Routing = Routing()
    experiments: dict[Name, Experiment] = Field(default_factory=dict)
    shadows: tuple[Shadow, ...] = ()
    checks: tuple[Check, ...] = ()
    budgets: tuple[Budget, ...] = ()
    search: Search | None = None

    @property
    def tiers(self) -> tuple[Tier, ...]:
        """The tiers that have a model, ascending."""
        return tuple(self._tier_pools)

    def tier(self, tier: Tier) -> Pool:
        """The models of a tier as a pool; of the next tier that has any when it has none itself (else of the last)."""
        found = next((each for each in self.tiers if each >= tier), self.tiers[-1])
        return self._tier_pools[found]

    @cached_property
    def _tier_pools(self) -> dict[Tier, Pool]:
        """Made once: every request that is routed by tier asks for them."""
        strategies = self.routing.tiers
        return {
            tier: Pool(
                models=tuple(model.id for model in self.models if model.tier == tier),
                strategy=strategies.get(tier, Strategy.EARLIEST),
            )
            for tier in sorted({model.tier for model in self.models})
        }

    @cached_property
    def _by_id(self) -> dict[str, Model]:
        return {model.id: model for model in self.models}

    def model(self, model_id: str) -> Model:
        """The model of that id. Raises InvalidInputError with the known ids."""
        if model_id not in self._by_id:
            raise InvalidInputError("model", f"unknown model {model_id!r}; allowed: {_listing(self._by_id)}")
        return self._by_id[model_id]

    def pool(self, name: str) -> Pool:
        """The pool of that name. Raises InvalidInputError with the known names."""
        if name not in self.pools:
            raise InvalidInputError("pool", f"unknown pool {name!r}; allowed: {_listing(self.pools)}")
        return self.pools[name]

    def with_overrides(
        self, endpoints: Mapping[str, str], summaries_pool: str = "", synthesis_model: str = ""
    ) -> Catalog:
        """The same catalog with other provider endpoints, summaries pool or synthesis model (empty: as it is).

        `summaries_pool` is a pool's name or model ids joined by commas; it reads code as well. Raises InvalidInputError
        for unknown names.
        """
        providers = dict(self.providers)
        for name, url in endpoints.items():
            _known("provider_endpoints", [name], providers)
            field = "endpoint" if providers[name].kind == "bedrock" else "base_url"
            providers[name] = providers[name].model_copy(update={field: url})
        pools, steps = dict(self.pools), self.steps
        if summaries_pool and summaries_pool not in pools:
            models = tuple(self.model(name.strip()).id for name in summaries_pool.split(","))
            pools["summaries-override"] = Pool(models=models, strategy=Strategy.ROTATE)
            summaries_pool = "summaries-override"
        if summaries_pool:
            readers = {"summarize": steps.summarize, "analyze": steps.analyze}
            moved = {name: step.model_copy(update={"pool": summaries_pool}) for name, step in readers.items() if step}
            steps = steps.model_copy(update=moved)
        if synthesis_model:
            pools["synthesis-override"] = Pool(models=(self.model(synthesis_model).id,))
            synthesize = steps.synthesize.model_copy(update={"pool": "synthesis-override"})
            steps = steps.model_copy(update={"synthesize": synthesize})
        return self.model_copy(update={"providers": providers, "pools": pools, "steps": steps})


def _listing(names: Any) -> str:
    return ", ".join(sorted(map(str, names)))


def _known(field: str, names: Any, allowed: Any) -> None:
    for name in names:
        if name not in allowed:
            raise CatalogError(field, f"unknown name {name!r}; allowed: {_listing(allowed)}")
