"""What titles tell: which documents are code, and what each file of it is for."""

from __future__ import annotations

import pytest

from rota.documents.code.files import Kind, family, is_code, is_source, kind
from rota.documents.reading.kinds import DOCX, MAIL, NOTEBOOK, PDF


@pytest.mark.parametrize("title", ["a.py", "src/A.JAVA", "a/b.tsx", "a.kt", "a.d.ts", "notes.txt.sh", "x.rb"])
def test_programs_are_code(title: str) -> None:
    """Whether their imports can be analysed or not."""
    assert is_code(title)


@pytest.mark.parametrize(
    "title", ["a.md", "a.json", "a.yaml", "a.html", "a.csv", "README", "a.py.txt", ".py", "py", ""]
)
def test_texts_and_data_are_not(title: str) -> None:
    """Nor is a file without an ending."""
    assert not is_code(title)


@pytest.mark.parametrize(
    ("title", "media_type", "expected"),
    [
        ("a.py", "text/plain", True),
        ("Introduction to Node.js", "text/html", False),
        ("forum.example.org/viewtopic.php", "text/html", False),
        *((f"main.rs {kind}.rs", kind, False) for kind in (PDF, DOCX, MAIL, NOTEBOOK)),
        ("a.md", "text/markdown", False),
    ],
)
def test_a_page_with_such_a_title_is_no_source(title: str, media_type: str, expected: bool) -> None:
    """What it was read as counts, too."""
    assert is_source(title, media_type) is expected


@pytest.mark.parametrize(
    ("title", "expected"), [("a.pyi", "python"), ("a.tsx", "javascript"), ("a.h", "c"), ("a.rb", "")]
)
def test_languages_that_import_alike_are_a_family(title: str, expected: str) -> None:
    """Empty where imports are not analysed."""
    assert family(title) == expected


KINDS: dict[Kind, list[str]] = {
    "core": ["src/a.py", "latest.py", "contest.js", "attest/a.go", "Contest.java", "settings.py", "documents/a.py"],
    "test": [
        *("tests/a.py", "src/test/java/A.java", "a/test_b.py", "a_test.go", "a.spec.ts", "a.test.jsx", "conftest.py"),
        *("src/ATest.java", "src/BTests.cs", "Tests/a.swift", "a/__tests__/b.js", "tests/fixtures/a.py"),
    ],
    "generated": ["a_pb2.py", "a.pb.go", "a.min.js", "vendor/a/a_test.go", "a/migrations/0001.py", "a.generated.ts"],
    "config": ["setup.py", "docs.config.js", "vite.config.ts", "gulpfile.js", "conf.py"],
    "docs": ["docs/conf.py", "examples/a.py", "Doc/a.c"],
}


@pytest.mark.parametrize(("expected", "title"), [(kind, title) for kind, titles in KINDS.items() for title in titles])
def test_a_path_tells_what_a_file_is_for(title: str, expected: Kind) -> None:
    """By whole words of folders and names only."""
    assert kind(title) == expected
