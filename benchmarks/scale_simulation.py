"""One large job on many models, second by second: dispatch, booking, calls, settlements, and the walls around them.

    queue ──► child ──► booked ──► call ──► settled ──► counted ──► ended
       dispatch rate │   ledger item's      ledger item's   job item's
       children at once  writes per second  writes          writes

Every call books the soonest start on the pool, as `rota.dispatch` does, on its model's own limits, in whole seconds.
A booking that finds no write left on its item is tried again in the next second; a settlement is lost, because the
ledger never repeats one, and what it would have given back ages out. A call ends when the job's item has counted it.
"""

from __future__ import annotations

import heapq
import random
from array import array
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from benchmarks.scale_limits import PERIOD_S, Bucket, Limit, Window
from rota.admission import AT_ONCE_MS, EARLY_MS, HORIZON_MS, INSIDE_MS

BEGIN = 100
"""The job's first second."""
HORIZON_S, AT_ONCE_S, EARLY_S, INSIDE_S = HORIZON_MS // 1000, AT_ONCE_MS // 1000, EARLY_MS // 1000, INSIDE_MS // 1000
UNITS_PER_ITEM = 1000
"""Write units that DynamoDB gives one item (one partition) in a second."""
SIZES = 4096
STEP = 250
"""Sizes are multiples of so many tokens, so that a start that was found serves for more than one call."""
WRITES_PER_BOOKING = 1.05
"""What `benchmarks.ledger` finds for a steady load: a few writes lose a race."""


@dataclass(frozen=True)
class Quota:
    """One model's quotas; `algorithm` is `window` or `bucket`, `rpm` 0 when requests are not limited."""

    name: str
    tpm: int
    rpm: int
    algorithm: str

    def scaled(self, factor: float) -> Quota:
        """The same with so much more, or a shard's share of it."""
        return Quota(self.name, int(self.tpm * factor), int(self.rpm * factor), self.algorithm)

    def amounts(self) -> tuple[int, ...]:
        """Tokens, and requests if they are limited."""
        return (self.tpm, self.rpm) if self.rpm else (self.tpm,)


@dataclass(frozen=True)
class Walls:
    """What stands around the quotas: per second unless named otherwise.

    `shards` splits every account into so many items. `choices` is how many random ones of them a caller looks at before
    it books (0: the whole pool, always); with `all_before_waiting` it looks at all when none of those can start now.
    """

    dispatch: float = 300
    at_once: int = 10_000
    ledger_units: int = 2
    """Write units of one write to a ledger item: its kilobytes."""
    job_units: int = 10
    """Write units that a call costs its job's item, all writes together."""
    job_shards: int = 1
    shards: int = 1
    choices: int = 0
    all_before_waiting: bool = True


@dataclass(frozen=True)
class Load:
    """`documents` calls; input by a normal distribution within bounds, output of which so much is used at most."""

    documents: int
    mean_tokens: int = 2700
    least_tokens: int = 250
    most_tokens: int = 4000
    output_tokens: int = 500
    latency_s: tuple[float, float] = (2.0, 6.0)
    seed: int = 1

    @cached_property
    def calls(self) -> list[tuple[int, int, float, float]]:
        """A cycle of calls: tokens booked, tokens used, seconds within the slot until it leaves, and of its latency."""
        draw, calls = random.Random(self.seed), []
        for _ in range(SIZES):
            drawn = STEP * round(draw.gauss(self.mean_tokens, self.mean_tokens / 3) / STEP)
            size = min(self.most_tokens, max(self.least_tokens, drawn))
            output = round(self.output_tokens * draw.uniform(0.3, 1))
            calls.append((size + self.output_tokens, size + output, draw.random(), draw.uniform(*self.latency_s)))
        return calls


@dataclass
class Starts:
    """What a vendor saw of one model: times of start and end, units booked and used, call by call."""

    start_s: array[float] = field(default_factory=lambda: array("d"))
    end_s: array[float] = field(default_factory=lambda: array("d"))
    booked: array[int] = field(default_factory=lambda: array("q"))
    used: array[int] = field(default_factory=lambda: array("q"))


