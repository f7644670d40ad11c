"""Which files of a job import which others: names of imports led to titles, as each language would find them.

Only imports count. What needs none is not seen: the files of one package in Go or Java, or paths written out in Rust.
Names that an alias or a build file explains (`@/a` in TypeScript, `-I` in C) may stay unexplained.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from posixpath import basename, dirname, join, normpath, splitext

from rota.documents.code.files import family
from rota.documents.code.places import Places, tidied

MAX_FILES = 100
"""So many of the job's files are linked to from one: a star in Java, and a package in Go, may name thousands."""


@dataclass(frozen=True, slots=True)
class CodeFile:
    """A source file of a job. `imports` as `rota.documents.code.imports` gives them, None when it was not analysed."""

    number: int
    title: str
    imports: Sequence[str] | None


@dataclass(frozen=True, slots=True)
class Links:
    """What one file imports: numbers of the job's files, and packages from elsewhere (or not in the job)."""

    files: frozenset[int]
    packages: frozenset[str]


def links(files: Iterable[CodeFile]) -> dict[int, Links]:
    """The imports of every file that was analysed, by its number; `files` are all those of the job."""
    listed = list(files)
    job = _Job.of(listed)
    return {file.number: _links(file, file.imports, job) for file in listed if file.imports is not None}


@dataclass(frozen=True, slots=True)
class _Job:
    places: Places
    go_modules: frozenset[str]

    @classmethod
    def of(cls, files: Sequence[CodeFile]) -> _Job:
        places = Places({file.number: file.title for file in files})
        imported = {name for file in files if family(file.title) == "go" for name in file.imports or ()}
        return cls(places, _go_modules(imported, places))


_Found = tuple[list[int], str]
"""Numbers of files; and the package that the name counts as when there are none."""


def _links(file: CodeFile, imports: Sequence[str], job: _Job) -> Links:
    find, title = _FIND[family(file.title)], tidied(file.title)
    numbers: set[int] = set()
    packages: set[str] = set()
    for name in filter(None, imports):
        found, package = find(name, title, job)
        numbers.update(found[:MAX_FILES])
        packages.update([] if found else [package])
    return Links(frozenset(sorted(numbers - {file.number})[:MAX_FILES]), frozenset(packages))


def _first(found: Iterable[int | None]) -> list[int]:
    return next(([number] for number in found if number is not None), [])


def _python(name: str, title: str, job: _Job) -> _Found:
    """The last part may be a name within the module before it. Names of the standard library mean just that.

    A path of one part is looked for in the folders above only: `requests.py` elsewhere is not the package.
    """
    parts = name.split(".")
    if not parts[0]:
        return _python_relative(name, title, job)
    if parts[0] in sys.stdlib_module_names:
        return [], parts[0]
    found = _first(
        job.places.near(dirname(title), end, anywhere=len(module) > 1)
        for module in (parts, parts[:-1])
        for end in _python_files("/".join(module))
    )
    return found, parts[0]


def _python_relative(name: str, title: str, job: _Job) -> _Found:
    """One dot is the file's own folder, each further one the folder above."""
    parts = name.lstrip(".").split(".")
    folder = dirname(title)
    for _ in range(len(name) - len(name.lstrip(".")) - 1):
        folder = dirname(folder)
    modules = (join(folder, *parts), join(folder, *parts[:-1]))
    found = _first(job.places.at(path) for module in modules for path in _python_files(module))
    return found, name.rpartition(".")[0] if len(parts) > 1 else name


def _python_files(module: str) -> Sequence[str]:
    return f"{module}/__init__.py", f"{module}.py", f"{module}.pyi"


