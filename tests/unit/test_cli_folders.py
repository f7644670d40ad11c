"""Repositories within folders, and what is said of files that a folder holds and nobody reads."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.errors import CliError
from cli.files import collect
from cli.folders import look_through

BINARY = b"PK\3\4\0\0"
GIT_SETTINGS = {"user.name": "ada", "user.email": "ada@example.org", "protocol.file.allow": "always"}


@pytest.fixture(autouse=True)
def _somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in a folder of its own that is no git work tree."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.setenv("GIT_CONFIG_COUNT", str(len(GIT_SETTINGS)))
    for number, (key, value) in enumerate(GIT_SETTINGS.items()):
        monkeypatch.setenv(f"GIT_CONFIG_KEY_{number}", key)
        monkeypatch.setenv(f"GIT_CONFIG_VALUE_{number}", value)


@pytest.fixture
def sent(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[list[str], list[str]]]:
    """The names under which paths would be sent, and what standard error is told."""

    def collected(*paths: str) -> tuple[list[str], list[str]]:
        found = [file.name for file in collect(paths)]
        out, err = capsys.readouterr()
        assert out == ""
        return found, err.splitlines()

    return collected


def git(*arguments: str) -> None:
    """Run git, quietly."""
    subprocess.run(["git", *arguments], check=True, capture_output=True)


def write(*paths: str, content: bytes = b"text") -> None:
    """Write files with this content."""
    for path in paths:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(content)


def repository(path: str, *files: str) -> None:
    """A repository with one commit of these files, and with logs that it ignores."""
    git("init", "-q", path)
    write(*(f"{path}/{name}" for name in (*files, "debug.log")))
    write(f"{path}/.gitignore", content=b"*.log\n")
    git("-C", path, "add", ".")
    git("-C", path, "commit", "-qm", "all")


def names(folder: str) -> list[str]:
    """The documents below a folder."""
    return [path.as_posix() for path in look_through(Path(folder)).documents]


def test_a_repository_within_a_repository_is_walked_by_its_own_rules() -> None:
    """At any depth; committed or not; but not where a folder is hidden, and of built ones only documents."""
    repository("outer", "a.md")
    repository("outer/deep/inner", "b.md")
    repository("outer/deep/inner/innermost", "c.md")
    git("init", "-q", "outer/new")
    write("outer/new/d.md", "outer/new/e.log")
    repository("outer/.worktrees/x", "f.md")
    repository("outer/vendor/y", "g.md", "g.js")
    assert names("outer") == [
        *("outer/a.md", "outer/deep/inner/b.md", "outer/deep/inner/innermost/c.md"),
        *("outer/new/d.md", "outer/new/e.log", "outer/vendor/y/g.md"),
    ]
    assert Path("outer/.worktrees") in look_through(Path("outer")).noise


def test_a_submodule_is_walked_and_one_that_was_not_fetched_is_empty() -> None:
    """Git would list the folder of the latter as itself, without an end."""
    repository("library", "b.md")
    repository("outer", "a.md")
    git("-C", "outer", "submodule", "add", "-q", str(Path("library").resolve()), "modules/library")
    assert names("outer") == ["outer/a.md", "outer/modules/library/b.md"]
    git("-C", "outer", "submodule", "deinit", "-f", "modules/library")
    assert names("outer") == ["outer/a.md"]
    assert names("outer/modules/library") == []


def test_repositories_in_a_folder_that_is_none() -> None:
    """What each of them ignores stays out."""
    repository("work/one", "a.md")
    repository("work/deep/two", "b.md")
    write("work/free.log")
    assert names("work") == ["work/deep/two/b.md", "work/free.log", "work/one/a.md"]


def test_no_program_is_run_that_a_repository_names() -> None:
    """Its settings come with it, from whoever made it."""
    repository("outer", "a.md")
    repository("outer/inner", "b.md")
    write("monitor", content=f"#!/bin/sh\ntouch {Path('ran').resolve()}\n".encode())
    Path("monitor").chmod(0o755)
    git("-C", "outer/inner", "config", "core.fsmonitor", str(Path("monitor").resolve()))
    assert names("outer") == ["outer/a.md", "outer/inner/b.md"]
    assert not Path("ran").exists()


def test_files_that_cannot_be_read_are_counted_and_some_named(sent: Callable[..., tuple[list[str], list[str]]]) -> None:
    """Pictures last; empty files and those named by themselves are not missed."""
    write("docs/a.md")
    write("docs/a.png", "docs/b.png", "docs/c.png", "docs/deep/report.xlsx", content=BINARY)
    write("docs/empty.md", content=b"")
    line = "Left out of docs/: 4 files that cannot be read (deep/report.xlsx, a.png, b.png, …)."
    assert sent("docs") == (["docs/a.md"], [line])
    assert sent("docs", "docs/deep/report.xlsx") == (
        ["docs/a.md", "docs/deep/report.xlsx"],
        ["Left out of docs/: 3 files that cannot be read (a.png, b.png, c.png)."],
    )


def test_noise_is_counted_without_entering_its_folders(
    sent: Callable[..., tuple[list[str], list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the words that archives use."""
    write("docs/a.md", "docs/.env", "docs/build/out.js", "docs/node_modules/deep/x.js", "docs/.venv/y.py")
    assert sent("docs") == (["docs/a.md"], ["Left out of docs/: 2 files and 2 folders (hidden, built or vendored)."])
    monkeypatch.chdir("docs")
    assert sent(".", "node_modules") == (
        ["a.md", "node_modules/deep/x.js"],
        ["Left out of ./: 2 files and 1 folder (hidden, built or vendored)."],
    )


