"""The two test cases of the load-balancing note on the deployed stack, with the note's own pools and quotas.

Each pool file has a stack of its own. The vendors are simulated and enforce the real quotas; a share is what a call
used of its model's tokens a minute, as in the note's tables (shown by `pytest -s`).
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from deployed_stack import DeployedStack, deployed

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
FIVE, TWO = EXAMPLES / "five-models.yaml", EXAMPLES / "openai.yaml"
STEPS = ("plan_job", "summarize_batch", "synthesize_summaries", "write_answer")
CHARACTERS_PER_TOKEN = 4
"""Of the simulated vendors."""
CLIMATE = "Find current news about climate change policy updates"
QUANTUM = "What are the latest developments in quantum computing?"
TOPICS = ("carbon prices", "coal plants", "heat pumps", "forests", "methane rules", "qubits", "error correction")


@pytest.fixture(scope="module")
def five(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeployedStack]:
    """Groq as the note had it: 64k + 120k + 60k + 60k + 60k tokens a minute for pages, 30k for the user's model."""
    with deployed(tmp_path_factory.mktemp("five"), FIVE) as running:
        yield running


@pytest.fixture
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeployedStack]:
    """OpenAI's two models."""
    with deployed(tmp_path_factory.mktemp("two"), TWO) as running:
        yield running


def pages(tokens: int) -> dict[str, str]:
    """Five pages of so many tokens."""
    return {f"page-{number}.md": page(number, tokens) for number in range(1, 6)}


def page(number: int, tokens: int) -> str:
    """A page of news in which no two sentences are the same."""
    lines = [f"# News {number}", ""]
    while sum(map(len, lines)) < tokens * CHARACTERS_PER_TOKEN:
        item = len(lines)
        topic = TOPICS[(number + item) % len(TOPICS)]
        lines.append(
            f"Update {number}-{item}: the policy on {topic} changed in article {3 * item}, the council told the press."
        )
    return "\n".join(lines)


def ask(stack: DeployedStack, query: str, texts: Mapping[str, str], **options: Any) -> dict[str, Any]:
    """Run the job to its end: every page is covered, the words are models' own, and nobody was refused."""
    job = stack.wait_for_job(stack.start_job(query, texts, **options))
    assert (job["status"], job["mode"], job["fallback_used"]) == ("done", "models", False)
    assert job["coverage"]["sentence"] == "5 of 5 documents"
    assert job["sources"]
    assert {source["title"] for source in job["sources"]} <= set(texts)
    assert job["usage"]["refusals"] == 0
    assert {name: seen["refusals"] for name, seen in stack.simulated.stats().items() if seen["refusals"]} == {}
    return job


