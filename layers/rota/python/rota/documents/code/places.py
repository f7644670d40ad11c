"""The paths of a job's source files, found again by the ends of them that imports name.

Where a project's roots lie is not said: a job may hold a folder of it, several projects, or a file from each. So a
name leads to the nearest folder above the importing file below which it is a path, or to the only path that ends so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping
from posixpath import dirname, join, normpath

MAX_PARTS = 8
"""Longer ends of a path are not found, which bounds the index."""


class Places:
    """An index of numbered paths."""

    def __init__(self, titles: Mapping[int, str]) -> None:
        self._files: dict[str, int] = {}
        self._folders: dict[str, list[str]] = defaultdict(list)
        for number, title in titles.items():
            path = tidied(title)
            if path not in self._files:
                self._files[path] = number
                self._folders[dirname(path)].append(path)
        self._file_ends = _ends(self._files)
        self._folder_ends = _ends(self._folders)

    def at(self, path: str) -> int | None:
        """The file with this path."""
        return self._files.get(tidied(path))

    def near(self, folder: str, end: str, anywhere: bool) -> int | None:
        """The file `end` below `folder` or the nearest above it; with `anywhere`, else the only one that ends so."""
        path = _near(folder, end, self._files, self._file_ends, anywhere)
        return None if path is None else self._files[path]

    def inside(self, folder: str, end: str) -> list[str]:
        """The paths of the files in a folder `end`, found as a file is `anywhere`; not those in folders below it."""
        path = _near(folder, end, self._folders, self._folder_ends, anywhere=True)
        return [] if path is None else self._folders[path]

    def numbers(self, paths: Iterable[str]) -> list[int]:
        """The numbers of these files."""
        return [self._files[path] for path in paths]

    def nearest(self, folder: str, names: Iterable[str]) -> str | None:
        """The nearest folder from `folder` upwards that holds a file of one of these names."""
        wanted = list(names)
        return next((root for root in above(folder) if any(join(root, name) in self._files for name in wanted)), None)


def tidied(path: str) -> str:
    """A path without `.`, without `..` within it, and from no root."""
    return normpath(path.lstrip("/"))


def _near(folder: str, end: str, paths: Container[str], ends: Mapping[str, str | None], anywhere: bool) -> str | None:
    if end not in ends:  # as most imports are of packages from elsewhere
        return None
    for root in above(folder):
        if (path := f"{root}/{end}" if root else end) in paths:
            return path
    return ends[end] if anywhere else None


def above(folder: str) -> Iterator[str]:
    """A folder and all above it, the nearest first; the last is the empty one."""
    while folder:
        yield folder
        folder = folder.rpartition("/")[0]
    yield ""


def _ends(paths: Iterable[str]) -> dict[str, str | None]:
    """Whole parts from the end of each path; None for an end that several have."""
    found: dict[str, str | None] = {}
    for path in paths:
        parts = path.split("/")
        for length in range(1, min(len(parts), MAX_PARTS) + 1):
            end = "/".join(parts[-length:])
            found[end] = None if end in found else path
    return found
