"""The figures as Markdown: what each way of picking scores, and by how much Rota is ahead of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import fmean

from benchmarks.extractive.intervals import Interval, interval, paired
from benchmarks.extractive.measure import Row

SYSTEMS = ("Rota", "TextRank", "LexRank", "BM25", "lead", "lead-3", "random", "oracle")
METRICS = ("R-1", "R-2", "R-L")
_OTHERS = tuple(name for name in SYSTEMS if name not in ("Rota", "oracle"))


def markdown(rows: Sequence[Row], about: Sequence[str]) -> str:
    """The whole page: the held-out half first, for nothing was chosen by it."""
    held_out = [row for row in rows if row.task.half == "held-out"]
    others = [row for row in rows if row.task.half == "development"]
    parts = ["# Extractive mode beside other ways of picking sentences", "", *about, ""]
    parts += ["## Held-out half", "", *scores(held_out), "", *differences(held_out), ""]
    parts += ["## Development half", "", *scores(others), "", *differences(others), ""]
    parts += ["## Both halves by kind of text", "", *by_kind(rows), ""]
    return "\n".join(parts)


def scores(rows: Sequence[Row]) -> Iterator[str]:
    """A row per system: F1 in per cent with 95 % intervals, and how the extracts read."""
    yield _line("", *(f"{name} F1 (%)" for name in METRICS), "words", "repeated (%)", "dangling (%)", "CPU (ms)")
    yield _rule(8)
    for name, own in _by_system(rows).items():
        cells = [_written(interval([100 * row.scores[metric] for row in own])) for metric in METRICS]
        extra = [
            f"{fmean(row.words for row in own):.0f}",
            f"{100 * fmean(row.repeated for row in own):.1f}",
            f"{100 * fmean(row.dangling for row in own):.0f}",
            f"{fmean(row.cpu_ms for row in own):.1f}" if name != "oracle" else "–",
        ]
        yield _line(f"**{name}**" if name == "Rota" else name, *cells, *extra)


def differences(rows: Sequence[Row]) -> Iterator[str]:
    """Rota minus each other on the same tasks, in points of F1; bold where the interval leaves out 0."""
    systems = _by_system(rows)
    yield _line("Rota minus …", *METRICS)
    yield _rule(4)
    for name in (name for name in _OTHERS if name in systems):
        yield _line(name, *(_signed(difference(systems["Rota"], systems[name], metric)) for metric in METRICS))


def difference(ours: Sequence[Row], theirs: Sequence[Row], metric: str) -> Interval:
    """In points of F1, paired by task; raises ValueError when the tasks are not the same."""
    if [row.task.name for row in ours] != [row.task.name for row in theirs]:
        raise ValueError("the two systems were not given the same tasks in the same order")
    return paired(*([100 * row.scores[metric] for row in own] for own in (ours, theirs)))


def by_kind(rows: Sequence[Row]) -> Iterator[str]:
    """The mean of the three metrics by genre, language and whether there is a question."""
    shown = tuple(name for name in SYSTEMS if name in _by_system(rows))
    kinds: tuple[Callable[[Row], str], ...] = (
        lambda row: "with a question" if row.task.question else "without a question",
        lambda row: f"language: {row.task.language}",
        lambda row: row.task.genre,
    )
    yield _line("mean of the three F1 (%)", "texts", *shown)
    yield _rule(2 + len(shown))
    for kind in kinds:
        for name in sorted({kind(row) for row in rows}):
            own = _by_system([row for row in rows if kind(row) == name])
            cells = [f"{_overall(own[system]):.1f}" for system in shown]
            best = max(cells[: -1 if shown[-1] == "oracle" else None], key=float)
            yield _line(name, str(len(own["Rota"])), *(f"**{cell}**" if cell == best else cell for cell in cells))


def _by_system(rows: Sequence[Row]) -> Mapping[str, list[Row]]:
    found = {name: [row for row in rows if row.system == name] for name in SYSTEMS}
    return {name: own for name, own in found.items() if own}


def _overall(rows: Sequence[Row]) -> float:
    return 100 * fmean(value for row in rows for value in row.scores.values())


def _written(found: Interval) -> str:
    return f"{found.mean:.1f} ({found.low:.1f} to {found.high:.1f})"


def _signed(found: Interval) -> str:
    text = f"{found.mean:+.1f} ({found.low:+.1f} to {found.high:+.1f})"
    return f"**{text}**" if found.low > 0 or found.high < 0 else text


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _rule(columns: int) -> str:
    return "|---" * columns + "|"
