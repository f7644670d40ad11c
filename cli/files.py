"""From paths on a command line to the files worth reading, and the names they go by."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from cli.errors import CliError
from cli.folders import Folder, look_through
from cli.left_out import left_out_lines


@dataclass(frozen=True, slots=True)
class Found:
    """A file to send; `name` is its title in the answer's sources: a relative path with forward slashes."""

    path: Path
    name: str


def collect(paths: Sequence[str]) -> list[Found]:
    """Files named and files below folders named, in order and once each.

    Below folders hidden, ignored (by git), built, binary and empty files are left out, which standard error is told; a
    file named by itself never is. A file and links to it are one, which goes by its own name where both were found.
    Raises CliError naming every path that does not exist, and when nothing is left.
    """
    missing = [path for path in paths if not Path(path).exists()]
    if missing:
        raise CliError(f"There is no such file or folder: {', '.join(missing)}.")
    found: dict[Path, Found] = {}
    folders: dict[Path, Folder] = {}
    for path in map(Path, paths):
        if path.is_dir():
            folders[path] = look_through(path)
        for file in folders[path].documents if path in folders else [path]:
            full = file.resolve()
            if full not in found or (found[full].path.is_symlink() and not file.is_symlink()):
                found[full] = Found(file, _name(file, path))
    for line in left_out_lines(folders, {*folders, *(file.path for file in found.values())}):
        print(line, file=sys.stderr)
    if not found:
        raise CliError(f"There is nothing to read in {', '.join(paths)}: no text, Markdown, HTML, PDF or code.")
    return _distinct(list(found.values()))


def _name(file: Path, argument: Path) -> str:
    """Relative to where the person stands, or else to what was named."""
    full = _full(file)
    if full.is_relative_to(Path.cwd()):
        return full.relative_to(Path.cwd()).as_posix()
    return full.relative_to(_full(argument).parent).as_posix()


def _full(path: Path) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow links away from the name typed


def _distinct(files: list[Found]) -> list[Found]:
    """Two files of one name, from different folders, must not overwrite each other. The first one keeps it."""
    taken: set[str] = set()
    distinct = []
    for file in files:
        name = next(name for name in _names(file) if name not in taken)
        taken.add(name)
        distinct.append(Found(file.path, name))
    return distinct


def _names(file: Found) -> Iterator[str]:
    """The file's name, then with one more of the folders it lies in each time, then with numbers."""
    yield file.name
    parts = _full(file.path).parts[1:]
    for start in range(len(parts) - file.name.count("/") - 2, -1, -1):
        yield "/".join(parts[start:])
    yield from (f"{number}/{file.name}" for number in count(2))
