"""Which files a folder stands for."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from cli.errors import CliError
from cli.files import Found, _distinct, collect


@pytest.fixture(autouse=True)
def _somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in a folder of its own that is no git work tree."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))


def names(*paths: str) -> list[str]:
    """The names under which these paths would be sent."""
    return [found.name for found in collect(paths)]


def write(*paths: str, content: bytes = b"text") -> None:
    """Write files with this content."""
    for path in paths:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(content)


def test_folders_are_walked_without_noise() -> None:
    """Hidden, built, binary and empty files stay out; PDF and UTF-16 are not binary."""
    write("docs/b.md", "docs/a/c.py", "docs/.env", "docs/.git/config", "docs/node_modules/x.js", "docs/build/out.js")
    write("docs/.github/b.md", "docs/vendor/c.md")
    write("docs/image.png", content=b"\x89PNG\r\n\0\0")
    write("docs/paper.pdf", content=b"%PDF-1.7\n\0\0")
    write("docs/wide.txt", content="text".encode("utf-16"))
    write("docs/empty.md", content=b"")
    assert names("docs") == [
        *("docs/.github/b.md", "docs/a/c.py", "docs/b.md", "docs/paper.pdf", "docs/vendor/c.md", "docs/wide.txt")
    ]


def test_a_file_named_by_itself_is_always_taken() -> None:
    """The person knows best."""
    write("build/.notes")
    assert names("build/.notes") == ["build/.notes"]


def test_each_file_once_in_the_order_named() -> None:
    """A folder and a file in it do not send that file twice."""
    write("docs/a.md", "docs/b.md", "z.md")
    assert names("z.md", "docs/b.md", "docs", "./docs") == ["z.md", "docs/b.md", "docs/a.md"]


def test_what_git_ignores_is_left_out() -> None:
    """As .gitignore says; files not yet added count."""
    subprocess.run(["git", "init", "-q", "."], check=True)
    write(".gitignore", content=b"*.log\n/private/\n")
    write("src/a.py", "src/debug.log", "private/p.md")
    assert names("src") == ["src/a.py"]
    assert names(".") == ["src/a.py"]
    assert names("private") == ["private/p.md"]  # asked for as a whole


def test_files_of_one_name_from_elsewhere_stay_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside the current folder names begin at what was named; a second one must not overwrite the first."""
    write("one/notes.md", "two/notes.md", "here/x")
    monkeypatch.chdir(tmp_path / "here")
    assert names("../one/notes.md", "../two/notes.md", "../one") == ["notes.md", "two/notes.md"]


def test_folders_above_tell_files_of_one_name_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as it takes; whoever comes later gives way, so that names stay as they are when files are added."""
    write("same/a/x.txt", "same/b/x.txt", "other/b/x.txt")
    monkeypatch.chdir(tmp_path / "same" / "a")
    assert names("x.txt", "../b/x.txt", "../../other/b/x.txt") == ["x.txt", "b/x.txt", "other/b/x.txt"]
    assert names("../b/x.txt", "x.txt") == ["x.txt", "a/x.txt"]
    assert names("x.txt", "../b") == ["x.txt", "b/x.txt"]


def test_a_number_is_the_last_resort() -> None:
    """Of a file at the very top, no folder is left to be named."""
    files = [Found(Path("/a/x.txt"), "x.txt"), Found(Path("/x.txt"), "x.txt"), Found(Path("/c/x.txt"), "x.txt")]
    assert [file.name for file in _distinct(files)] == ["x.txt", "2/x.txt", "c/x.txt"]


def test_links_to_folders_are_not_followed() -> None:
    """A link to a parent would never end."""
    write("docs/a.md")
    Path("docs/loop").symlink_to(Path("docs").resolve())
    assert names("docs") == ["docs/a.md"]


@pytest.mark.parametrize("link", ["a-link.md", "z-link.md"])
def test_a_file_goes_by_its_own_name_and_not_by_a_links(link: str) -> None:
    """Whichever comes first, at the place of the first; a link alone is as good as the file."""
    write("docs/lease.md", "docs/other.md", "store/kept.md")
    Path("docs", link).symlink_to("lease.md")
    Path("docs/b-link.md").symlink_to("lease.md")
    Path("docs/c-link.md").symlink_to("../store/kept.md")
    assert sorted(names("docs")) == ["docs/c-link.md", "docs/lease.md", "docs/other.md"]
    assert names(f"docs/{link}", "docs/other.md", "docs/lease.md") == ["docs/lease.md", "docs/other.md"]
    assert names(f"docs/{link}") == [f"docs/{link}"]


def test_a_folder_with_nothing_to_read_is_a_sentence() -> None:
    """Not an empty job."""
    write("pictures/a.png", content=b"\0\0")
    with pytest.raises(CliError, match="nothing to read in pictures"):
        collect(["pictures"])
