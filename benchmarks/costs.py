"""What one document costs: the requests, state transitions, units and dollars of jobs that are run here, counted.

Run: python -m benchmarks.costs [--documents 240]

The synthesised state machine is walked in this process with the real functions, on moto's DynamoDB and S3 and in
virtual time; only the vendor is canned. Every request is seen by an event hook of its boto3 client, so that nothing
is counted by reading. Retries, contention between callers (see benchmarks.ledger) and what AWS's own services ask of
each other are not in it, but for the manifests that the Maps read.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import re
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, partial
from importlib import import_module
from typing import Any, cast
from unittest.mock import patch

import boto3

from benchmarks.end_to_end import document
from benchmarks.item_sizes import READ_UNIT, WRITE_UNIT, item_bytes, job_item_bytes, ledger_item_bytes, write_units
from benchmarks.prices import METRIC_MONTH_USD, usd
from benchmarks.walked_machine import State, VirtualClock, Walk
from functions import job_parts, parts
from local.state import ROOT
from rota.catalog import Catalog
from rota.catalog_file import load_catalog
from rota.gateway import Gateway, Watcher
from rota.ledger import Ledger
from rota.providers.base import Completion, ModelCall
from rota.submission import Draft
from rota.usage import Usage
from tests.fixtures.job_stack import BUCKET, LEDGER, Context, JobStack, job_stack

START_MS = 1_793_635_200_000
LATENCY_MS = 4_000
"""Of one model call."""
REQUEST_MS = {"dynamodb": 6, "s3": 25, "events": 15, "stepfunctions": 20}
"""What a request is taken to last when made from a function's main thread; those of a pool share it."""
SIDE_BY_SIDE = 8
"""Requests of a pool of threads that are taken to be under way at once."""
CHARACTERS_PER_TOKEN = 4
PLATFORM_LOG_BYTES = 900
"""Of Lambda's own lines for one invocation (start, runtime done, report, as JSON): an estimate."""
HISTORY_LOG_BYTES = 340
"""Of one event of an execution's history in its log without data: 316 for a typical one, and CloudWatch's 26."""
LINE_BYTES = 26
"""What CloudWatch Logs counts for each line beside its text."""
WRITES = ("UpdateItem", "PutItem")
CHILD = ("SummarizeBatch", "SummarizeBatchStatus", "WaitForSlot", "SummarizeBatchEnded")
"""States of one child of the Map over batches."""
PRICED = (100, 10_000, 1_000_000)
METRICS = 11
"""Metrics of each model in `rota.observability`."""


KEYS = ("job_id", "pk", "sk")
"""Of the tables that items are put into."""


@dataclass
class Tally:
    """`requests` by (function, table or service, operation), `units` by (function, kind of `prices`), `sizes` by table.

    `logged` is bytes of log lines by function.
    """

    requests: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    units: Counter[tuple[str, str]] = field(default_factory=Counter)
    sizes: Counter[str] = field(default_factory=Counter)
    logged: Counter[str] = field(default_factory=Counter)


