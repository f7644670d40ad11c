"""From documents to batches in S3, with the manifest of the fan-out.

code ──► portions: related files, as large as the models they are aimed at take ──► batches of code (step analyze)
all other documents ──► as many together as a call may read ──────────────────────► batches (step summarize)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

from rota.documents.code.portions import portions
from rota.documents.code.weigh import JobCode, weighed
from rota.documents.group import pack, pack_groups, passage_tokens
from rota.estimate import Load
from rota.job_files import AT_ONCE, JobFiles
from rota.readers import Loads, Readers
from rota.records import Batch, Document, DocumentInfo
from rota.steps import summarize

CHARACTERS_AT_ONCE = 8_000_000
"""Of documents that are read side by side; a larger one is read alone."""


def write_batches(
    files: JobFiles, readers: Readers, is_written: Callable[[Batch], bool] = lambda _: False
) -> list[Load]:
    """Cut and pack the job's documents, write every batch and then the manifest. Returns what reading them needs.

    `is_written` says of a batch whether its notes are there already. The same documents give the same batches, so a
    repetition writes the same objects; other models, quotas, or more calls to learn from may give batches of other
    sizes. Raises NoCapacityError when the pool's quotas leave no room for documents beside the prompt.
    """
    documents = files.document_list()["documents"]
    code = JobCode.of(documents)
    held: dict[str, list[int]] = {}
    loads = Loads(readers)
    packed = weighed(_packed(files, documents, code, readers), code)
    with ThreadPoolExecutor(AT_ONCE) as writers:
        while batches := list(islice(packed, AT_ONCE)):
            list(writers.map(files.put_batch, batches))
            written = list(writers.map(is_written, batches))
            for batch, is_there in zip(batches, written, strict=True):
                held[batch["batch_id"]] = sorted({passage["number"] for passage in batch["passages"]})
                loads.add(
                    summarize.task_of(batch), sum(map(passage_tokens, batch["passages"])), _score(batch), is_there
                )
    files.put_manifest(held)
    return list(loads)


def _packed(files: JobFiles, documents: Sequence[DocumentInfo], code: JobCode, readers: Readers) -> Iterator[Batch]:
    """Batches of code first: they are the longest calls."""
    room = readers.documents_room()
    code_room = readers.code_room() if code.files else None
    batches = 0
    if code_room:
        parts = portions(documents, code, code_room)
        infos = {info["number"]: info for info in documents}
        texts = _documents(files, (infos[number] for part in parts for number in part.numbers))
        for batch in pack_groups((part.max_tokens, islice(texts, len(part.numbers))) for part in parts):
            batches += 1
            yield batch
    others = (info for info in documents if not (code_room and info["number"] in code.files))
    yield from pack(_documents(files, others), room, batches + 1)


def _score(batch: Batch) -> float | None:
    weight = batch.get("complexity")
    return weight["score"] if weight and weight["analysed"] else None


def _documents(files: JobFiles, infos: Iterable[DocumentInfo]) -> Iterator[Document]:
    with ThreadPoolExecutor(AT_ONCE) as readers:
        for numbers in _side_by_side(infos):
            yield from readers.map(files.document, numbers)


def _side_by_side(infos: Iterable[DocumentInfo]) -> Iterator[list[int]]:
    """Documents, by number, that memory holds together."""
    some: list[int] = []
    characters = 0
    for info in infos:
        if some and (len(some) == AT_ONCE or characters + info["characters"] > CHARACTERS_AT_ONCE):
            yield some
            some, characters = [], 0
        some.append(info["number"])
        characters += info["characters"]
    if some:
        yield some
