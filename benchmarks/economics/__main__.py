"""What tiers save and how often they are right: a replay of labelled requests through the router, without any call.

Run: python -m benchmarks.economics [--set requests|development] [--config examples/three-tiers.yaml] [--wrong]

The requests were labelled before any router saw them (see README.md beside this file); `development` is the set that
the signals were made with, `requests` the one that judges them. A label stands for a tier: simple 1, medium 2,
complex 3. Money is list price for the estimated tokens of the text and an answer of a length that follows from the
label, the same for every model.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.state import ROOT
from rota.catalog import Catalog, Model
from rota.catalog_file import load_catalog
from rota.documents.tokens import estimate_tokens
from rota.outcomes.intervals import wilson
from rota.routing.pipeline import route
from rota.routing.request import ModelRequest

FOLDER = Path(__file__).parent
LEVELS = ("simple", "medium", "complex")
ANSWER_TOKENS = {"simple": 150, "medium": 500, "complex": 1000}
"""Assumed. With answers of one length for all, tiers save more: the strongest model writes less of the whole."""
SEED_MIX = {"simple": 0.76, "medium": 0.19, "complex": 0.05}


@dataclass(frozen=True, slots=True)
class Replayed:
    """One request: what it was labelled, where it went, and what it costs there and on the strongest model."""

    item: dict[str, Any]
    model: Model
    confidence: float
    usd: float
    strongest_usd: float

    @property
    def tier(self) -> int:
        """Where it went."""
        return self.model.tier

    @property
    def wanted(self) -> int:
        """The tier of its label."""
        return LEVELS.index(self.item["difficulty"]) + 1


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", choices=("requests", "development"), default="requests", dest="name")
    parser.add_argument("--config", type=Path, default=ROOT / "examples/three-tiers.yaml", help="the pool file")
    parser.add_argument("--wrong", action="store_true", help="list the requests that went to another tier")
    options = parser.parse_args()
    items = [json.loads(line) for line in (FOLDER / f"{options.name}.jsonl").read_text("utf-8").splitlines()]
    began = time.process_time()
    replayed = list(replay(items, load_catalog(options.config)))
    report(replayed, (time.process_time() - began) * 1000 / len(items))
    if options.wrong:
        for each in replayed:
            if each.tier != each.wanted:
                print(f"{each.item['id']} tier {each.tier} for {each.item['difficulty']} ({each.item['kind']})")


def replay(items: Sequence[dict[str, Any]], catalog: Catalog) -> Iterator[Replayed]:
    """Route every request by its text alone."""
    strongest = catalog.model(catalog.tier(3).models[0])
    for item in items:
        tokens, answer = estimate_tokens(item["text"]), ANSWER_TOKENS[item["difficulty"]]
        request = ModelRequest(item["task"] or "chat", "", tokens, answer, priority="interactive", text=item["text"])
        decision = route(request, catalog)
        model = decision.candidates[0]
        complexity = decision.complexity
        if complexity is None:
            raise SystemExit(f"{item['id']} was not routed by its text, but by {decision.rule}")
        yield Replayed(
            item,
            model,
            complexity.confidence,
            request.price_usd(model),
            request.price_usd(strongest),
        )


def report(replayed: Sequence[Replayed], cpu_ms: float) -> None:
    """Print shares, money, accuracy and the confusion table."""
    n = len(replayed)
    right = sum(each.tier == each.wanted for each in replayed)
    below = sum(each.tier < each.wanted for each in replayed)
    low, high = wilson(right, n)
    shares = Counter(each.tier for each in replayed)
    print(f"{n} requests, {cpu_ms:.2f} ms of processor time each")
    print("tier shares          " + " / ".join(f"{100 * shares[tier] / n:.1f}" for tier in (1, 2, 3)) + " %")
    print(f"routed to its tier   {100 * right / n:.1f} % (95 % interval {100 * low:.1f} to {100 * high:.1f})")
    print(f"to a lower tier      {100 * below / n:.1f} %, to a higher one {100 * (n - right - below) / n:.1f} %")
    print(f"one tier up, unsure  {100 * sum(0.45 <= each.confidence <= 0.55 for each in replayed) / n:.1f} %")
    print(f"saved                {_saved(replayed):.1f} % of always using the strongest")
    long, same = _saved_by_label(replayed, ANSWER_TOKENS), _saved_by_label(replayed, dict.fromkeys(LEVELS, 500))
    print(
        f"saved, 76/19/5       {long:.1f} %, if every request went to the tier of its label; {same:.1f} % with answers"
    )
    print("                     of one length for all")
    print(f"\n{'labelled':<10}" + "".join(f"{f'tier {tier}':>8}" for tier in (1, 2, 3)))
    for at, level in enumerate(LEVELS, 1):
        row = Counter(each.tier for each in replayed if each.wanted == at)
        print(f"{level:<10}" + "".join(f"{row[tier]:>8}" for tier in (1, 2, 3)))


def _saved(replayed: Sequence[Replayed]) -> float:
    return 100 * (1 - sum(each.usd for each in replayed) / sum(each.strongest_usd for each in replayed))


def _saved_by_label(replayed: Sequence[Replayed], answers: Mapping[str, int]) -> float:
    """With the seed's mix, the median text and answers of such lengths; each tier at the price of its first model."""
    tokens = sorted(estimate_tokens(each.item["text"]) for each in replayed)[len(replayed) // 2]
    models = {each.tier: each.model for each in replayed}
    strongest = models[max(models)]
    routed = always = 0.0
    for tier, (level, share) in enumerate(SEED_MIX.items(), 1):
        request = ModelRequest("chat", "", tokens, answers[level])
        routed += share * request.price_usd(models[tier])
        always += share * request.price_usd(strongest)
    return 100 * (1 - routed / always)


if __name__ == "__main__":
    main()
