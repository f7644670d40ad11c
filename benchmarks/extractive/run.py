"""How near the quotes of extractive mode come to summaries that were written by hand, and how they read.

Run: .bench/bin/python -m benchmarks.extractive [--half development|held-out] [--show NAME]

Prints the tables; a run over both halves replaces `benchmarks/results/extractive.md` and its plot. What is compared
and how is in README.md beside this file.
"""

from __future__ import annotations

import argparse
from importlib.metadata import version
from pathlib import Path

from benchmarks.extractive import systems, table
from benchmarks.extractive.measure import Row, measure
from benchmarks.extractive.tasks import load_tasks

RESULTS = Path("benchmarks/results")
TARGET = "R-2"
"""What the oracle is picked by, as is usual."""


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", choices=("development", "held-out"), help="one half only; writes nothing")
    parser.add_argument("--show", metavar="NAME", help="print a task's question, reference and quotes instead")
    options = parser.parse_args()
    tasks = [task for task in load_tasks() if options.half in (None, task.half)]
    if options.show:
        task = next(task for task in tasks if task.name == options.show)
        print(
            "\n\n".join(filter(None, [task.question, task.reference, *(f"- {quote}" for quote in systems.rota(task))]))
        )
        return
    from benchmarks.extractive import graphs, rouge

    orders = {"TextRank": graphs.text_rank, "LexRank": graphs.lex_rank}
    rows = list(measure(tasks, orders, rouge.scorer, TARGET))
    if options.half:
        print("\n".join([*table.scores(rows), "", *table.differences(rows), "", *table.by_kind(rows)]))
    else:
        write(rows)


def write(rows: list[Row]) -> None:
    """Print the page, and write it and the plot of the held-out half."""
    from benchmarks.extractive.plot import bars
    from benchmarks.peers.plot_style import save, styled

    page = table.markdown(rows, [about(rows), "", "![Bars](extractive.png)"])
    print(page)
    (RESULTS / "extractive.md").write_text(page, "utf-8")
    with styled():
        save(bars([row for row in rows if row.task.half == "held-out"]), RESULTS, "extractive")


def about(rows: list[Row]) -> str:
    """What was measured, in a paragraph."""
    tasks = {row.task.name: row.task for row in rows}.values()
    words = sum(task.words for task in tasks)
    return (
        f"{len(tasks)} tasks, {words:,} words of documents; "
        f"sumy {version('sumy')}, rouge-score {version('rouge-score')}. "
        f"Rota may quote {systems.BUDGET_TOKENS} tokens; every other extract but lead-3 has as many words as Rota's on "
        "the same task. Intervals: 95 %, bootstrap over tasks. CPU: processor time for 1,000 words of documents, "
        "splitting into sentences included. What is compared and how: [README](../extractive/README.md)."
    )
