"""What a web search gives, and what every provider of one offers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Found:
    """One result: an absolute http or https address, and the vendor's title and snippet as plain text, which may be
    empty."""

    url: str
    title: str
    snippet: str


class SearchProvider(Protocol):
    """A vendor's web search. It spends one search of the account's quota a call."""

    def search(self, query: str, count: int) -> list[Found]:
        """At most `count` results, the best first; fewer where the vendor gives no more in one call.

        Raises SearchFailedError when the vendor refuses, cannot be reached, or says nothing that can be read.
        """
        ...