class Item:
    """One item of the ledger: an account, or a shard of one."""

    __slots__ = (
        *(
            "busiest",
            "first",
            "known",
            "limits",
            "lost",
            "low",
            "pending",
            "quota",
            "requests",
            "room",
            "tail",
            "vendor",
        ),
        "writes",
    )

    def __init__(self, quota: Quota, vendor: int, limits: list[Limit], first: int) -> None:
        self.quota, self.vendor, self.limits, self.first = quota, vendor, limits, first
        self.requests = len(limits) > 1
        self.low, self.room, self.pending = 0, [-1] * len(limits), [0] * len(limits)
        self.writes, self.busiest, self.lost = 0.0, 0.0, 0
        self.known: dict[int, int] = {}
        self.tail = 0.0
        """End of the queue of those who hold tickets, in seconds."""

    def look(self, now: int) -> int:
        """The first second in which the smallest call fits; that second's room is kept until others change it."""
        self._close()
        self.known = {}
        least = [self.first, 1]
        self.low = self._agreed(least, now)
        self.room = [limit.room(self.low) for limit in self.limits]
        return self.low

    def start_of(self, tokens: int) -> int:
        """The first second, from what `look` found on, in which a call fits."""
        room = self.room
        if room[0] >= tokens and (not self.requests or room[1] > 0):
            return self.low
        start = self.known.get(tokens)
        if start is None:
            self._close()
            start = self.known[tokens] = self._agreed([tokens, 1], self.low)
        return start

    def book(self, tokens: int, at: int, now: int) -> None:
        """Take a call's units in second `at`."""
        if at == self.low:
            self.known = {}
            self.room[0] -= tokens
            self.pending[0] += tokens
            if self.requests:
                self.room[1] -= 1
                self.pending[1] += 1
            if self.room[0] < self.first or (self.requests and self.room[1] < 1):
                self.look(now)
            return
        for limit, units in zip(self.limits, (tokens, 1), strict=False):
            limit.add(at, units)
        self.look(now)

    def write(self, times: float) -> None:
        """Count writes of this second."""
        self.writes += times
        self.busiest = max(self.busiest, self.writes)

    def give_back(self, tokens: int, at: int, now: int) -> None:
        """Unused tokens of a call that started in second `at`; `look` comes after it."""
        self._close()
        if self.limits[0].counts(at, now):
            self.limits[0].add(at, -tokens)

    def _close(self) -> None:
        """What was taken from the low second's room becomes bookings."""
        if self.pending[0]:
            for limit, units in zip(self.limits, self.pending, strict=True):
                limit.add(self.low, units)
            self.pending = [0] * len(self.limits)

    def _agreed(self, units: Sequence[int], begin: int) -> int:
        at = self.limits[0].earliest(units[0], begin)
        while self.requests:
            agreed = self.limits[1].earliest(units[1], at)
            if agreed == at:
                break
            at = self.limits[0].earliest(units[0], agreed)
            if at == agreed:
                break
        return at


@dataclass
class Outcome:
    """What came of a run. `bound_by` counts seconds by what kept more calls from starting."""

    quotas: Sequence[Quota]
    items: list[Item]
    starts: list[Starts]
    makespan_s: float = 0
    bound_s: float = 0
    most_at_once: int = 0
    most_held: int = 0
    """Lambdas that ran at the same time, at most: calls, and waits inside."""
    tickets: int = 0
    ahead: Counter[int] = field(default_factory=Counter)
    """Calls by the seconds between their booking and their start."""
    job_units_peak: float = 0
    job_delay_s: int = 0
    bound_by: dict[str, int] = field(default_factory=dict)

    @property
    def used_tokens(self) -> int:
        """Over all models."""
        return sum(sum(starts.used) for starts in self.starts)

    @property
    def lost(self) -> int:
        """Settlements for which an item had no write left."""
        return sum(item.lost for item in self.items)

    @property
    def waits(self) -> int:
        """Calls that waited in a Wait state, not inside their Lambda."""
        return sum(calls for seconds, calls in self.ahead.items() if seconds > INSIDE_S)

    def ahead_s(self, share: float) -> int:
        """The wait that so large a share of the calls did not exceed."""
        left = share * sum(self.ahead.values())
        for seconds in sorted(self.ahead):
            left -= self.ahead[seconds]
            if left <= 0:
                return seconds
        return 0

    def utilisation(self, model: int) -> float:
        """The share used of what a model's quota would have admitted until the last start, by the limit that binds."""
        starts, quota = self.starts[model], self.quotas[model]
        minutes = admitted_minutes(quota, max(max(found.start_s, default=0) for found in self.starts) - BEGIN)
        requests = len(starts.used) / (quota.rpm * minutes) if quota.rpm else 0.0
        return max(sum(starts.used) / (quota.tpm * minutes), requests)

    @property
    def wall(self) -> str:
        """What bound most seconds, of those in which something did."""
        return max(self.bound_by, key=lambda name: self.bound_by[name]) if self.bound_by else "nothing"


def own_limits(quota: Quota) -> list[Limit]:
    """The limits of a model in their incremental form."""
    return [(Window if quota.algorithm == "window" else Bucket)(amount) for amount in quota.amounts()]


