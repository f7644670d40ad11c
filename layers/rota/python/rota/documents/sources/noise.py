"""Which files of a folder or an archive nobody means when they send it: hidden ones, and those that programs made."""

from __future__ import annotations

_BUILT = frozenset(("__MACOSX", "__pycache__", "cdk.out", "node_modules", "site-packages", "venv"))
"""Folders of things that programs made or fetched."""

_PERHAPS_BUILT = frozenset(("build", "dist", "target", "vendor"))
"""Such folders whose names people give to their own, too: documents in them are read."""

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
    if not name.lower().endswith(_DOCUMENTS) and not _PERHAPS_BUILT.isdisjoint(folders):
        return True
    return any(_is_left_out(part) for part in (*folders, name))


def is_left_by_system(path: str) -> bool:
    """Whether an operating system laid this file into a folder for itself."""
    return path.rpartition("/")[2].lower() in _LEFT_BY_SYSTEMS


def _is_left_out(part: str) -> bool:
    """Whether a folder or file of this name is left out, wherever it lies."""
    hidden = part.startswith(".") and part != _HIDDEN_BUT_MEANT
    return hidden or part in _BUILT or part.endswith(".egg-info")
