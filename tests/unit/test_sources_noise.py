"""Which files nobody means when they send a folder."""

from __future__ import annotations

import pytest

from rota.documents.sources.noise import is_noise, is_noise_in, project_folder


@pytest.mark.parametrize(
    "path",
    [
        *(".git/objects/ab/cdef", "a/.env", ".venv/a.md", "a/.DS_Store", "a/Thumbs.db", "Desktop.ini", "__MACOSX/._a"),
        *("a/node_modules/b/README.md", "__pycache__/a", "venv/a.txt", "x.egg-info/PKG", "b.PYC", "e.so"),
        *("vendor/a/b.go", "build/out.js", "target/a/x.d", "dist/app", "dist/wheel.tar.gz", "out/a.js", "node_modules"),
        ".git",
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


@pytest.mark.parametrize(
    "path",
    [
        *("src/build/compiler.py", "src/main/java/com/acme/vendor/Vendor.java", "compiler/target/x86.rs"),
        *("shop/vendor/models.py", "internal/dist/dist.go", "tools/out/printer.c"),
    ],
)
def test_packages_of_source_code_are_not(path: str) -> None:
    """Tools build at the top of a project; a package of such a name lies within one."""
    assert not is_noise(path)


@pytest.mark.parametrize(
    ("paths", "folder"),
    [
        (["repo/a.py", "repo/src/b.py"], "repo"),
        (["repo/a.py", "__MACOSX/repo/._a.py", ".DS_Store", "node_modules/x.js"], "repo"),
        (["repo/a.py", "README.md"], ""),
        (["one/a.py", "two/b.py"], ""),
        (["src/build/compiler.py"], ""),
        (["shop/__init__.py", "shop/vendor/models.py"], ""),
        (["repo/shop/__init__.py"], "repo"),
        (["a.py"], ""),
        ([".git/config"], ""),
        ([], ""),
    ],
)
def test_the_one_folder_of_a_project(paths: list[str], folder: str) -> None:
    """Whatever lies beside it must be noise, and it must not be a part of a project itself."""
    assert project_folder(paths) == folder
    assert project_folder(reversed(paths)) == folder


def test_what_is_built_in_that_folder_is() -> None:
    """At its top alone; whether there is one is asked for only where it decides."""
    assert is_noise_in("repo/dist/a.js", lambda: "repo")
    assert not is_noise_in("repo/dist/a.js", lambda: "")
    assert not is_noise_in("repo/src/dist/a.js", lambda: pytest.fail("does not decide"))
    assert not is_noise_in("repo/dist/plan.pdf", lambda: pytest.fail("does not decide"))
    assert is_noise_in("repo/.git/config", lambda: pytest.fail("does not decide"))