_SCRIPTS = (".ts", ".tsx", ".d.ts", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs")


def _javascript(name: str, title: str, job: _Job) -> _Found:
    """A path without its ending, or that of a folder's index; TypeScript may write `.js` for what will be compiled."""
    if not name.startswith("."):
        return [], "/".join(name.split("/")[: 2 if name.startswith("@") else 1])
    path = normpath(join(dirname(title), name))
    stem, ending = splitext(path)
    ends = ("", *_SCRIPTS, *(f"/index{script}" for script in _SCRIPTS))
    bases = (path, stem) if ending in _SCRIPTS else (path,)
    return _first(job.places.at(base + end) for base in bases for end in ends), name


def _java(name: str, title: str, job: _Job) -> _Found:
    """A class by its path, a class within one by the outer; a star is every class of the package."""
    parts, folder = name.split("."), dirname(title)
    if parts[-1] == "*":
        paths = job.places.inside(folder, "/".join(parts[:-1]))
        return job.places.numbers(path for path in paths if path.endswith(".java")), ".".join(parts[:-1])
    package = list(takewhile(lambda part: not part[:1].isupper(), parts[:-1]))
    ends = ("/".join(parts[:length]) for length in range(len(parts), 1, -1))
    return _first(job.places.near(folder, f"{end}.java", anywhere=True) for end in ends), ".".join(package)


def _go(name: str, title: str, job: _Job) -> _Found:
    """A package is a folder, named by the module's path and its own below: an end of two parts is telling enough."""
    parts = name.split("/")
    shortest = 1 if "/".join(parts[:-1]) in job.go_modules else 2
    ends = ("/".join(parts[-length:]) for length in range(len(parts), shortest - 1, -1))
    paths = next((found for end in ends if (found := _go_files(dirname(title), end, job.places))), [])
    return job.places.numbers(paths), name


def _go_modules(imported: Iterable[str], places: Places) -> frozenset[str]:
    """Paths below which imports lead to several folders of the job: those of its own modules, for no go.mod is read.

    Only paths that begin with a host. Without one it is the standard library's, or a module that nobody can fetch.
    """
    folders: dict[str, set[str]] = defaultdict(set)
    for name in imported:
        module, _, end = name.rpartition("/")
        if "." in module.partition("/")[0] and _go_files("", end, places):
            folders[module].add(end)
    return frozenset(module for module, ends in folders.items() if len(ends) > 1)


def _go_files(folder: str, end: str, places: Places) -> list[str]:
    paths = places.inside(folder, end)
    return [path for path in paths if path.endswith(".go") and not path.endswith("_test.go")]


def _rust(name: str, title: str, job: _Job) -> _Found:
    """The longest beginning of a path that is a module's file: the rest are names within it."""
    parts = name.split("::")
    rest = parts[1:] if parts[0] == "crate" else parts
    base = job.places.nearest(dirname(title), ("lib.rs", "main.rs")) if parts[0] == "crate" else _rust_folder(title)
    while rest and base and rest[0] in {"self", "super"}:
        rest, base = rest[1:], dirname(base) if rest[0] == "super" else base
    if base is None:
        return [], parts[0]
    is_own = len(rest) < len(parts)  # else another crate's, unless a module here has its name
    modules = (join(base, *rest[:length]) for length in range(len(rest), -1 if is_own else 0, -1))
    return _first(job.places.at(path) for module in modules for path in _rust_files(module)), parts[0]


def _rust_folder(title: str) -> str:
    """Where the modules within a file lie."""
    return dirname(title) if basename(title) in {"mod.rs", "lib.rs", "main.rs"} else splitext(title)[0]


def _rust_files(module: str) -> Sequence[str]:
    return f"{module}.rs", *(join(module, name) for name in ("mod.rs", "lib.rs", "main.rs"))


def _c(name: str, title: str, job: _Job) -> _Found:
    """From the file's own folder upwards, else anywhere. In brackets only with a folder: `<string.h>` is C's."""
    path = name.strip("<>")
    if name.startswith("<") and "/" not in path:
        return [], path
    folder = dirname(title)
    return _first((job.places.at(join(folder, path)), job.places.near(folder, normpath(path), anywhere=True))), path


_FIND: Mapping[str, Callable[[str, str, _Job], _Found]] = {
    "python": _python,
    "javascript": _javascript,
    "java": _java,
    "go": _go,
    "rust": _rust,
    "c": _c,
}
