"""Real piles through the deployed local stack: time beside the bound of the quotas, memory, and cost a document.

Run: python -m benchmarks.piles [PILE …]

It takes real minutes: the simulated quotas are per real minute. The pool is rota.yaml's with Bedrock's quotas at their
`ceiling` of a million tokens a minute. Everything is made from the running interpreter: its standard library's
source, and PDFs of that. Quotas are counted by the vendors themselves; the bound is the time in which the models that
read (which carry at least a twentieth) could have admitted what was spent (see benchmarks.end_to_end for windows and
steps).
"""

from __future__ import annotations

import argparse
import math
import random
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from benchmarks.end_to_end import Bench, peak_mb, running
from local.state import ROOT
from rota.catalog_file import load_catalog
from tests.fixtures.files import pdf

LIBRARY = Path(sysconfig.get_path("stdlib"))
NEEDLESS = {"site-packages", "test", "tests", "idlelib", "lib2to3", "__pycache__", "config-3"}
QUESTION = "How is this organised, where are tasks cancelled, and which parts are risky?"
FUNCTIONS = ("gather_documents", "plan_job", "summarize_batch", "synthesize_summaries", "write_answer")
READS = 0.05
"""Share of a job's tokens from which on a model counts as one that reads: plans and answers take less."""
LINE_CHARACTERS = 70
"""Of a PDF's lines."""


@dataclass(frozen=True, slots=True)
class Pile:
    """What is read, by key below `library/<name>/`, and the question asked of it."""

    about: str
    files: Callable[[], Iterator[tuple[str, bytes]]]
    question: str = QUESTION


def sources(count: int) -> Iterator[tuple[str, bytes]]:
    """So many modules of the standard library, whole packages first, in an order that depends on nothing else."""
    found = [path for path in LIBRARY.rglob("*.py") if not NEEDLESS & set(path.relative_to(LIBRARY).parts)]
    packages = ("asyncio", "email", "json", "http", "concurrent", "importlib", "unittest", "xml", "logging", "urllib")
    place = {name: at for at, name in enumerate(packages)}
    found.sort(key=lambda path: (place.get(path.relative_to(LIBRARY).parts[0], len(place)), str(path)))
    for path in found[:count]:
        yield path.relative_to(LIBRARY).as_posix(), path.read_bytes()


def pdfs() -> Iterator[tuple[str, bytes]]:
    """Twenty modules as PDFs of one line a page's worth of text each."""
    for name, data in sources(20):
        words = data.decode("utf-8", "replace").encode("ascii", "replace").decode().split()
        lines = ["".join(c for c in " ".join(words[i : i + 12]) if c not in "()\\") for i in range(0, len(words), 12)]
        yield name.replace("/", "-").replace(".py", ".pdf"), pdf(*(line[:LINE_CHARACTERS] for line in lines[:200]))


def large() -> Iterator[tuple[str, bytes]]:
    """One document of five megabytes: minutes of a project that never ends."""
    rnd = random.Random(5)
    paragraphs: list[str] = []
    size = 0
    while size < 5_000_000:
        n = len(paragraphs)
        text = (
            f"## Day {n}\n\nThe task force met {rnd.randint(2, 9)} times. It cancelled task {rnd.randint(1, 900)} "
            f"because unit {rnd.randint(1, 80)} was {rnd.choice(('late', 'broken', 'too dear', 'not needed'))}, and "
            f"set aside {rnd.randint(100, 9000)} euros for {rnd.choice(('pumps', 'cables', 'paint', 'a new roof'))}.\n"
        )
        paragraphs.append(text)
        size += len(text)
    yield "minutes.md", "\n".join(paragraphs).encode()


def lines(count: int) -> Iterator[tuple[str, bytes]]:
    """So many documents of one line."""
    rnd = random.Random(count)
    for n in range(count):
        broken = rnd.choice(("login", "export", "search"))
        yield f"{n:05}.txt", f"Ticket {n}: customer {rnd.randint(1, 500)} reports that {broken} fails.".encode()


PILES: Mapping[str, Pile] = {
    "stdlib-50": Pile("50 source files", lambda: sources(50)),
    "stdlib-500": Pile("500 source files", lambda: sources(500)),
    "pdfs": Pile("20 PDFs", pdfs),
    "large": Pile("one document of 5 MB", large, "Which tasks were cancelled, and why?"),
    "lines-100": Pile("100 documents of one line", lambda: lines(100), "What fails most often?"),
    "lines-1000": Pile("1,000 documents of one line", lambda: lines(1000), "What fails most often?"),
    "lines-10000": Pile("10,000 documents of one line", lambda: lines(10_000), "What fails most often?"),
}


