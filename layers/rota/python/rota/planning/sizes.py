"""From the sizes of documents to the batches that they will make, before any of them is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from rota.depth import characters_read
from rota.documents.code.files import is_source
from rota.documents.code.portions import Portion, portions
from rota.documents.code.weigh import JobCode
from rota.documents.group import FRAME_TOKENS, LINES_TOKENS, OPEN_BATCHES
from rota.documents.tokens import estimate_tokens
from rota.estimate import Load
from rota.planning.work import Outlook
from rota.readers import Loads
from rota.records import DocumentInfo

CHARACTERS_PER_TOKEN = 3.3
"""As `documents.tokens` estimates ASCII; what else a text holds is told by its bytes."""
FILLED = 0.96
"""Share of its room that a piece of a long document takes: it ends where the text allows."""


def predicted(outlook: Outlook, documents: Sequence[DocumentInfo]) -> list[Load]:
    """The batches of these documents; for a job without models, too, which makes no calls of them.

    Raises NoCapacityError when the pool's quotas leave no room for documents beside the prompt.
    """
    readers = outlook.readers
    loads, room, code = Loads(readers), readers.documents_room(), JobCode.of(documents)
    sizes = {one["number"]: _tokens(one, outlook.depth) for one in documents}
    code_room = readers.code_room() if code.files else None
    if code_room:
        characters = {one["number"]: characters_read(one, outlook.depth) for one in documents}
        for part in _joined(portions(documents, code, code_room), sizes):
            score = code.score(part.numbers, sum(characters[number] for number in part.numbers))
            for tokens in _packed((sizes.pop(number) for number in part.numbers), part.max_tokens):
                loads.add("analyze", tokens, score)
    for tokens in _packed(sizes.values(), room):
        loads.add("summarize", tokens)
    return list(loads)


def tokens_of(documents: Iterable[DocumentInfo], depth: str = "normal") -> int:
    """Tokens of documents by estimate, as far as they are read at a depth."""
    return sum(_tokens(one, depth) for one in documents)


def _tokens(document: DocumentInfo, depth: str) -> int:
    """Tokens of what is read of a document. Of plain text, bytes beyond characters tell of other scripts."""
    characters, beyond = document["characters"], 0
    if document["media_type"].startswith("text/"):
        beyond = min(characters, max(0, document["bytes"] - characters) // 2)
    whole = (characters - beyond) / CHARACTERS_PER_TOKEN + beyond
    share = characters_read(document, depth) / max(1, characters)
    frame = FRAME_TOKENS + LINES_TOKENS * is_source(document["title"], document["media_type"])
    return round(whole * share) + estimate_tokens(document["title"]) + frame


def _joined(parts: Iterable[Portion], sizes: Mapping[int, int]) -> Iterator[Portion]:
    """Portions as `documents.group.pack_groups` joins them: what one leaves free takes the next, if that fits whole."""
    last, used = Portion((), 0), 0
    for part in parts:
        tokens = sum(sizes[number] for number in part.numbers)
        if part.max_tokens == last.max_tokens and used + tokens <= part.max_tokens:
            last, used = Portion((*last.numbers, *part.numbers), part.max_tokens), used + tokens
            continue
        if last.numbers:
            yield last
        last, used = part, tokens
    if last.numbers:
        yield last


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
    """As `documents.group.passages` cuts: full pieces, and a rest that is packed together with others."""
    if size <= room:
        return [size]
    full = int(room * FILLED)
    pieces, rest = divmod(size, full)
    return [full] * pieces + [rest] * bool(rest)
