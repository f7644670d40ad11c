"""What was left out of folders, in a line for each reason: nobody should miss a file without having been told."""

from __future__ import annotations

import mimetypes
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from cli.figures import counted
from cli.folders import Folder
from cli.report import printable
from rota.documents.sources.noise import NOISE

NAMED = 3
"""So many files are named, and so many folders."""


def left_out_lines(folders: Mapping[Path, Folder], taken: Collection[Path]) -> Iterator[str]:
    """`Left out of docs/: 3 files that cannot be read (report.xlsx, logo.png, …).`

    `taken` are paths that are sent after all, because they were named by themselves.
    """
    unreadable = {
        path: path.relative_to(folder).as_posix()
        for folder, below in folders.items()
        for path in below.unreadable
        if path not in taken
    }
    if unreadable:
        where = _where([folder for folder, below in folders.items() if unreadable.keys() & below.unreadable])
        yield f"Left out of {where}: {counted(len(unreadable), 'file')} that cannot be read ({_few(unreadable)})."
    noise = {path for below in folders.values() for path in below.noise if path not in taken}
    if noise:
        where = _where([folder for folder, below in folders.items() if noise.intersection(below.noise)])
        yield f"Left out of {where}: {_files_and_folders(noise)} ({NOISE})."


def _where(folders: list[Path]) -> str:
    if len(folders) > NAMED:
        return counted(len(folders), "folder")
    return ", ".join(printable(f"{folder.as_posix().rstrip('/')}/") for folder in folders)


def _few(files: Mapping[Path, str]) -> str:
    """Pictures and sounds last: of those nobody expects an answer."""
    names = sorted(files.values(), key=_is_media)
    return ", ".join([printable(name) for name in names[:NAMED]] + ["…"] * (len(names) > NAMED))


def _is_media(name: str) -> bool:
    return (mimetypes.guess_type(name)[0] or "").startswith(("audio/", "font/", "image/", "video/"))


def _files_and_folders(paths: Collection[Path]) -> str:
    """`12 files and 2 folders`. A link to a folder is a file here, as it is to git."""
    folders = sum(path.is_dir() and not path.is_symlink() for path in paths)
    files = len(paths) - folders
    parts = [(files, "file"), (folders, "folder")]
    return " and ".join(counted(number, noun) for number, noun in parts if number)
