"""What a job has found so far: the best statements of some of the summaries that are there before its answer is."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any, cast

from rota.job_files import JobFiles
from rota.records import Summary
from rota.steps.citations import cited_in, rewrite
from rota.steps.statements import choose

SUMMARIES = 8
"""So many are read, spread over those that are there; with a listing and the list of documents that is ten requests."""

LISTED = 1000
"""One page of a listing: of a job with more summaries than this, these are the ones that count."""

STATEMENT_TOKENS, LEAST_TOKENS = 60, 540
"""What a statement is given room for, and what all have together at least: the first one is the same however many are
asked for."""

LONGEST = 300
"""Characters of a statement that are shown."""


def findings(files: JobFiles, question: str, most: int) -> list[dict[str, Any]]:
    """At most `most` statements: `[{"statement", "documents": [{"number", "title"}]}]`, the most relevant first.

    Empty before the first summary. Notes of single batches are not weighed against each other yet: the answer may say
    otherwise.
    """
    prefix = files.key("summaries/")
    keys = [found.key for found in islice(files.bucket.objects(prefix), LISTED)]
    listed = files.find_document_list() if keys and most > 0 else None
    if listed is None:
        return []
    with ThreadPoolExecutor(SUMMARIES) as readers:
        read = list(readers.map(files.bucket.find_json, _spread(keys)))
    texts = [cast(Summary, summary)["text"] for summary in read if summary]
    titles = {info["number"]: info["title"] for info in listed["documents"]}
    chosen = choose(question, texts, max(most * STATEMENT_TOKENS, LEAST_TOKENS))[:most]
    return [
        {
            "statement": _plain(statement),
            "documents": [{"number": n, "title": titles[n]} for n in cited_in(statement) if n in titles],
        }
        for statement in chosen
    ]


def _spread(keys: Sequence[str]) -> list[str]:
    """The first, the last, and those between them at even distances."""
    if len(keys) <= SUMMARIES:
        return list(keys)
    return [keys[index * (len(keys) - 1) // (SUMMARIES - 1)] for index in range(SUMMARIES)]


def _plain(statement: str) -> str:
    """Without its marks, which are numbers beside it, and cut between words when it is long."""
    text = rewrite(statement, lambda _: []).strip()
    return text if len(text) <= LONGEST else text[: LONGEST - 1].rpartition(" ")[0] + "…"