class Meter:
    """Counts what clients of this process ask of AWS, by the function that runs. `aside` looks at items, uncounted."""

    def __init__(self, clock: VirtualClock, aside: Any) -> None:
        self.tally, self.function, self.clock = Tally(), "submit", clock
        self._lock, self._main = threading.Lock(), threading.current_thread()
        self._aside = aside

    def attach(self, client: Any) -> None:
        """Count this client's requests from now on."""
        client.meta.events.register("before-call", self._before)
        client.meta.events.register("after-call", self._after)

    def detach(self, client: Any) -> None:
        """Stop counting."""
        client.meta.events.unregister("before-call", self._before)
        client.meta.events.unregister("after-call", self._after)

    def _before(self, model: Any, params: Any, context: Any, **_rest: Any) -> None:
        if model.service_model.service_name == "dynamodb":
            context["asked"] = json.loads(params["body"])

    def _after(self, model: Any, parsed: Any, context: Any, **_rest: Any) -> None:
        service, operation = model.service_model.service_name, model.name
        with self._lock:
            self.clock.spent_ms += REQUEST_MS[service] / (
                1 if threading.current_thread() is self._main else SIDE_BY_SIDE
            )
            place = service
            if service == "dynamodb":
                place = self._count_units(operation, context["asked"], parsed)
            elif service == "s3":
                kind = "s3 gets" if operation in ("GetObject", "HeadObject") else "s3 puts and lists"
                self.tally.units[self.function, kind] += 1
            self.tally.requests[self.function, place, operation] += 1

    def _count_units(self, operation: str, asked: Any, parsed: Any) -> str:
        """Capacity units by the items' sizes (reads are consistent ones); the table's name."""
        if operation == "BatchGetItem":
            [(table, items)] = parsed["Responses"].items()
        else:
            table = asked["TableName"]
            key = asked.get("Key") or {name: asked["Item"][name] for name in KEYS if name in asked["Item"]}
            items = [self._aside.get_item(TableName=table, Key=key).get("Item", {})]
        sizes = [max(1, item_bytes(item)) for item in items]
        self.tally.sizes[table] = max([self.tally.sizes[table], *sizes])
        kind, step = ("dynamodb write units", WRITE_UNIT) if operation in WRITES else ("dynamodb read units", READ_UNIT)
        self.tally.units[self.function, kind] += sum(-(-size // step) for size in sizes)
        return str(table)


class Vendor:
    """Stands where a paid service would: notes of 1,200 characters with marks for documents that the prompt names."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock

    def prepare(self, _timeout_s: float) -> None:
        """Nothing to prepare."""

    def complete(self, _model: str, _vendor_model: str, call: ModelCall, _timeout_s: float) -> Completion:
        """Takes LATENCY_MS of virtual time."""
        self._clock.sleep(LATENCY_MS / 1000)
        text = '{"focus": ["slow teams"], "outline": ["Teams", "Reasons"]}' if call.json_schema else _notes(call.prompt)
        tokens = len(call.system + call.prompt) // CHARACTERS_PER_TOKEN, len(text) // CHARACTERS_PER_TOKEN
        return Completion(text, Usage(*tokens), "end", LATENCY_MS)


def _notes(prompt: str) -> str:
    """About 300 tokens of notes, each with the mark of a document that the prompt names."""
    marks = re.findall(r'<document number="(\d+)"', prompt) or re.findall(r"\[(\d+)\]", prompt)
    lines = [
        f"- One team was slow in week {int(mark) % 52}: every second request was looked at twice [{mark}]."
        for mark in marks
    ]
    return "\n".join((lines * 14)[:14])


@cache
def definition() -> Mapping[str, Any]:
    """The job's state machine as it is deployed to production."""
    from aws_cdk import App, Stack
    from aws_cdk import aws_lambda as lambda_
    from aws_cdk import aws_s3 as s3

    from infra.functions import SIZES, Functions
    from infra.stages import STAGES
    from infra.workflow import Workflow

    stack = Stack(App(analytics_reporting=False), "Costs")
    functions = {name: lambda_.Function.from_function_arn(stack, name, _arn(name)) for name in SIZES}
    documents = s3.Bucket.from_bucket_name(stack, "Documents", BUCKET)
    workflow = Workflow(
        stack, "Workflow", stage=STAGES["prod"], functions=cast(Functions, functions), documents=documents
    )
    resources = cast(App, workflow.node.root).synth().get_stack_by_name("Costs").template["Resources"].values()
    [machine] = [found for found in resources if found["Type"] == "AWS::StepFunctions::StateMachine"]
    text = machine["Properties"]["DefinitionString"]["Fn::Join"][1]
    found: Mapping[str, Any] = json.loads("".join(part if isinstance(part, str) else "aws" for part in text))
    return found


def _arn(name: str) -> str:
    return f"arn:aws:lambda:us-east-1:123456789012:function:{name}"


@dataclass(frozen=True)
class Job:
    """One job that is run: its documents' sizes in characters, and how the pool's quotas are multiplied."""

    documents: int
    characters: int = 10_800
    quota: float = 1000
    at_once: int | None = None


@dataclass(frozen=True)
class Cost:
    """What a job took."""

    job: Job
    tally: Tally
    walk: Walk
    took_s: float
    calls: int

    @property
    def batches(self) -> int:
        """Children of the Map over batches."""
        return self.walk.entered["SummarizeBatchEnded"]

    def per_batch(self, what: Mapping[tuple[str, str, str], int]) -> dict[tuple[str, str], float]:
        """SummarizeBatch's share of a count of requests, per batch."""
        return {key[1:]: number / self.batches for key, number in what.items() if key[0] == "summarize_batch"}

    def units(self) -> dict[str, float]:
        """Everything that has a price, of the whole job."""
        units: Counter[str] = Counter()
        for (_, kind), amount in self.tally.units.items():
            units[kind] += amount
        found: dict[str, float] = dict(units)
        found["transitions"] = sum(self.walk.entered.values())
        found["lambda requests"] = sum(self.walk.invoked.values())
        found["lambda GB-s"] = sum(ms / 1000 * memory_gb(name) for name, ms in self.walk.invoked_ms.items())
        found["log GB"] = self.log_bytes() / 1e9
        return found

    def log_bytes(self) -> int:
        """The functions' lines, Lambda's own, and the history of every execution."""
        invoked = sum(self.walk.invoked.values())
        events = sum(self.walk.histories) + 60
        return sum(self.tally.logged.values()) + invoked * PLATFORM_LOG_BYTES + events * HISTORY_LOG_BYTES


def memory_gb(function: str) -> float:
    """Of a function as it is deployed."""
    from infra.functions import SIZES

    return SIZES[function].memory_mb / 1024


class OwnContext(Context):
    """Enough time for any call."""

    def get_remaining_time_in_millis(self) -> int:
        """Five minutes."""
        return 300_000


def run(job: Job) -> Cost:
    """Run one job to its end and count."""
    clock = VirtualClock(START_MS)
    with _stack(job, clock) as (stack, meter, ledger):
        for number in range(job.documents):
            body = f"{number}. {document(number)}"[: job.characters].encode()
            stack.s3.put_object(Bucket=BUCKET, Key=f"library/pile/{number:07d}.md", Body=body)
        walk = Walk(clock, partial(_invoke, meter, stack), partial(_lines, meter, stack), job.at_once)
        clients = [parts.s3(), parts.dynamodb(), ledger, job_parts.stepfunctions()]
        for client in clients:
            meter.attach(client)
        try:
            source = {"type": "s3", "prefix": "library/pile/"}
            request = {
                "query": "Which teams were slow, and why?",
                "sources": [source],
                "options": {"max_documents": 10_000},
            }
            submitted = job_parts.submissions().submit(Draft("ada", "api", request), None, START_MS)
            ended = walk.run(definition(), {"job_id": submitted.job_id})
        finally:
            for client in clients:
                meter.detach(client)
        if ended["status"] != "done":
            raise RuntimeError(f"the job ended as {ended}")
        calls = stack.jobs.get(submitted.job_id).counters["calls"]
        return Cost(job, meter.tally, walk, (clock.at_ms - START_MS) / 1000, calls)


@contextlib.contextmanager
def _stack(job: Job, clock: VirtualClock) -> Iterator[tuple[JobStack, Meter, Any]]:
    """The job's surroundings, a meter, and the ledger's own DynamoDB client."""
    catalog, vendor = scaled(load_catalog(ROOT / "examples" / "two-models.yaml"), job.quota), Vendor(clock)
    with job_stack() as stack, contextlib.ExitStack() as patches:
        client = boto3.client("dynamodb", config=parts.ONE_TRY)
        ledger = Ledger(client, LEDGER, catalog, clock, clock.sleep)

        def gateway(watcher: Watcher, own_usd: float | None = None) -> Gateway:
            return Gateway(catalog, ledger, lambda _: vendor, watcher, parts.budgets(), own_usd, clock.sleep)

        for module, name, stand_in in (
            (parts, "catalog", lambda: catalog),
            (parts, "ledger", lambda: ledger),
            (parts, "provider", lambda _name: vendor),
            (job_parts, "now_ms", clock.now_ms),
            (parts, "gateway", gateway),
        ):
            patches.enter_context(patch.object(module, name, stand_in))
        yield stack, Meter(clock, boto3.session.Session().client("dynamodb")), client


def scaled(catalog: Catalog, factor: float) -> Catalog:
    """The same models with quotas multiplied."""

    def model(found: Any) -> Any:
        limits = [limit.model_copy(update={"amount": round(limit.amount * factor)}) for limit in found.limits]
        return found.model_copy(update={"limits": type(found.limits)(limits)})

    return catalog.model_copy(update={"models": type(catalog.models)(map(model, catalog.models))})


def _invoke(meter: Meter, stack: JobStack, function: str, event: State) -> State:
    """Run a Lambda; its log lines are its own and what it printed (metrics)."""
    handle = import_module(f"functions.{function}.handler").handle
    meter.function, printed, before = function, io.StringIO(), stack.log.tell()
    with contextlib.redirect_stdout(printed):
        result: State = handle(json.loads(json.dumps(event)), OwnContext())
    lines = stack.log.getvalue()[before:] + printed.getvalue()
    meter.tally.logged[function] += len(lines.encode()) + LINE_BYTES * lines.count("\n")
    return result


def _lines(meter: Meter, stack: JobStack, key: str) -> list[State]:
    meter.tally.units["map", "s3 gets"] += 1
    return [json.loads(line) for line in stack.bucket.read_text(key).splitlines()]


def extrapolated(small: Cost, large: Cost, documents: int) -> dict[str, float]:
    """Units of a job of any size, along the line through two that were run."""
    few, many = small.units(), large.units()
    span = large.job.documents - small.job.documents
    return {
        kind: max(0.0, few[kind] + (many[kind] - few[kind]) / span * (documents - small.job.documents)) for kind in many
    }


def report(cost: Cost, name: str) -> None:
    """Print what one batch took."""
    walk, batches, function = cost.walk, cost.batches, "summarize_batch"
    print(f"\n{name}: {cost.job.documents} documents, {batches} batches, {cost.calls} calls in {cost.took_s:.0f} s")
    states, waits = sum(walk.entered[state] for state in CHILD) / batches, walk.entered["WaitForSlot"] / batches
    mean_ms = walk.invoked_ms[function] / walk.invoked[function]
    print(f"  {states:5.2f} states entered, {waits:.2f} of them waits")
    print(f"  {walk.invoked[function] / batches:5.2f} invocations of {mean_ms:,.0f} ms")
    for (place, operation), number in sorted(cost.per_batch(cost.tally.requests).items()):
        print(f"  {number:5.2f} {operation} {place}")
    for (asked_by, kind), number in sorted(cost.tally.units.items()):
        if asked_by == function and kind.startswith("dynamodb"):
            print(f"  {number / batches:5.2f} {kind}")
    histories = walk.histories[:batches]
    print(f"  {cost.tally.logged[function] / batches:5,.0f} bytes of log lines and metrics")
    print(f"  {sum(histories) / batches:5.1f} events of history, {max(histories)} in the longest")


def print_prices(few: Cost, many: Cost, name: str) -> None:
    """Print units and dollars of jobs of three sizes."""
    columns = [extrapolated(few, many, documents) for documents in PRICED]
    dollars = [usd(units) for units in columns]
    print(f"\n{name:24}" + "".join(f"{f'{documents:,} documents':>30}" for documents in PRICED))
    for kind in columns[0]:
        cells = zip((units[kind] for units in columns), (paid[kind] for paid in dollars), strict=True)
        print(f"  {kind:22}" + "".join(f"{amount:18,.2f} ${paid:10,.4f}" for amount, paid in cells))
    sums = [sum(paid.values()) for paid in dollars]
    print(f"  {'together':22}" + "".join(f"{'':18} ${paid:10,.4f}" for paid in sums))
    a_thousand = [paid / documents * 1000 for paid, documents in zip(sums, PRICED, strict=True)]
    print(f"  {'a thousand documents':22}" + "".join(f"{'':18} ${paid:10,.4f}" for paid in a_thousand))


def print_sizes() -> None:
    """Print items as they grow, and what of the bill grows with the models alone."""
    print("\nitem                                        bytes  write units")
    for models, query in ((2, 100), (10, 100), (50, 100), (50, 4000)):
        size = job_item_bytes(models, query)
        print(f"job, {models:2} models, query of {query:5,} characters {size:9,} {write_units(size):12}")
    for kinds in (("tpm",), ("tpm", "rpm")):
        for ahead_s in (0, 10, 60):
            size = ledger_item_bytes(kinds, ahead_s)
            print(f"ledger, {' and '.join(kinds):11} booked {ahead_s:2} s ahead {size:12,} {write_units(size):12}")
    for models in (5, 50):
        print(
            f"{METRICS} metrics of each of {models} models: ${METRICS * models * METRIC_MONTH_USD:.0f} a month of use"
        )


def main() -> None:
    """Run the jobs and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=240, help="in the larger of each two jobs")
    documents = parser.parse_args().documents
    jobs = {
        "starts at once": Job(documents),
        "waits": Job(documents, quota=1),
        "packed, starts at once": Job(documents, characters=1200),
    }
    for name, job in jobs.items():
        few, many = run(replace(job, documents=documents // 2)), run(job)
        report(many, name)
        print_prices(few, many, name)
    print_sizes()


if __name__ == "__main__":
    main()
