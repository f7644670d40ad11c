"""Which files of a folder or an archive nobody means when they send it: hidden ones, and those that programs made."""

from __future__ import annotations

from collections.abc import Callable, Iterable

NOISE = "hidden, built or vendored"
"""What these files are, in the words of those who sent them."""

_BUILT = frozenset(("__MACOSX", "__pycache__", "cdk.out", "node_modules", "site-packages", "venv"))
"""Folders of things that programs made or fetched."""

_PERHAPS_BUILT = frozenset(("build", "dist", "out", "target", "vendor"))
"""Such folders whose names people give to their own, too. Tools make them beside what they build, at the top of a
project; deeper ones are mostly packages of source code. Documents in them are read everywhere."""

_WITHIN_PROJECTS = frozenset(("lib", "pkg", "source", "src"))
"""Folders in which people keep code, with the tools' own beside them and not in them."""

_PACKAGE = "__init__.py"

_DOCUMENTS = (
    *(".csv", ".doc", ".docx", ".eml", ".htm", ".html", ".markdown", ".mbox", ".md", ".odp", ".ods", ".odt", ".pdf"),
    *(".ppt", ".pptx", ".rst", ".rtf", ".tsv", ".txt", ".xhtml", ".xls", ".xlsx"),
)
_HIDDEN_BUT_MEANT = ".github"  # workflows and instructions that people wrote
_COMPILED = (".a", ".class", ".dll", ".dylib", ".exe", ".lib", ".o", ".obj", ".pyc", ".pyd", ".pyo", ".so")
_LEFT_BY_SYSTEMS = frozenset((".ds_store", "desktop.ini", "thumbs.db"))


def is_noise(path: str) -> bool:
    """Whether a file, by its path with forward slashes below what was sent, is hidden, built or compiled.

    `.git`, `.venv` and `.DS_Store` are hidden. Images and other binary files are no noise: a reader says why not.
    """
    *folders, name = path.split("/")
    if is_left_by_system(path) or name.lower().endswith(_COMPILED):
        return True
    if folders and folders[0] in _PERHAPS_BUILT and not name.lower().endswith(_DOCUMENTS):
        return True
    return any(_is_left_out(part) for part in (*folders, name))


def is_noise_in(path: str, project: Callable[[], str]) -> bool:
    """`is_noise`, or noise below the `project_folder` of what was sent, which is asked for only where it decides."""
    folder, _, rest = path.partition("/")
    return is_noise(path) or (is_noise(rest) and project() == folder)


def project_folder(paths: Iterable[str]) -> str:
    """The one folder that all of these files lie in, noise aside, when tools may have built in it; else empty.

    It is what was sent, packed as a folder instead of as its files. `src` and a Python package are parts of a project.
    """
    only = ""
    for path in paths:
        if is_noise(path):
            continue
        folder, slash, rest = path.partition("/")
        if not slash or folder in _WITHIN_PROJECTS or rest == _PACKAGE or only not in ("", folder):
            return ""
        only = folder
    return only


def is_left_by_system(path: str) -> bool:
    """Whether an operating system laid this file into a folder for itself."""
    return path.rpartition("/")[2].lower() in _LEFT_BY_SYSTEMS


def _is_left_out(part: str) -> bool:
    """Whether a folder or file of this name is left out, wherever it lies."""
    hidden = part.startswith(".") and part != _HIDDEN_BUT_MEANT
    return hidden or part in _BUILT or part.endswith(".egg-info")
