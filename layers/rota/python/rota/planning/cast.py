"""One step's calls and the models that may carry them: who is preferred when, and what a call is on each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from rota.accounts import Account, Amounts
from rota.catalog import Catalog, Model
from rota.errors import NoCapacityError
from rota.learned import ENOUGH, FRAME_TOKENS
from rota.planning.work import Work
from rota.policy import Strategy
from rota.pricing import booked_amounts, cost_nanousd, used_amounts
from rota.routing.aim import aim
from rota.routing.chain import pool_of
from rota.routing.pipeline import route
from rota.usage import Usage

USUAL_BEGIN_S, USUAL_TOKEN_S = 0.4, 0.005
"""What a call takes while nothing is known of a model: until it writes, and for each token that it does: 1.7 s for
notes of 250 tokens. Small models write 100 to 500 tokens a second, simulated ones 250 to 600."""
USUAL_SCATTER = 1.05
"""Input that is booked ÷ what is used, once a model's own calls have taught it: a standard deviation above the mean."""


@dataclass(frozen=True, slots=True)
class Terms:
    """One work's call on one model: what it books, what stands of that afterwards, what it uses, costs and takes.

    `learned` is what it books once enough calls have ended, `most_nanousd` what a budget sets aside for it, `settled_s`
    how long the ledger thinks that its booking stands.
    """

    amounts: Amounts
    learned: Amounts
    stands: Amounts
    usage: Usage
    cost_nanousd: int
    most_nanousd: int
    took_s: float
    settled_s: float


class Cast:
    """One work and its models; `ended` counts a model's calls that have ended, of all works of the job."""

    def __init__(self, work: Work, catalog: Catalog, accounts: Mapping[str, Account], ended: Counter[str]) -> None:
        self.work, self._catalog, self._accounts, self._ended = work, catalog, accounts, ended
        self.terms: dict[str, Terms] = {}
        self._calls: Counter[str] = Counter()
        self._groups: dict[int, list[Sequence[Model]]] = {}
        self._live = {name: account.learned for name, account in accounts.items()}
        pool = pool_of(aim(work.request, catalog).use, catalog)
        self._turns = 0 if pool.strategy is Strategy.WEIGHTED else len(pool.models)
        """After how many calls the order of candidates repeats; 0 for never."""

    @property
    def bulk(self) -> bool:
        """Whether its calls stand behind others' in the queue."""
        return self.work.request.priority == "bulk"

    def groups(self, number: int) -> list[Sequence[Model]]:
        """The groups of candidates for the work's call of this number, best first; empty when nobody can."""
        if self.work.rotations:
            number = self.work.rotations[min(number, len(self.work.rotations) - 1)]
        turn = number % self._turns if self._turns else number
        if turn not in self._groups:
            try:
                decision = route(replace(self.work.request, rotation=turn), self._catalog, live=self._live)
                self._groups[turn] = [decision.candidates, *decision.fallbacks]
            except NoCapacityError:
                self._groups[turn] = []
        return self._groups[turn]

    def terms_on(self, model: Model) -> Terms:
        """What a call is on a model."""
        if model.id not in self.terms:
            self.terms[model.id] = _terms(self.work, model, self._accounts[model.id])
        return self.terms[model.id]

    def amounts_on(self, model: Model) -> Amounts:
        """What a call books on a model by now."""
        terms = self.terms_on(model)
        return terms.learned if self._ended[model.id] >= ENOUGH else terms.amounts

    def play_on(self, model: Model) -> Terms:
        """Give a call to a model."""
        self._calls[model.id] += 1
        return self.terms_on(model)

    def shared_out(self, rehearsed: int) -> dict[str, float]:
        """Calls by model when `rehearsed` of the work's calls were run ahead: the others are shared out like these."""
        return {name: calls * self.work.calls / rehearsed for name, calls in sorted(self._calls.items())}


def _terms(work: Work, model: Model, account: Account) -> Terms:
    claim, likely = work.request.claim(model, account.learned, 0), work.usage(account)
    allowed, known_s = claim.max_output_tokens, account.learned.latency_ms(claim.max_output_tokens) / 1000
    usage = Usage(likely.input_tokens, min(likely.output_tokens, allowed))
    stands = used_amounts(model, usage if model.refunds else Usage(usage.input_tokens, allowed))
    learned = booked_amounts(model, FRAME_TOKENS + round(usage.input_tokens * USUAL_SCATTER), allowed)
    return Terms(
        amounts=claim.amounts,
        learned=claim.amounts if account.learned.inputs >= ENOUGH else learned,
        stands=stands,
        usage=usage,
        cost_nanousd=cost_nanousd(model, usage),
        most_nanousd=cost_nanousd(model, Usage(work.request.input_tokens, allowed)),
        took_s=known_s or USUAL_BEGIN_S + USUAL_TOKEN_S * usage.output_tokens,
        settled_s=known_s if stands != claim.amounts else 0.0,
    )
