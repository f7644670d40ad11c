"""What the command line says of files that nobody meant to send."""

from __future__ import annotations

from typing import Any

import pytest

from cli.report import MOST_PASSED_OVER, print_job


def said(capsys: pytest.CaptureFixture[str], *sources: dict[str, Any]) -> list[str]:
    """The lines about a finished job over these sources."""
    coverage = {"documents": 2, "read": 2, "sentence": "2 of 2 documents", "passed_over": list(sources)}
    usage = {"calls": 0, "models": {}}
    print_job({"job_id": "j-1", "status": "done", "coverage": coverage, "usage": usage}, [])
    return capsys.readouterr().err.splitlines()


def source(title: str, files: int) -> dict[str, Any]:
    """An entry of the coverage."""
    return {"title": title, "origin": f"library/{title}", "files": files, "reason": "hidden, built or vendored"}


def test_they_are_counted_beside_the_documents(capsys: pytest.CaptureFixture[str]) -> None:
    """How many, of what, and why; a title cannot command the terminal."""
    assert said(capsys, source("repo.zip", 1204), source("a\x1b[2J.zip", 1)) == [
        "Read 2 of 2 documents.",
        "Left out of repo.zip: 1,204 files (hidden, built or vendored).",
        "Left out of a [2J.zip: 1 file (hidden, built or vendored).",
    ]


def test_of_many_sources_a_few_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    """The rest is a number."""
    lines = said(capsys, *(source(f"{number}.zip", 5) for number in range(MOST_PASSED_OVER + 2)))
    assert len(lines) == 1 + MOST_PASSED_OVER + 1
    assert lines[-1] == "… and of 2 further sources."
