"""Packs documents into batches: small ones together, big ones cut, no batch above its budget.

Documents keep their order as far as filling allows, because neighbours in a folder mostly belong together; code comes
in groups that are kept together. A part says what it stands within, so that it can be understood without the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from rota.documents.chunk import piece_end
from rota.documents.code.files import is_source
from rota.documents.context import Context
from rota.documents.tokens import estimate_tokens
from rota.errors import InvalidInputError
from rota.records import Batch, Document, Passage

FRAME_TOKENS, PART_TOKENS, LINES_TOKENS, WITHIN_TOKENS = 15, 6, 7, 4
"""What the delimiters of one passage cost beside its title and what it stands within: `<document number="…" title="">`
and its end, and where they are told ` part="…/…"`, ` lines="…-…"` and ` within=""`, with figures of six (part: four)
digits, at 3.3 characters a token."""

TITLE_CHARACTERS = 120
"""Longer titles are shortened in passages: a title is repeated with each part."""

MIN_BATCH_TOKENS = 400
"""Below this the frame and the longest title of a script that is not Latin leave too little room for text."""

OPEN_BATCHES = 8
"""How many batches may wait for a passage that fills them. More fill better and mix more."""


def pack(documents: Iterable[Document], max_input_tokens: int, first: int = 1) -> Iterator[Batch]:
    """Batches whose passages, with their delimiters and titles, have at most `max_input_tokens` by estimate.

    Every character of every document stands in exactly one batch, save for stretches of white space; the same
    documents give the same batches and ids, which count up from `first`. Documents are taken one at a time and batches
    given as they fill up, so that memory holds a few of each. Raises InvalidInputError when `max_input_tokens` is below
    MIN_BATCH_TOKENS.
    """
    if max_input_tokens < MIN_BATCH_TOKENS:
        raise InvalidInputError(
            "max_input_tokens", f"leaves {max_input_tokens} tokens for text, at least {MIN_BATCH_TOKENS} are needed"
        )
    return _numbered(_packed(documents, max_input_tokens), first)


def pack_groups(groups: Iterable[tuple[int, Iterable[Document]]]) -> Iterator[Batch]:
    """Batches of code: documents that belong together, and for each such group how many tokens a batch may have.

    As `pack`, with ids from b0001, but a group that fits into one batch is not divided. What a group leaves free in its
    last batch is filled with the next one, if that fits as a whole and is to have batches of the same size.
    """
    return _numbered(_together(groups), 1, holds_code=True)


def passages(document: Document, max_tokens: int) -> list[Passage]:
    """Cut one document into passages of at most `max_tokens` each, delimiters, title and context included."""
    text, title = document["text"], shortened(document["title"], TITLE_CHARACTERS)
    room = max_tokens - estimate_tokens(title) - (FRAME_TOKENS + PART_TOKENS + LINES_TOKENS + WITHIN_TOKENS)
    context = Context(document["title"], text, document["media_type"])
    pieces = []
    for first, stop in document.get("read", [(0, len(text))]):
        start = first
        while start < stop:
            within = context.at(start) if start else ""
            end = min(stop, piece_end(text, start, room - estimate_tokens(within)))
            if text[start:end].strip():
                pieces.append((start, end, within))
            start = end
    found = [
        Passage(
            number=document["number"],
            title=title,
            part=part,
            parts=len(pieces),
            start=start,
            end=end,
            text=text[start:end],
        )
        for part, (start, end, _) in enumerate(pieces, start=1)
    ]
    for passage, (_, _, within) in zip(found, pieces, strict=True):
        if within:
            passage["within"] = within
    if is_source(document["title"], document["media_type"]):
        _tell_lines(found, text)
    return found


def passage_tokens(passage: Passage) -> int:
    """What a passage costs in a prompt, delimiters, title and context included, in tokens by estimate."""
    frame = FRAME_TOKENS + PART_TOKENS * (passage["parts"] > 1) + LINES_TOKENS * ("lines" in passage)
    if within := passage.get("within"):
        frame += WITHIN_TOKENS + estimate_tokens(within)
    return frame + estimate_tokens(passage["title"]) + estimate_tokens(passage["text"])


def lines_of(text: str, first: int) -> list[int]:
    """The numbers of the first and last line of a text that begins on line `first`; both count from 1."""
    return [first, first + text.rstrip("\n").count("\n")]


def shortened(text: str, max_characters: int) -> str:
    """A text with its middle left out when it is too long: the ends of a path tell most."""
    if len(text) <= max_characters:
        return text
    head = max_characters // 3
    return f"{text[:head]}…{text[len(text) - (max_characters - head - 1) :]}"


def _tell_lines(found: Iterable[Passage], text: str) -> None:
    line, counted = 1, 0
    for passage in found:
        line += text.count("\n", counted, passage["start"])
        counted = passage["start"]
        passage["lines"] = lines_of(passage["text"], line)


def _packed(documents: Iterable[Document], max_tokens: int) -> Iterator[list[Passage]]:
    waiting: list[_Open] = []
    for document in documents:
        for passage in passages(document, max_tokens):
            _place(passage, waiting, max_tokens)
            if len(waiting) > OPEN_BATCHES:
                yield waiting.pop(_fullest(waiting)).passages
    yield from (each.passages for each in waiting)


def _together(groups: Iterable[tuple[int, Iterable[Document]]]) -> Iterator[list[Passage]]:
    last, last_max = _Open(), 0
    for max_tokens, documents in groups:
        held = [passage for document in documents for passage in passages(document, max_tokens)]
        waiting = [last]
        if max_tokens != last_max or last.used + sum(map(passage_tokens, held)) > max_tokens:
            yield from filter(None, [last.passages])
            waiting = []
        for passage in held:
            _place(passage, waiting, max_tokens)
        last, last_max = min(waiting, key=lambda each: each.used, default=_Open()), max_tokens
        yield from (each.passages for each in waiting if each is not last)
    yield from filter(None, [last.passages])


@dataclass(slots=True)
class _Open:
    """A batch that is being filled."""

    used: int = 0
    passages: list[Passage] = field(default_factory=list)


def _place(passage: Passage, waiting: list[_Open], max_tokens: int) -> None:
    """Put a passage into the first batch with room, or a new one."""
    size = passage_tokens(passage)
    place = next((each for each in waiting if each.used + size <= max_tokens), None)
    if place is None:
        place = _Open()
        waiting.append(place)
    place.used += size
    place.passages.append(passage)


def _fullest(waiting: list[_Open]) -> int:
    sizes = [each.used for each in waiting]
    return sizes.index(max(sizes))


def _numbered(packed: Iterable[list[Passage]], first: int, holds_code: bool = False) -> Iterator[Batch]:
    for number, held in enumerate(packed, start=first):
        batch = Batch(batch_id=f"b{number:04d}", passages=held)
        if holds_code:
            batch["kind"] = "code"
        yield batch