def at_ceilings(folder: Path) -> Path:
    """rota.yaml with the quotas of an account that has asked for more."""
    value = yaml.safe_load((ROOT / "rota.yaml").read_text(encoding="utf-8"))
    for model in value["models"]:
        for limit in model["limits"]:
            limit["amount"] = limit.get("ceiling", limit["amount"])
    path = folder / "rota.yaml"
    path.write_text(yaml.safe_dump(value, sort_keys=False), encoding="utf-8")
    return path


def put(bench: Bench, name: str, pile: Pile) -> tuple[int, int]:
    """Write a pile into the bucket; (documents, bytes)."""
    files = list(pile.files())
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda file: bench.put_object(f"library/{name}/{file[0]}", file[1]), files))
    return len(files), sum(len(data) for _, data in files)


def bound_s(vendors: Mapping[str, Any], before: Mapping[str, Any], config: Path) -> tuple[int, float]:
    """(tokens, seconds) of what the vendors counted since `before`, in steps of a window."""
    catalog = load_catalog(config)
    used = {name: seen["used_tokens"] - before[name]["used_tokens"] for name, seen in vendors.items()}
    tokens = sum(used.values())
    quota = {
        name: min(limit.amount for limit in catalog.model(name).limits if limit.kind == "tpm")
        for name in used
        if used[name] > READS * tokens
    }
    return tokens, 60.0 * max(0, math.ceil(tokens / max(1, sum(quota.values()))) - 1)


def measure(bench: Bench, name: str, pile: Pile, config: Path) -> None:
    """Plan, then run one pile, and print what it took beside what was planned."""
    documents, size = put(bench, name, pile)
    before = bench.vendors()
    [planned] = bench.follow([bench.start(name, query=pile.question, max_documents=10_000, dry_run=True)], poll_s=0.5)
    began = time.monotonic()
    [job] = bench.follow([bench.start(name, query=pile.question, max_documents=10_000)], poll_s=0.5)
    for each in (planned, job):
        if each["status"] != "done":
            raise RuntimeError(f"{name}: {each['status']}: {each.get('error')}")
    took_s = time.monotonic() - began
    tokens, least_s = bound_s(bench.vendors(), before, config)
    estimate, usage = planned["plan"]["estimate"], job["usage"]
    spent = usage["input_tokens"] + usage["output_tokens"]
    print(f"\n{name}: {pile.about}, {size / 1e6:.1f} MB: {job['status']}, {job['coverage']['sentence'][:90]}")
    print(f"  {job['progress']['batches_total']} batches, {usage['calls']} calls, {tokens:,} tokens at the vendors")
    print(f"  {took_s:.0f} s; the quotas' bound is {least_s:.0f} s; refusals {usage['refusals']}")
    print(f"  ${usage['cost_usd']:.4f}, ${1000 * usage['cost_usd'] / documents:.4f} a thousand documents")
    planned_tokens = estimate["input_tokens"] + estimate["output_tokens"]
    print(
        f"  planned: {estimate['calls']} calls ({_off(estimate['calls'], usage['calls'])}), "
        f"{planned_tokens:,} tokens ({_off(planned_tokens, spent)}), "
        f"${estimate['cost_usd']:.4f} ({_off(estimate['cost_usd'], usage['cost_usd'])}), {estimate['eta_s']} s"
    )
    print("  memory at most: " + ", ".join(f"{each} {peak_mb(each):.0f} MB" for each in FUNCTIONS), flush=True)


def _off(planned: float, real: float) -> str:
    return f"{100 * (planned / real - 1):+.0f} %" if real else "none"


def main() -> None:
    """Run the piles that were named, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("piles", nargs="*", metavar="PILE", help=f"of {', '.join(PILES)} (all)")
    options = parser.parse_args()
    unknown = [name for name in options.piles if name not in PILES]
    if unknown:
        parser.error(f"no such pile: {', '.join(unknown)}; there are {', '.join(PILES)}")
    with tempfile.TemporaryDirectory(prefix="rota-piles-") as folder:
        config = at_ceilings(Path(folder))
        with running(config) as bench:
            for name in options.piles or PILES:
                measure(bench, name, PILES[name], config)


if __name__ == "__main__":
    main()
