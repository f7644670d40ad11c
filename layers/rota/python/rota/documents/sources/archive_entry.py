"""One entry of an archive, whatever the format: what every format's reader gives to the walk through it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of an archive by the name written there; folders are none.

    `size` in bytes is what the archive says, and `read` gives at most so many, or raises UnreadableDocumentError.
    `refused` is why it is not read (`is a link`), or empty. `in_stream`: its bytes are unpacked even to pass it.
    """

    name: str
    size: int
    read: Callable[[], bytes]
    refused: str = ""
    in_stream: bool = False