@pytest.mark.parametrize("tracked", [False, True])
def test_a_vendored_folder_in_a_work_tree_counts_as_one(
    sent: Callable[..., tuple[list[str], list[str]]], tracked: bool
) -> None:
    """Git lists each file in it. The topmost counts, also in a repository within; files beside it count themselves."""
    git("init", "-q", "g")
    git("init", "-q", "g/inner")
    write("g/a.md", "g/.env", "g/build/out.js", "g/build/b.md", "g/inner/c.md", "g/inner/.venv/y.py")
    write(*(f"g/node_modules/{name}" for name in ("x.js", "deep/y.js", "deep/node_modules/z.js", ".bin/w")))
    write("g/web/node_modules/x.js", "g/web/node_modules/x.md")
    if tracked:
        git("-C", "g", "add", ".env", "a.md", "build", "node_modules", "web")
    assert sent("g") == (
        ["g/a.md", "g/build/b.md", "g/inner/c.md"],
        ["Left out of g/: 2 files and 3 folders (hidden, built or vendored)."],
    )
    named, lines = sent("g", "g/node_modules/x.js")
    assert named[-1] == "g/node_modules/x.js"
    assert lines == ["Left out of g/: 2 files and 3 folders (hidden, built or vendored)."]


@pytest.mark.parametrize("in_work_tree", [False, True])
def test_a_folder_is_no_compiled_file(sent: Callable[..., tuple[list[str], list[str]]], in_work_tree: bool) -> None:
    """Whatever its name ends in: what lies in it is judged by itself."""
    write("docs/notes.lib/a.md", "docs/notes.lib/deep/b.o")
    if in_work_tree:
        git("init", "-q", "docs")
    assert sent("docs") == (["docs/notes.lib/a.md"], ["Left out of docs/: 1 file (hidden, built or vendored)."])


def test_what_git_ignores_is_not_counted(sent: Callable[..., tuple[list[str], list[str]]]) -> None:
    """Its owner has said so, and counting it would mean walking it."""
    repository(".", "a.md")
    assert sent(".") == (["a.md"], ["Left out of ./: 1 file (hidden, built or vendored)."])  # .gitignore


def test_however_many_folders_are_named_there_are_two_lines(sent: Callable[..., tuple[list[str], list[str]]]) -> None:
    """One for each reason; of folders within each other every file counts once."""
    write(*(f"{letter}/x.md" for letter in "abcd"), *(f"{letter}/.hidden" for letter in "abcd"))
    write("a/\x1b[2J.bin", "b/deep/y.bin", content=BINARY)
    assert sent("a", "b", "b/deep", "c", "d")[1] == [
        "Left out of a/, b/, b/deep/: 2 files that cannot be read ( [2J.bin, y.bin).",
        "Left out of 4 folders: 4 files (hidden, built or vendored).",
    ]


def test_nothing_to_read_says_what_there_was_instead(capsys: pytest.CaptureFixture[str]) -> None:
    """Before it gives up."""
    write("docs/report.xlsx", content=BINARY)
    with pytest.raises(CliError, match="nothing to read in docs"):
        collect(["docs"])
    assert capsys.readouterr().err == "Left out of docs/: 1 file that cannot be read (report.xlsx).\n"
