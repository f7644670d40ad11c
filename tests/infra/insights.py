"""Runs Logs Insights queries on log lines: the subset that infra.queries uses, translated to SQLite."""

# ruff: noqa: S608 - the statements are built from queries of this repository

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

BIN_MS = {"m": 60_000, "h": 3_600_000}


class Percentile:
    """SQLite's missing `pct(value, percent)`: the nearest rank."""

    def __init__(self) -> None:
        self.values: list[float] = []
        self.percent = 0.0

    def step(self, value: float | None, percent: float) -> None:
        """Take one row's value; one without the field does not count."""
        self.percent = percent
        if value is not None:
            self.values.append(value)

    def finalize(self) -> float | None:
        """The value at the nearest rank."""
        if not self.values:
            return None
        rank = round(self.percent / 100 * (len(self.values) - 1))
        return sorted(self.values)[rank]


def run(query: str, lines: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows of a query over log lines, each with `@timestamp` in epoch milliseconds.

    Raises sqlite3.OperationalError for a field that no line has, and ValueError for what is not translated.
    """
    columns = sorted({key for line in lines for key in line})
    database = sqlite3.connect(":memory:")
    database.row_factory = sqlite3.Row
    database.create_aggregate("pct", 2, Percentile)  # type: ignore[arg-type] # its protocol wants an int from finalize
    database.execute(f"CREATE TABLE lines ({', '.join(map(quoted, columns))})")
    values = [[plain(line.get(column)) for column in columns] for line in lines]
    database.executemany(f"INSERT INTO lines VALUES ({', '.join('?' * len(columns))})", values)
    statement = "SELECT * FROM lines"
    for command in re.split(r"\s*\|\s*", query.strip()):
        statement = translated(command, statement)
    try:
        return [dict(row) for row in database.execute(statement)]
    finally:
        database.close()


def translated(command: str, before: str) -> str:
    """One command of the pipe, as a SELECT from what stands before it."""
    verb, _, rest = command.partition(" ")
    if verb == "filter":
        condition = re.sub(r"ispresent\((\w+)\)", r"\1 IS NOT NULL", re.sub(r'"([^"]*)"', r"'\1'", rest))
        return f"SELECT * FROM ({before}) WHERE {condition}"
    if verb == "fields":
        return f"SELECT {', '.join(quoted(name.strip()) for name in rest.split(','))} FROM ({before})"
    if verb == "sort":
        return f"SELECT * FROM ({before}) ORDER BY {rest}"
    if verb == "limit":
        return f"SELECT * FROM ({before}) LIMIT {int(rest)}"
    if verb == "stats":
        measures, groups = re.split(r"\s+by\s+", rest)
        binned_groups = re.sub(r"bin\(1([mh])\)", lambda found: binned(found[1]), groups)
        keys = [quoted(key) if key.isidentifier() else key for key in binned_groups.split(", ")]
        names = [key.split(" as ")[-1].strip() for key in keys]
        return f"SELECT {', '.join(keys)}, {measures} FROM ({before}) GROUP BY {', '.join(names)}"
    raise ValueError(f"not translated: {command}")


def binned(unit: str) -> str:
    """The start of the minute or hour that a line falls into."""
    return f'"@timestamp" / {BIN_MS[unit]} * {BIN_MS[unit]}'


def quoted(name: str) -> str:
    """A column's name for SQLite."""
    return f'"{name}"'


def plain(value: Any) -> Any:
    """What SQLite can hold; a nested value as its JSON."""
    return json.dumps(value) if isinstance(value, dict | list) else value
