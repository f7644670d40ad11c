"""A search of stored documents finds what lies in archives, too."""

from __future__ import annotations

import pytest

from rota.documents.search import find as finding
from rota.documents.sources.fetch import Fetcher
from rota.job_files import JobFiles
from rota.storage import Bucket
from tests.fixtures.archives import PACKERS, tarred, zipped
from tests.fixtures.files import PNG

NAME = "documents"
FERRY = {"a.md": b"Of mills.", "plan/b.md": b"The ferry leaves at ten."}
OBJECTS = {
    "0.zip": zipped({f"{number}.md": b"Of rivers." for number in range(7)}),
    "1.md": b"Of mills.",
    "2.zip": zipped(FERRY),
    "3.tar.gz": PACKERS["gz"](tarred(FERRY)),
    "4.zip": zipped({"ferry.png": PNG}),
    "5.zip": b"PK\x03\x04 ferry",
    ".git/6.md": b"The ferry.",
    "7.txt": b"A ferry.",
}


@pytest.fixture
def files(bucket: Bucket) -> JobFiles:
    """The files of a job that searches a small library."""
    for key, data in OBJECTS.items():
        bucket.s3.put_object(Bucket=NAME, Key=f"library/{key}", Body=data)
    files = JobFiles(bucket.s3, NAME, "j-0123456789abcdef")
    source = {"type": "search", "prefix": "library/", "results": 5}
    files.put_request({"query": "When does the ferry leave?", "sources": [source]})
    return files


def found(files: JobFiles) -> set[str]:
    """The titles that the search finds."""
    finding.find(files, Fetcher(files.bucket), None)
    return {one["title"] for one in (files.find_found() or {})["0"]}


def test_an_archive_is_found_by_what_is_in_it(files: JobFiles) -> None:
    """As a whole; one that is broken or holds no text is not, and hidden files are not looked at."""
    assert found(files) == {"2.zip", "3.tar.gz", "7.txt"}


@pytest.mark.parametrize(
    ("bound", "most", "titles"),
    [
        ("MOST_WITHIN", 1, {"7.txt"}),
        ("MOST_CHARACTERS_WITHIN", 5, {"7.txt"}),
        ("MOST_FILES", 7, {"7.txt"}),
    ],
)
def test_no_more_of_archives_is_looked_at_than_there_is_time_for(
    files: JobFiles, monkeypatch: pytest.MonkeyPatch, bound: str, most: int, titles: set[str]
) -> None:
    """Files and characters of one, and files of all."""
    monkeypatch.setattr(finding, bound, most)
    assert found(files) == titles