class Simulation:
    """`run` does one job."""

    def __init__(
        self,
        quotas: Sequence[Quota],
        load: Load,
        walls: Walls,
        limits: Callable[[Quota], list[Limit]] = own_limits,
    ) -> None:
        self.load, self.walls, self.random = load, walls, random.Random(load.seed)
        least = load.least_tokens + load.output_tokens
        shares = [(number, quota.scaled(1 / walls.shards)) for number, quota in enumerate(quotas)]
        self.items = [
            Item(share, number, limits(share), least) for number, share in shares for _ in range(walls.shards)
        ]
        self.outcome = Outcome(quotas, self.items, [Starts() for _ in quotas])
        self._writes = UNITS_PER_ITEM / walls.ledger_units
        self._ends: dict[int, list[tuple[Item, int, int]]] = {}
        self._again: dict[int, list[int]] = {}
        self._tickets: set[int] = set()
        self._held: dict[int, int] = {}
        self._ending: deque[int] = deque()
        self._heap: list[tuple[int, int, int]] = []
        self._turn = 0
        self._ahead = self._booked = 0
        self._lead = 0.0
        """How far ahead calls start, on average over those of the last second that had any."""

    def run(self) -> Outcome:
        """Second by second until every call has ended."""
        waiting: deque[int] = deque()
        unsent, at_once, now, held, tokens = 0, 0, BEGIN, 0, 0.0
        found, walls, documents = self.outcome, self.walls, self.load.documents
        ended = 0
        while ended < documents:
            self._settle(now)
            counted = self._count(now)
            ended, at_once = ended + counted, at_once - counted
            waiting.extend(self._again.pop(now, ()))
            tokens = min(walls.dispatch + 1, tokens + walls.dispatch)
            launched = min(int(tokens), walls.at_once - at_once, documents - unsent)
            waiting.extend(range(unsent, unsent + launched))
            unsent, at_once, tokens = unsent + launched, at_once + launched, tokens - launched
            refused = self._book_all(waiting, now)
            held += self._held.pop(now, 0)
            found.most_at_once, found.most_held = max(found.most_at_once, at_once), max(found.most_held, held)
            self._note(unsent < documents, int(tokens) < 1, at_once >= walls.at_once, refused)
            now += 1
        found.makespan_s = max(max(starts.end_s, default=0) for starts in found.starts) - BEGIN
        found.bound_s = bound_s(found.quotas, found.used_tokens, documents)
        return found

    def _note(self, more: bool, dispatched: bool, full: bool, refused: bool) -> None:
        """Name what kept more calls from starting in this second."""
        if not more and not refused:
            return
        if refused:
            name = "ledger item"
        elif len(self._ending) > self._countable():
            name = "job item"
        elif full and self._lead < 1:
            name = "calls at once"
        elif dispatched and self._lead < 1:
            name = "dispatch rate"
        else:
            name = "quota"
        self.outcome.bound_by[name] = self.outcome.bound_by.get(name, 0) + 1

    def _countable(self) -> float:
        return UNITS_PER_ITEM * self.walls.job_shards / self.walls.job_units

    def _settle(self, now: int) -> None:
        """Calls that have ended give back what they did not use, as far as their items have writes left."""
        touched: dict[int, Item] = {}
        for item in self.items:
            item.writes = 0
        for item, unused, at in self._ends.pop(now, ()):
            self._ending.append(now)
            if item.writes >= self._writes / 2:
                item.lost += 1
                continue
            item.write(1)
            if unused:
                item.give_back(unused, at, now)
            touched[id(item)] = item
        self._heap = []
        for number, item in enumerate(self.items):
            if id(item) in touched or item.low < now:
                item.look(now)
            self._heap.append((item.low, self._turn + number, number))
        self._turn += len(self.items)
        heapq.heapify(self._heap)

    def _count(self, now: int) -> int:
        """How many ended calls the job's item can count in this second."""
        able = min(len(self._ending), int(self._countable() * (now + 1)) - int(self._countable() * now))
        for _ in range(able):
            self.outcome.job_delay_s = max(self.outcome.job_delay_s, now - self._ending.popleft())
        units = able * self.walls.job_units / self.walls.job_shards
        self.outcome.job_units_peak = max(self.outcome.job_units_peak, units)
        return able

    def _book_all(self, waiting: deque[int], now: int) -> bool:
        """Book every waiting call; who finds no write left goes on waiting. Whether an item had room and no write."""
        refused, ahead, booked = False, self._ahead, self._booked
        book = self._book_on_a_shard if self.walls.choices else self._book_soonest
        for _ in range(len(waiting)):
            call = waiting.popleft()
            if not book(call, now):
                refused = True
                waiting.append(call)
        if self._booked > booked:
            self._lead = (self._ahead - ahead) / (self._booked - booked)
        return refused or any(item.writes >= self._writes and item.low == now for item in self.items)

    def _book_soonest(self, call: int, now: int) -> bool:
        """Ask the items in the order of their soonest starts, until none can be sooner than the best answer."""
        tokens = self.load.calls[call % SIZES][0]
        best, asked, heap = (1 << 60, -1), [], self._heap
        while heap and heap[0][0] < best[0]:
            low, turn, number = heapq.heappop(heap)
            item = self.items[number]
            if item.writes >= self._writes:
                continue  # no write left in this second: it is not asked again
            if item.low != low:
                heapq.heappush(heap, (item.low, turn, number))
                continue
            asked.append((low, turn, number))
            best = min(best, (item.start_of(tokens), number))
        for low, turn, number in asked:
            if number != best[1]:
                heapq.heappush(heap, (low, turn, number))
        if best[1] < 0:
            return False
        item = self.items[best[1]]
        done = self._book(item, call, best[0], now)
        self._turn += 1
        heapq.heappush(heap, (item.low, self._turn, best[1]))
        return done

    def _book_on_a_shard(self, call: int, now: int) -> bool:
        """Look at some random shards of the (one) account and take the soonest, perhaps after a look at all."""
        tokens = self.load.calls[call % SIZES][0]
        chosen = self.random.sample(range(len(self.items)), min(self.walls.choices, len(self.items)))
        best = self._soonest_of(chosen, tokens)
        if best[0] > now and self.walls.all_before_waiting:
            best = self._soonest_of(range(len(self.items)), tokens)
        return best[1] >= 0 and self._book(self.items[best[1]], call, best[0], now)

    def _soonest_of(self, shards: Iterable[int], tokens: int) -> tuple[int, int]:
        """Start and number of the item that is soonest; number -1 when none has a write left."""
        able = [number for number in shards if self.items[number].writes < self._writes]
        return min(((self.items[number].start_of(tokens), number) for number in able), default=(1 << 60, -1))

    def _book(self, item: Item, call: int, start: int, now: int) -> bool:
        """Book, or take a ticket; False when that found no write left anywhere."""
        booked, used, within, latency = self.load.calls[call % SIZES]
        if start - now > AT_ONCE_S and max(start, item.tail) - now > HORIZON_S and call not in self._tickets:
            return self._take_ticket(call, used, now)
        item.write(WRITES_PER_BOOKING)
        self._tickets.discard(call)
        self._ahead, self._booked = self._ahead + start - now, self._booked + 1
        item.book(booked, start, now)
        end = start + within + latency
        starts = self.outcome.starts[item.vendor]
        starts.start_s.append(start + within)
        starts.end_s.append(end)
        starts.booked.append(booked)
        starts.used.append(used)
        self._ends.setdefault(int(end) + 1, []).append((item, booked - used, start))
        self.outcome.ahead[start - now] += 1
        begins = now if start - now <= INSIDE_S else start - EARLY_S
        self._held[begins] = self._held.get(begins, 0) + 1
        self._held[int(end) + 1] = self._held.get(int(end) + 1, 0) - 1
        return True

    def _take_ticket(self, call: int, used: int, now: int) -> bool:
        """Queue where the turn comes soonest; come back shortly before it, and then book whatever is soonest."""
        able = (each for each in self.items if each.writes < self._writes)
        item = min(able, key=lambda each: max(each.tail, each.low), default=None)
        if item is None:
            return False
        item.write(1)
        due = max(item.tail, item.low)
        item.tail = due + used * PERIOD_S / item.quota.tpm
        self.outcome.tickets += 1
        self._tickets.add(call)
        self._again.setdefault(max(now + 1, int(due) - EARLY_S), []).append(call)
        return True


def admitted_minutes(quota: Quota, seconds: float) -> float:
    """How many quotas may have started by then: a window's at once and each minute, a bucket's at once and steadily."""
    return 1 + (seconds // 60 if quota.algorithm == "window" else seconds / 60)


def bound_s(quotas: Sequence[Quota], tokens: int, calls: int) -> float:
    """No schedule is shorter: the time at which the quotas have let so many tokens (and requests) start."""
    mean = tokens / calls
    share = [min(quota.tpm, quota.rpm * mean if quota.rpm else quota.tpm) for quota in quotas]
    low, high = 0.0, 1e9
    while high - low > 0.01:
        middle = (low + high) / 2
        started = sum(admitted_minutes(quota, middle) * each for quota, each in zip(quotas, share, strict=True))
        low, high = (low, middle) if started >= tokens else (middle, high)
    return high
