"""From paths on a command line to the files worth reading: folders are walked, noise is left out."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cli.errors import CliError
from rota.documents.sources.archives import has_archive_name
from rota.documents.sources.noise import is_noise

SNIFFED_BYTES = 8192


@dataclass(frozen=True, slots=True)
class Found:
    """A file to send; `name` is its title in the answer's sources: a relative path with forward slashes."""

    path: Path
    name: str


def collect(paths: Sequence[str]) -> list[Found]:
    """Files named and files below folders named, in order and once each.

    Below folders hidden, ignored (by git), built, binary and empty files are left out; a file named by itself never is.
    Raises CliError naming every path that does not exist, and when nothing is left.
    """
    missing = [path for path in paths if not Path(path).exists()]
    if missing:
        raise CliError(f"There is no such file or folder: {', '.join(missing)}.")
    found: dict[Path, Found] = {}
    for text in paths:
        path = Path(text)
        for file in readable_files(path) if path.is_dir() else [path]:
            found.setdefault(file.resolve(), Found(file, _name(file, path)))
    if not found:
        raise CliError(f"There is nothing to read in {', '.join(paths)}: no text, Markdown, HTML, PDF or code.")
    return _distinct(list(found.values()))


def readable_files(folder: Path) -> list[Path]:
    """What a person would call the documents below this folder, sorted."""
    listed = _known_to_git(folder) or list(_walked(folder))
    return sorted(path for path in listed if not is_noise(path.relative_to(folder).as_posix()) and _is_document(path))


def _known_to_git(folder: Path) -> list[Path]:
    """What git tracks or would track; nothing outside a work tree, or in a folder that is ignored as a whole."""
    git = shutil.which("git")
    if not git:
        return []
    command = [git, "-C", str(folder), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - no shell, and our own arguments
    if listing.returncode:
        return []
    return [folder / os.fsdecode(name) for name in listing.stdout.split(b"\0") if name]


def _walked(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not is_noise(name)]
        yield from (Path(parent) / name for name in names)


def _is_document(path: Path) -> bool:
    """A regular file with text in it, a PDF, a DOCX or an archive. A zero byte means binary, except in UTF-16, which
    has a mark."""
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            start = file.read(SNIFFED_BYTES)
    except OSError:
        return False
    packed = has_archive_name(path.name) or path.suffix.lower() == ".docx"
    return bool(start) and (packed or start.startswith((b"%PDF", b"\xff\xfe", b"\xfe\xff")) or b"\0" not in start)


def _name(file: Path, argument: Path) -> str:
    """Relative to where the person stands, or else to what was named."""
    full = Path(os.path.abspath(file))  # noqa: PTH100 - resolve() would follow links away from the name typed
    if full.is_relative_to(Path.cwd()):
        return full.relative_to(Path.cwd()).as_posix()
    return full.relative_to(Path(os.path.abspath(argument)).parent).as_posix()  # noqa: PTH100


def _distinct(files: list[Found]) -> list[Found]:
    """Two files of one name, from different folders, must not overwrite each other."""
    taken: set[str] = set()
    distinct = []
    for file in files:
        name, number = file.name, 2
        while name in taken:
            name, number = f"{number}/{file.name}", number + 1
        taken.add(name)
        distinct.append(Found(file.path, name))
    return distinct
