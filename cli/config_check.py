"""`rota config check`: everything that is wrong in a pool file, by line; or what it says, in short."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from cli.config_summary import summary
from cli.errors import FAILED, CliError
from cli.figures import counted
from cli.yaml_lines import lines_of
from local.synthesis import config_path
from rota.catalog_file import parse_catalog, problems


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong: its line and, where that is known, column from 1; its path, empty for the file as a whole."""

    line: int
    path: str
    message: str
    column: int | None = None

    def sentence(self, name: str) -> str:
        """As compilers write it: `rota.yaml:12: models.0.tier: must be 1, 2 or 3, not 4`."""
        place = f"{name}:{self.line}" + (f":{self.column}" if self.column else "")
        return f"{place}: {self.path + ': ' if self.path else ''}{self.message}"


def main(options: argparse.Namespace) -> int:
    """Run the command; see `rota config --help`. Exit code 1 for a file with errors."""
    path = Path(options.file) if options.file else config_path()
    name = _shown(path)
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CliError(f"{name} cannot be read: {getattr(error, 'strerror', None) or 'it is not UTF-8'}.") from error
    found = findings(text)
    if options.json:
        print(json.dumps({"file": str(path), "ok": not found, "errors": [asdict(each) for each in found]}, indent=2))
        return FAILED if found else 0
    for finding in found:
        print(finding.sentence(name), file=sys.stderr)
    if found:
        raise CliError(f"{counted(len(found), 'error')} in {name}.")
    print(f"{name} is ok.\n")
    for line in summary(parse_catalog(yaml.safe_load(text))):
        print(line)
    return 0


def findings(text: str) -> list[Finding]:
    """Everything wrong in a pool file's text, from top to bottom; what is no YAML has one finding only."""
    try:
        document = yaml.safe_load(text)
        lines = lines_of(text)
    except yaml.YAMLError as error:
        return [_no_yaml(error)]
    found = [Finding(lines.of(each.field), each.field, each.message) for each in problems(document)]
    found += [
        Finding(line, path, f"stands here again, after line {first}; only this one would count")
        for path, line, first in lines.twice
    ]
    return sorted(found, key=lambda finding: finding.line)


def _no_yaml(error: Any) -> Finding:
    """`problem` and `problem_mark` are there for all but unreadable characters."""
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return Finding(1, "", f"is not valid YAML: {' '.join(str(error).split())}")
    context = f" ({error.context})" if error.context else ""
    return Finding(mark.line + 1, "", f"is not valid YAML: {error.problem}{context}", mark.column + 1)


def _shown(path: Path) -> str:
    return str(path.relative_to(Path.cwd()) if path.is_absolute() and path.is_relative_to(Path.cwd()) else path)