def calls_of(stack: DeployedStack, job: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The job's model calls by step."""
    return [
        line for step in STEPS for line in stack.log_lines(step, event="model_call", job=job["job_id"], outcome="ok")
    ]


def table(calls: Sequence[Mapping[str, Any]], quotas: Mapping[str, int]) -> str:
    """The note's table: a line per call, one per model with all that the job took of it, and what calls waited."""
    lines = ["", f"{'task':12} {'model':22} {'tokens':>7}  share of the model's tokens a minute"]
    used: Counter[str] = Counter()
    for call in calls:
        used[call["model"]] += tokens(call)
        lines.append(f"{call['task']:12} {call['model']:22} {tokens(call):7,}  {share(tokens(call), call, quotas)}")
    for model, total in used.items():
        lines.append(f"{'all':12} {model:22} {total:7,}  {share(total, {'model': model}, quotas)}")
    waits_ms = sorted(call["wait_ms"] for call in calls)
    lines.append(f"{'all':12} {'':22} {used.total():7,}  of {sum(quotas.values()):,} together")
    return "\n".join(
        [*lines, f"from asking to calling, the ledger's own work: median {statistics.median(waits_ms)} ms"]
    )


def tokens(call: Mapping[str, Any]) -> int:
    """Input and output."""
    return int(call["input_tokens"] + call["output_tokens"])


def share(used: int, call: Mapping[str, Any], quotas: Mapping[str, int]) -> str:
    """`2,722 / 60,000 = 4.5 %`."""
    quota = quotas[call["model"]]
    return f"{used:,} / {quota:,} = {used / quota:.1%}"


def quotas_of(config: Path) -> dict[str, int]:
    """Tokens a minute by model, read from the pool file."""
    models = yaml.safe_load(config.read_text("utf-8"))["models"]
    return {model["id"]: limit["amount"] for model in models for limit in model["limits"] if limit["kind"] == "tpm"}


def wait_states(stack: DeployedStack, job: Mapping[str, Any]) -> int:
    """How often the job's steps and batches went to a Wait state: a batch that never did is one task."""
    machine = stack.outputs["WorkflowArn"]
    execution = f"{machine.replace(':stateMachine:', ':execution:', 1)}:{job['job_id']}"
    waited = sum(event["type"] == "WaitStateEntered" for event in history(stack, execution))
    for run in stack.stepfunctions.list_map_runs(executionArn=execution)["mapRuns"]:
        for child in stack.stepfunctions.list_executions(mapRunArn=run["mapRunArn"])["executions"]:
            events = history(stack, child["executionArn"])
            waited += sum(event["type"] == "TaskScheduled" for event in events) - 1
    return waited


def history(stack: DeployedStack, execution: str) -> list[dict[str, Any]]:
    """An execution's events."""
    found = stack.stepfunctions.get_execution_history(executionArn=execution, maxResults=1000)
    return list(found["events"])


def test_case_1_the_pages_are_shared_by_five_models_and_the_users_model_keeps_its_room(five: DeployedStack) -> None:
    """A plan, five pages, one synthesis, one answer: each page on a model of its own, nothing over a tenth of a quota.

    The note's search call has no counterpart: the pages are given with the job. Its plan of 2k and answer of 10k
    tokens on the user's model are what Rota's prompts take of the same 30k.
    """
    job = ask(five, CLIMATE, pages(1950), answer_model="llama-4-scout")
    calls, quotas = calls_of(five, job), quotas_of(FIVE)
    shown = table(calls, quotas)
    print(shown)  # noqa: T201 - the note's own table
    models = {task: Counter(c["model"] for c in calls if c["task"] == task) for task in {c["task"] for c in calls}}
    assert models["plan"] == models["answer"] == {"llama-4-scout": 1}, shown
    assert models["summarize"] == dict.fromkeys(set(quotas) - {"llama-4-scout"}, 1), shown
    assert models["synthesize"] == {"llama-3.3-70b": 1}, shown
    assert all(tokens(call) <= 0.1 * quotas[call["model"]] for call in calls), shown
    scout = sum(tokens(call) for call in calls if call["model"] == "llama-4-scout")
    assert scout <= 0.4 * quotas["llama-4-scout"], shown
    assert wait_states(five, job) == 0


def test_the_job_of_93k_tokens_fits_into_the_pool_at_once(five: DeployedStack) -> None:
    """What was three times the quota of one model is a quarter of the pool's: no refusal, no delay.

    The note spends 15k on page summaries and 70k on one final call, which is above the user's model's whole minute.
    Rota reads whole pages of 11k tokens in batches of 3k on the pool instead, merges the notes in groups of 6k, and
    the user's model answers from those: 93k in all, prompts and answers included.
    """
    before = five.simulated.stats()
    job = ask(five, CLIMATE, pages(11_300), answer_model="llama-4-scout")
    calls, quotas = calls_of(five, job), quotas_of(FIVE)
    shown = table(calls, quotas)
    print(shown)  # noqa: T201 - as above
    assert 88_000 <= sum(map(tokens, calls)) <= 98_000, shown
    reserved = {model: seen["reserved_tokens"] for model, seen in five.simulated.stats().items()}
    assert all(reserved[model] - before[model]["reserved_tokens"] < quotas[model] for model in quotas), shown
    assert wait_states(five, job) == 0


def test_case_2_two_models_of_openai_take_turns(two: DeployedStack) -> None:
    """Pages alternate; plan, synthesis and answer are the user's model."""
    job = ask(two, QUANTUM, pages(1950), answer_model="gpt-4o-mini")
    calls, quotas = calls_of(two, job), quotas_of(TWO)
    shown = table(calls, quotas)
    print(shown)  # noqa: T201 - as above
    models = Counter((call["task"], call["model"]) for call in calls)
    assert models == {
        ("plan", "gpt-4o-mini"): 1,
        ("summarize", "gpt-4o-mini"): 3,
        ("summarize", "gpt-3.5-turbo"): 2,
        ("synthesize", "gpt-4o-mini"): 1,
        ("answer", "gpt-4o-mini"): 1,
    }, shown
    assert wait_states(two, job) == 0
