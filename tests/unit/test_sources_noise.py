"""Which files nobody means when they send a folder."""

from __future__ import annotations

import pytest

from rota.documents.sources.noise import is_noise


@pytest.mark.parametrize(
    "path",
    [
        *(".git/objects/ab/cdef", "a/.env", ".venv/a.md", "a/.DS_Store", "a/Thumbs.db", "Desktop.ini", "__MACOSX/._a"),
        *("a/node_modules/b/README.md", "__pycache__/a", "venv/a.txt", "x.egg-info/PKG", "b.PYC", "e.so"),
        *("vendor/a/b.go", "build/out.js", "a/target/x.d", "dist/app", "dist/wheel.tar.gz", "node_modules", ".git"),
    ],
)
def test_hidden_built_and_compiled_files_are(path: str) -> None:
    """By their folders, their names and their endings."""
    assert is_noise(path)


@pytest.mark.parametrize(
    "path",
    [
        *(".github/workflows/test.yml", ".github/CONTRIBUTING.md", "a.png", "README", "a/b.py", "venvs/a.py"),
        *(
            "vendor/Acme contract.pdf",
            "build/plan.md",
            "target/2026/Groups.DOCX",
            "dist/prices.xlsx",
            "vendor",
            "build",
        ),
    ],
)
def test_what_people_wrote_is_not(path: str) -> None:
    """Documents are read in folders that people and build tools alike name so."""
    assert not is_noise(path)
