"""Packs documents into batches: small ones together, big ones cut, no batch above its budget.

Documents keep their order as far as filling allows, because neighbours in a folder mostly belong together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rota.documents.chunk import chunk
from rota.documents.tokens import estimate_tokens
from rota.errors import InvalidInputError
from rota.records import Batch, Document, Passage

FRAME_TOKENS = 32
"""What the delimiters of one passage cost beside its title: `<document number="…" title="" part="…/…">` and its end."""

TITLE_CHARACTERS = 120
"""Longer titles are shortened in passages: a title is repeated with each part."""

MIN_BATCH_TOKENS = 400
"""Below this the frame and the longest title of a script that is not Latin leave too little room for text."""

OPEN_BATCHES = 8
"""How many batches may wait for a passage that fills them. More fill better and mix more."""


def pack(documents: Iterable[Document], max_input_tokens: int) -> Iterator[Batch]:
    """Batches whose passages, with their delimiters and titles, have at most `max_input_tokens` by estimate.

    Every character of every document stands in exactly one batch, save for stretches of white space; the same
    documents give the same batches and ids. Documents are taken one at a time and batches given as they fill up, so
    that memory holds a few of each. Raises InvalidInputError when `max_input_tokens` is below MIN_BATCH_TOKENS.
    """
    if max_input_tokens < MIN_BATCH_TOKENS:
        raise InvalidInputError(
            "max_input_tokens", f"leaves {max_input_tokens} tokens for text, at least 400 are needed"
        )
    return _numbered(_packed(documents, max_input_tokens))


def passages(document: Document, max_tokens: int) -> list[Passage]:
    """Cut one document into passages of at most `max_tokens` each, delimiters and title included."""
    title = shortened(document["title"], TITLE_CHARACTERS)
    chunks = chunk(document["text"], max_tokens - _frame_tokens(title))
    return [
        Passage(
            number=document["number"],
            title=title,
            part=part,
            parts=len(chunks),
            start=piece.start,
            end=piece.end,
            text=piece.text,
        )
        for part, piece in enumerate(chunks, start=1)
    ]


def passage_tokens(passage: Passage) -> int:
    """What a passage costs in a prompt, delimiters and title included, in tokens by estimate."""
    return estimate_tokens(passage["text"]) + _frame_tokens(passage["title"])


def shortened(text: str, max_characters: int) -> str:
    """A text with its middle left out when it is too long: the ends of a path tell most."""
    if len(text) <= max_characters:
        return text
    head = max_characters // 3
    return f"{text[:head]}…{text[len(text) - (max_characters - head - 1) :]}"


def _packed(documents: Iterable[Document], max_tokens: int) -> Iterator[list[Passage]]:
    waiting: list[tuple[int, list[Passage]]] = []
    for document in documents:
        for passage in passages(document, max_tokens):
            size = passage_tokens(passage)
            place = next((i for i, (used, _) in enumerate(waiting) if used + size <= max_tokens), None)
            if place is None:
                waiting.append((size, [passage]))
            else:
                used, held = waiting[place]
                waiting[place] = (used + size, [*held, passage])
            if len(waiting) > OPEN_BATCHES:
                yield _fullest(waiting)
    yield from (held for _, held in waiting)


def _fullest(waiting: list[tuple[int, list[Passage]]]) -> list[Passage]:
    sizes = [used for used, _ in waiting]
    return waiting.pop(sizes.index(max(sizes)))[1]


def _numbered(packed: Iterable[list[Passage]]) -> Iterator[Batch]:
    for number, held in enumerate(packed, start=1):
        yield Batch(batch_id=f"b{number:04d}", passages=held)


def _frame_tokens(title: str) -> int:
    return FRAME_TOKENS + estimate_tokens(title)
