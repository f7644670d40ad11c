"""A job's files as its batches are made from them: only the documents and passages that the plan reads."""

from __future__ import annotations

from collections.abc import Collection
from typing import cast

from rota.depth import is_read_in_part, stretches
from rota.job_files import JobFiles
from rota.records import Document, DocumentList


class Reading(JobFiles):
    """The files of a job, of whose documents those of these `numbers` are there, read as closely as `depth` says."""

    def __init__(self, files: JobFiles, numbers: Collection[int], question: str, depth: str) -> None:
        super().__init__(files.bucket.s3, files.bucket.name, files.job_id)
        self._numbers, self._question, self._depth = frozenset(numbers), question, depth

    def document_list(self) -> DocumentList:
        """See `JobFiles.document_list`; only what is read."""
        found = super().document_list()
        return {**found, "documents": [one for one in found["documents"] if one["number"] in self._numbers]}

    def document(self, number: int) -> Document:
        """See `JobFiles.document`; one that is read in part says which stretches of its text are, as `read`."""
        found = super().document(number)
        if not is_read_in_part(found, self._depth):
            return found
        return cast(Document, {**found, "read": stretches(found, self._question, self._depth)})
