"""How well batches of code hold together what imports each other: clusters beside the order of paths and a random one.

Run: python -m benchmarks.grouping

The source files are this interpreter's own library. Its packages get other names here, for `json` in a job means the
library's and not a folder of the job. `kept` is the share of all imports between the files whose two ends are in one
batch; every order fills its batches first-fit, as documents are packed that have no groups. `tokens` are what a batch
may hold: half of 100,000 a minute without the answer, and 350 KB.
"""

from __future__ import annotations

import sys
import sysconfig
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from random import Random

from rota.documents.code.cluster import cluster
from rota.documents.code.imports import imports
from rota.documents.code.links import CodeFile, Links, links
from rota.documents.group import FRAME_TOKENS, LINES_TOKENS, OPEN_BATCHES
from rota.documents.tokens import estimate_tokens

LIBRARY = Path(sysconfig.get_path("stdlib"))
SMALL = ("asyncio", "json", "http", "concurrent", "html")
LARGE = (
    *(*SMALL, "email", "importlib", "xml", "unittest", "urllib", "logging", "multiprocessing", "ctypes"),
    *("collections", "sqlite3", "wsgiref", "xmlrpc", "zoneinfo", "re", "tomllib", "dbm", "curses", "idlelib"),
)
PILES: Mapping[str, tuple[tuple[str, ...], bool, int]] = {"50": (SMALL, False, 50), "500": (LARGE, True, 500)}
"""Packages, whether the library's single modules are added, and how many files are taken, by path."""
TOKENS = (47_000, 108_000)
SHUFFLES = 10

Batches = list[list[int]]


def pile(packages: Iterable[str], with_modules: bool, most: int) -> dict[int, tuple[CodeFile, int]]:
    """Files by number, with their sizes in tokens."""
    paths = [path for package in packages for path in sorted((LIBRARY / package).rglob("*.py"))]
    paths += sorted(LIBRARY.glob("*.py")) if with_modules else []
    named = {path.relative_to(LIBRARY).parts[0].removesuffix(".py") for path in paths}
    found = {}
    for number, path in enumerate(paths[:most], 1):
        title, text = str(path.relative_to(LIBRARY)), path.read_text("utf-8", "replace")
        names = [_renamed(name, named) for name in imports(title, text) or ()]
        size = estimate_tokens(text) + estimate_tokens(title) + FRAME_TOKENS + LINES_TOKENS
        found[number] = (CodeFile(number, f"of_{title}", names), size)
    return found


def _renamed(name: str, named: set[str]) -> str:
    return f"of_{name}" if name.partition(".")[0] in named else name


def first_fit(numbers: Iterable[int], sizes: Mapping[int, int], max_tokens: int) -> Batches:
    """Batches in this order, a few of them open at a time."""
    done: Batches = []
    waiting: list[tuple[int, list[int]]] = []
    for number in numbers:
        size = sizes[number]
        at = next((at for at, (used, _) in enumerate(waiting) if used + size <= max_tokens), None)
        if at is None:
            waiting.append((size, [number]))
        else:
            waiting[at] = (waiting[at][0] + size, [*waiting[at][1], number])
        if len(waiting) > OPEN_BATCHES:
            done.append(waiting.pop(waiting.index(max(waiting)))[1])
    return done + [held for _, held in waiting]


def kept(batches: Batches, found: Mapping[int, Links]) -> float:
    """The share of imports that stay within a batch."""
    place = {number: at for at, held in enumerate(batches) for number in held}
    ends = [place[number] == place[other] for number, linked in found.items() for other in linked.files]
    return sum(ends) / len(ends)


def main() -> None:
    """Print a table."""
    print(f"Python {sys.version.split()[0]}, its own library\n")
    print(f"{'files':>5} {'KB':>7} {'imports':>8} {'tokens':>8}   {'order':14} {'batches':>8} {'kept':>6} {'ms':>6}")
    for packages, with_modules, most in PILES.values():
        files = pile(packages, with_modules, most)
        listed, sizes = [file for file, _ in files.values()], {number: size for number, (_, size) in files.items()}
        found = links(listed)
        count = sum(len(linked.files) for linked in found.values())
        by_path = [file.number for file in sorted(listed, key=lambda file: file.title)]
        for max_tokens in TOKENS:
            begins = f"{len(files):5} {sum(sizes.values()) * 3.3 / 1024:7.0f} {count:8} {max_tokens:8}"
            for name, order in _orders(listed, sizes, found, by_path, max_tokens).items():
                start = time.perf_counter()
                tried = [order(number) for number in range(SHUFFLES if name == "random" else 1)]
                took_ms = (time.perf_counter() - start) * 1000 / len(tried)
                share = sum(kept(batches, found) for batches in tried) / len(tried)
                print(f"{begins}   {name:14} {len(tried[-1]):8} {share:6.0%} {took_ms:6.0f}")


def _orders(
    files: list[CodeFile], sizes: Mapping[int, int], found: Mapping[int, Links], by_path: list[int], max_tokens: int
) -> dict[str, Callable[[int], Batches]]:
    return {
        "random": lambda seed: first_fit(Random(seed).sample(by_path, len(by_path)), sizes, max_tokens),
        "paths": lambda _: first_fit(by_path, sizes, max_tokens),
        "clusters": lambda _: cluster(files, sizes, found, max_tokens),
    }


if __name__ == "__main__":
    main()
