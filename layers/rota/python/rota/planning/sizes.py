"""From the sizes of documents to the batches that they will make, before any of them is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rota.depth import characters_read
from rota.documents.code.files import is_code
from rota.documents.group import FRAME_TOKENS, MIN_BATCH_TOKENS, OPEN_BATCHES
from rota.documents.tokens import estimate_tokens
from rota.errors import NoCapacityError
from rota.estimate import Load
from rota.job_requests import summary_request
from rota.planning.work import NotesTask, Outlook
from rota.records import DocumentInfo
from rota.routing.budget import input_budget
from rota.steps import summarize

CHARACTERS_PER_TOKEN = 3.3
"""As `documents.tokens` estimates ASCII; what else a text holds is told by its bytes."""
FILLED = 0.9
"""Share of its room that a piece of a long document takes: it ends where the text allows."""
CODE_QUOTA_SHARE = 0.5
"""Of a token quota that one batch of code may take; see `batches`."""


def predicted(outlook: Outlook, documents: Sequence[DocumentInfo]) -> dict[str, Load]:
    """The calls that read these documents, by step. Empty for a job without models.

    Raises NoCapacityError when the pool's quotas leave no room for documents beside the prompt.
    """
    if outlook.job.options.get("mode") == "extractive":
        return {}
    whole, found = _room(outlook, "summarize"), dict[str, Load]()
    code_room = _room(outlook, "analyze") if outlook.catalog.steps.analyze else 0
    code = [one for one in documents if code_room >= whole and is_code(one["title"])]
    others = [one for one in documents if not (code_room >= whole and is_code(one["title"]))]
    reading: list[tuple[NotesTask, list[DocumentInfo], int]] = [
        ("analyze", code, code_room),
        ("summarize", others, whole),
    ]
    for name, some, room in reading:
        if some:
            found[name] = _load(outlook, name, [_tokens(one, outlook.depth) for one in some], room)
    return found


def tokens_of(documents: Iterable[DocumentInfo], depth: str = "normal") -> int:
    """Tokens of documents by estimate, as far as they are read at a depth."""
    return sum(_tokens(one, depth) for one in documents)


def _load(outlook: Outlook, name: NotesTask, sizes: Sequence[int], room: int) -> Load:
    step = outlook.step(name)
    frame = summarize.frame_tokens(outlook.job.query, outlook.focus, step.max_output_tokens, name)
    batches = list(_packed(sizes, room))
    return Load(len(batches), sum(batches) + frame * len(batches), step.max_output_tokens * len(batches))


def _room(outlook: Outlook, name: NotesTask) -> int:
    step, share = outlook.step(name), CODE_QUOTA_SHARE if name == "analyze" else 1.0
    models = outlook.models(summary_request(outlook.job, step, 0, task=name))
    frame = summarize.frame_tokens(outlook.job.query, outlook.focus, step.max_output_tokens, name)
    room = input_budget(models, step, outlook.accounts, share) - frame
    if room < MIN_BATCH_TOKENS and name == "summarize":
        raise NoCapacityError(f"the summaries' pool leaves {room} tokens a call for documents")
    return room


def _tokens(document: DocumentInfo, depth: str) -> int:
    """Tokens of what is read of a document. Of plain text, bytes beyond characters tell of other scripts."""
    characters, beyond = document["characters"], 0
    if document["media_type"].startswith("text/"):
        beyond = min(characters, max(0, document["bytes"] - characters) // 2)
    whole = (characters - beyond) / CHARACTERS_PER_TOKEN + beyond
    share = characters_read(document, depth) / max(1, characters)
    return round(whole * share) + estimate_tokens(document["title"]) + FRAME_TOKENS


def _packed(sizes: Iterable[int], room: int) -> Iterator[int]:
    """Tokens of each batch, packed as `documents.group` packs."""
    waiting: list[int] = []
    for size in (piece for whole in sizes for piece in _pieces(whole, room)):
        place = next((at for at, used in enumerate(waiting) if used + size <= room), None)
        if place is None:
            waiting.append(size)
        else:
            waiting[place] += size
        if len(waiting) > OPEN_BATCHES:
            yield waiting.pop(waiting.index(max(waiting)))
    yield from waiting


def _pieces(size: int, room: int) -> list[int]:
    if size <= room:
        return [size]
    count = -(-size // int(room * FILLED))
    return [size // count] * count
