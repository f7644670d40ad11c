"""What was noted of each document, as far as a job has come: the notes of its batches, taken apart again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from rota.errors import InvalidInputError, NotFoundError
from rota.job_files import AT_ONCE, JobFiles
from rota.steps.summarize import by_document


def notes_page(files: JobFiles, limit: int, cursor: str) -> dict[str, Any]:
    """`{"batches": [{"batch_id", "mode", "model", "documents": [{"number", "title", "notes"}]}], "cursor"}`.

    `limit` batches are looked at from `cursor` (the last page's) on; those without notes yet are left out. Raises
    InvalidInputError for a cursor that is not from a page of this job.
    """
    try:
        ids = files.batch_ids()
    except NotFoundError:
        return {"batches": [], "cursor": None}
    if cursor and cursor not in ids:
        raise InvalidInputError("cursor", "is not from a page of this job's notes")
    start = ids.index(cursor) + 1 if cursor else 0
    looked_at = ids[start : start + limit]
    titles = {info["number"]: info["title"] for info in files.document_list()["documents"]}
    with ThreadPoolExecutor(AT_ONCE) as readers:
        found = [summary for summary in readers.map(files.find_summary, looked_at) if summary]
    batches = [
        {
            "batch_id": summary["batch_id"],
            "mode": summary.get("mode", "models"),
            "model": summary.get("model"),
            "documents": [
                {"number": number, "title": titles.get(number, ""), "notes": statements}
                for number, statements in by_document(summary).items()
            ],
        }
        for summary in found
    ]
    more = start + limit < len(ids)
    return {"batches": batches, "cursor": looked_at[-1] if more else None}
