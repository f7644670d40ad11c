"""What lies below a folder: documents, files that nobody can read, and what nobody means when they name the folder.

Git says what is ignored, also in repositories within the folder. What it ignores, links to folders and empty files are
passed over without a word. Folders that are hidden or vendored are not entered: each counts as one folder.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rota.documents.sources.archives import has_archive_name
from rota.documents.sources.noise import is_noise

SNIFFED_BYTES = 8192


@dataclass(frozen=True, slots=True)
class Folder:
    """Sorted paths, each beginning with that of the folder. `noise` are files and folders."""

    documents: list[Path]
    unreadable: list[Path]
    noise: list[Path]


def look_through(folder: Path) -> Folder:
    """Walk a folder; of what it holds only the first bytes are read."""
    found = Folder([], [], [])
    for path in sorted(set(_listed(folder))):
        if is_noise(path.relative_to(folder).as_posix()):
            found.noise.append(path)
        elif path.is_file():
            start = _start(path)
            if start is None or (start and not _is_document(path, start)):
                found.unreadable.append(path)
            elif start:
                found.documents.append(path)
    return found


def _listed(folder: Path) -> Iterator[Path]:
    """Every file, and the folders that are not entered. Git lists what is in those, too, so some come repeatedly."""
    known = _known_to_git(folder)
    for path in known:
        kept_out = _kept_out(path, folder)
        # A repository within this one, or a submodule, is a single entry: its files are its own affair.
        if kept_out or not path.is_dir() or path.is_symlink():
            yield kept_out or path
        else:
            yield from _listed(path)
    if not known:
        yield from _walked(folder)


def _known_to_git(folder: Path) -> list[Path]:
    """What git tracks or would track; nothing outside a work tree, or in a folder that is ignored as a whole."""
    git = shutil.which("git")
    if not git:
        return []
    # A repository's own settings may name a program to be run as its monitor; nobody has vouched for those within.
    command = [git, "-c", "core.fsmonitor=false", "-C", str(folder)]
    command += ["ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - no shell, and our own arguments
    if listing.returncode:
        return []
    paths = [folder / os.fsdecode(name) for name in listing.stdout.split(b"\0") if name]
    return [path for path in paths if path != folder]  # which a submodule that was not fetched names itself


def _walked(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        here = Path(parent)
        if here != folder and ".git" in (*folders, *names):
            folders.clear()
            yield from _listed(here)
            continue
        yield from (here / name for name in (*names, *filter(_is_noise_as_folder, folders)))
        folders[:] = [name for name in folders if not _is_noise_as_folder(name)]


def _kept_out(path: Path, folder: Path) -> Path | None:
    """The topmost below `folder` that is not entered: one that `path` lies in, or itself."""
    parts = path.relative_to(folder).parts
    depths = (depth for depth, name in enumerate(parts, start=1) if _is_noise_as_folder(name))
    return next((folder.joinpath(*parts[:depth]) for depth in depths), None)


def _is_noise_as_folder(name: str) -> bool:
    """Whether even a document in it would be noise: `node_modules`, but neither `build` nor `notes.lib`."""
    return is_noise(f"{name}/any.md")


def _start(path: Path) -> bytes | None:
    """The first bytes of a file; None when they may not be read."""
    try:
        with path.open("rb") as file:
            return file.read(SNIFFED_BYTES)
    except OSError:
        return None


def _is_document(path: Path, start: bytes) -> bool:
    """Text, a PDF, a DOCX or an archive. A zero byte means binary, except in UTF-16, which has a mark."""
    packed = has_archive_name(path.name) or path.suffix.lower() == ".docx"
    return packed or start.startswith((b"%PDF", b"\xff\xfe", b"\xfe\xff")) or b"\0" not in start
