"""What a plan says a job will take beside what the job then took, in situations that differ in what decides.

Run: python -m benchmarks.estimates

Jobs run in virtual time with the real functions and the simulated models (`tests.fixtures.planned_job`), each on a pool
that has learned nothing yet. Time is compared where quotas bind; an idle pool's is that of the calls themselves, which
nobody knows before the first ones.
"""

from __future__ import annotations

import contextlib
import io
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from functions import parts
from local.state import ROOT
from rota.catalog import Catalog
from rota.catalog_file import load_catalog, parse_catalog
from tests.fixtures.planned_job import EPOCH_S, JobWorld, job_world

SUBJECTS = ("The scheduler", "The gateway", "The mail queue", "The search index", "The billing run", "The backup")
CAUSES = ("a disk was full", "a certificate had ended", "two of them changed the same table", "nobody was on call")
ASIDES = (
    "Lunch was moved to {n} o'clock for the visitors from the harbour.",
    "A new carpet of {n} square metres lies in the hall since spring.",
    "Parking places are given out by lot, {n} of them for bicycles.",
    "The coffee machine on floor {n} takes coins again.",
    "For the summer party {n} guests have signed up so far.",
    "Badges with the number {n} open the side entrance as well.",
    "The library has bought {n} books on gardens and bridges.",
    "Plants in room {n} are watered on Fridays by the porter.",
    "Window cleaners come to the {n} northern rooms in autumn.",
    "Old keyboards can be given back in box {n} behind the stairs.",
)
RELEVANT_EVERY = 25
"""Sentences of a document of which one has to do with the question: most of what people hand in has not."""


@dataclass(frozen=True, slots=True)
class Situation:
    """A job and its pool. `others_share` of every quota is booked by somebody else all the time."""

    catalog: Callable[[], Catalog]
    documents: int
    characters: int = 6_000
    at_once: int = 100
    others_share: float = 0.0
    binds: bool = True
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Compared:
    """Estimate and run: (estimated, taken) of calls, tokens, US dollars and seconds."""

    calls: tuple[float, float]
    tokens: tuple[float, float]
    cost_usd: tuple[float, float]
    time_s: tuple[float, float]

    def errors(self) -> dict[str, float]:
        """How far the estimate is from the run, as a share of the run."""
        pairs = {"calls": self.calls, "tokens": self.tokens, "cost": self.cost_usd, "time": self.time_s}
        return {name: said / was - 1 for name, (said, was) in pairs.items()}


def pool(name: str, quota: float = 1.0, models: Sequence[str] = ()) -> Catalog:
    """A pool file with its quotas of a minute multiplied, and only some of its models where they are named."""
    document: Any = load_catalog(ROOT / name).model_dump(mode="json")
    for model in document["models"]:
        for limit in model["limits"]:
            limit["amount"] = round(limit["amount"] * quota)
    if models:
        document["models"] = [model for model in document["models"] if model["id"] in models]
        for each in document["pools"].values():
            each["models"] = [model for model in each["models"] if model in models] or list(models)
    return parse_catalog(document)


def narrow() -> Catalog:
    """The default pool with small prompts for merging and answering, so that notes are merged in levels."""
    catalog = pool("rota.yaml")
    steps = catalog.steps
    synthesize = steps.synthesize.model_copy(update={"max_input_tokens": 3_000, "max_output_tokens": 600})
    answer = steps.answer.model_copy(update={"max_input_tokens": 2_000})
    return catalog.model_copy(update={"steps": steps.model_copy(update={"synthesize": synthesize, "answer": answer})})


