"""What a running job has found so far: few reads, spread over what is there, the best statements first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from rota.findings import LONGEST, SUMMARIES, findings
from rota.job_files import JobFiles
from rota.records import DocumentInfo
from tests.fixtures.job_stack import job_stack

QUESTION = "How long are backups kept?"
FACT = "- Backups are kept for thirty days [2].\n- The office is nice [1]."


@pytest.fixture
def files() -> Iterator[JobFiles]:
    """A job of forty documents."""
    with job_stack() as stack:
        files = stack.files("j-00000000000000aa")
        files.put_document_list({"documents": [_document(number) for number in range(1, 41)], "failed": []})
        yield files


def _document(number: int) -> DocumentInfo:
    title = f"{number}.md"
    return DocumentInfo(number=number, title=title, origin="request", media_type="text/plain", bytes=1, characters=1)


def summarize(files: JobFiles, batch: int, text: str) -> None:
    """A batch is summarised."""
    files.put_summary({"batch_id": f"b{batch:04d}", "documents": [batch], "text": text, "cited": []})


def test_nothing_is_found_before_the_first_summary(files: JobFiles) -> None:
    """Nor before documents are gathered, nor where nothing is asked for."""
    assert findings(files, QUESTION, 5) == []
    summarize(files, 1, FACT)
    assert findings(files, QUESTION, 0) == []
    assert findings(JobFiles(files.bucket.s3, files.bucket.name, "j-00000000000000bb"), QUESTION, 5) == []


def test_statements_come_with_their_documents(files: JobFiles) -> None:
    """The one that answers the question first; marks are numbers beside it."""
    summarize(files, 1, FACT)
    summarize(files, 2, "- Nobody may delete a backup alone [3][99].")
    found = findings(files, QUESTION, 2)
    assert found[0] == {
        "statement": "Backups are kept for thirty days.",
        "documents": [{"number": 2, "title": "2.md"}],
    }
    assert len(found) == 2
    assert findings(files, QUESTION, 1) == found[:1]


def test_few_summaries_are_read_from_the_first_to_the_last(files: JobFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are."""
    for batch in range(1, 41):
        summarize(files, batch, f"- Backup number {batch} is kept [{batch}].")
    read: list[str] = []
    find = files.bucket.find_json

    def noted(key: str) -> Any:
        read.append(key)
        return find(key)

    monkeypatch.setattr(files.bucket, "find_json", noted)
    findings(files, QUESTION, 5)
    summaries = sorted(key.rpartition("/")[2] for key in read if "/summaries/" in key)
    assert len(summaries) == SUMMARIES
    assert (summaries[0], summaries[-1]) == ("b0001.json", "b0040.json")


def test_a_long_statement_is_cut(files: JobFiles) -> None:
    """Between words."""
    summarize(files, 1, f"- Backups {'and more backups ' * 200}[1].")
    [found] = findings(files, QUESTION, 1)
    assert len(found["statement"]) <= LONGEST
    assert found["statement"].endswith("…")
