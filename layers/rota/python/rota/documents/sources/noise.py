"""Which files of a folder or an archive nobody means when they send it: hidden ones, and those that programs made."""

from __future__ import annotations

BUILT = frozenset(
    (
        "__MACOSX",
        "__pycache__",
        "build",
        "cdk.out",
        "dist",
        "node_modules",
        "site-packages",
        "target",
        "vendor",
        "venv",
    )
)
"""Folders of things that programs made or fetched."""

_COMPILED = (".a", ".class", ".dll", ".dylib", ".exe", ".lib", ".o", ".obj", ".pyc", ".pyd", ".pyo", ".so")
_LEFT_BY_WINDOWS = frozenset(("desktop.ini", "thumbs.db"))


def is_noise(path: str) -> bool:
    """Whether a file, by its path with forward slashes below what was sent, is hidden, built or compiled.

    `.git`, `.venv` and `.DS_Store` are hidden. Images and other binary files are no noise: a reader says why not.
    """
    parts = path.split("/")
    name = parts[-1].lower()
    if name.endswith(_COMPILED) or name in _LEFT_BY_WINDOWS:
        return True
    return any(part.startswith(".") or part in BUILT or part.endswith(".egg-info") for part in parts)