SITUATIONS: Mapping[str, Situation] = {
    "idle pool, small job": Situation(partial(pool, "rota.yaml"), 10, binds=False),
    "burst of twice the quota": Situation(partial(pool, "examples/two-models.yaml", 0.2), 24),
    "one model": Situation(partial(pool, "examples/two-models.yaml", 0.2, ("nova-pro",)), 16),
    "windows and buckets": Situation(partial(pool, "rota.yaml", 0.5), 60, 9_000, at_once=16),
    "buckets alone": Situation(partial(pool, "examples/five-models.yaml", 0.2), 30),
    "others use 40 %": Situation(partial(pool, "examples/two-models.yaml", 0.25), 20, others_share=0.4),
    "levels of synthesis": Situation(narrow, 30, binds=False),
    "deep": Situation(partial(pool, "rota.yaml", 0.25), 12, options={"depth": "deep"}),
}


def document(number: int, characters: int) -> str:
    """A report in which here and there something is said about slow teams; the same for the same number."""
    rnd = random.Random(number)
    lines = [f"# Report {number}", ""]
    while sum(map(len, lines)) < characters:
        if rnd.randrange(RELEVANT_EVERY):
            lines.append(rnd.choice(ASIDES).format(n=rnd.randint(2, 900)))
            continue
        lines.append(
            f"{rnd.choice(SUBJECTS)} of team {rnd.randint(1, 90)} was slow in week {rnd.randint(1, 52)}, "
            f"{rnd.randint(2, 90)} per cent below the plan, because {rnd.choice(CAUSES)}."
        )
    return "\n".join(lines)[:characters]


def compare(situation: Situation) -> Compared:
    """Run a job and put its plan beside it. Raises RuntimeError for a job that does not end well."""
    texts = [document(number, situation.characters) for number in range(situation.documents)]
    with job_world(situation.catalog(), texts, situation.at_once, **situation.options) as world:
        if situation.others_share:
            _let_others_spend(world, situation.others_share)
        with contextlib.redirect_stdout(io.StringIO()):  # the functions' metrics
            world.run(before_s=70.0 if situation.others_share else 0.0)
        if world.last["status"] != "done" or world.refusals:
            raise RuntimeError(f"{world.last}, {world.refusals} refusals")
        said, spent = world.plan()["estimate"], world.spent()
        return Compared(
            calls=(said["calls"], spent["calls"]),
            tokens=(said["input_tokens"] + said["output_tokens"], spent["input_tokens"] + spent["output_tokens"]),
            cost_usd=(said["cost_usd"], spent["cost_nanousd"] / 1e9),
            time_s=(world.taken_s["plan"] + said["eta_s"], world.taken_s["answer"]),
        )


def _let_others_spend(world: JobWorld, share: float, every_s: float = 3.0, until_s: float = 400.0) -> None:
    """Somebody books a share of each quota on the same ledger, whatever its start."""

    def spend() -> None:
        while world.time.now_s < EPOCH_S + until_s:
            for model in world.catalog.models:
                units = {limit.name: max(1, round(limit.amount * share * every_s / 60)) for limit in model.limits}
                world.time.spawn(_book, model.id, units)
            world.time.sleep(every_s)

    world.time.spawn(spend)


def _book(model: str, units: Mapping[str, int]) -> None:
    ledger = parts.ledger()
    ledger.book(ledger.account(model), units, ledger.soonest_ms() + 200_000)


def main() -> None:
    """Print a table."""
    print(f"{'situation':26}{'calls':>14}{'tokens':>20}{'$':>18}{'seconds':>16}")
    for name, situation in SITUATIONS.items():
        found = compare(situation)
        errors = {key: f"{100 * error:+.0f} %" for key, error in found.errors().items()}
        calls, tokens = (f"{said:,.0f}/{was:,.0f}" for said, was in (found.calls, found.tokens))
        cost, time = f"{found.cost_usd[0]:.4f}/{found.cost_usd[1]:.4f}", f"{found.time_s[0]:.0f}/{found.time_s[1]:.0f}"
        print(f"{name:26}{calls:>14}{tokens:>20}{cost:>18}{time:>16}", *errors.values(), sep="  ", flush=True)


if __name__ == "__main__":
    main()
