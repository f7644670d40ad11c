"""Divides a job's code into portions for models of different sizes: complex code goes to the stronger, in larger ones.

all files ──► clusters of the smallest size ──► weighed ──► those for larger batches, clustered again to that size
                                                                     └─ no longer complex together: as they were

The first pass alone would cut complex code as small as the weakest model needs it; its scores say which files are worth
the second.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rota.documents.code.cluster import cluster
from rota.documents.code.weigh import JobCode
from rota.documents.group import FRAME_TOKENS, LINES_TOKENS, TITLE_CHARACTERS, shortened
from rota.documents.tokens import estimate_tokens
from rota.records import DocumentInfo

SizeOf = Callable[[float | None], int]
"""How many tokens of documents a batch of code of this score may hold; None for code that could not be analysed."""

SCORES: tuple[float | None, ...] = (None, *(tenth / 10 for tenth in range(11)))
"""Scores that stand for all others when the smallest size is looked for."""


@dataclass(frozen=True, slots=True)
class Portion:
    """Files that belong together, by number, and how many tokens a batch of them may hold."""

    numbers: tuple[int, ...]
    max_tokens: int


def portions(documents: Sequence[DocumentInfo], code: JobCode, size_of: SizeOf) -> list[Portion]:
    """All source files in portions, in the order of their paths. A file larger than a batch is a portion by itself."""
    dividing = _Dividing(code, {info["number"]: info for info in documents if info["number"] in code.files}, size_of)
    smallest = min(map(size_of, SCORES))
    found = [Portion(group, smallest) for group in dividing.clusters(tuple(code.files), smallest)]
    larger: dict[int, list[Portion]] = defaultdict(list)
    for portion in found:
        larger[dividing.size_for(portion.numbers)].append(portion)
    done = [portion for size, each in larger.items() if size <= smallest for portion in each]
    for size, each in sorted(larger.items()):
        if size > smallest:
            done += dividing.enlarged(each, size)
    return sorted(done, key=lambda portion: (code.files[portion.numbers[0]].title, portion.numbers))


@dataclass(frozen=True, slots=True)
class _Dividing:
    code: JobCode
    infos: Mapping[int, DocumentInfo]
    size_of: SizeOf

    def clusters(self, numbers: Sequence[int], max_tokens: int) -> list[tuple[int, ...]]:
        sizes = {number: _tokens(self.infos[number]) for number in numbers}
        files = [self.code.files[number] for number in numbers]
        links = {number: self.code.links[number] for number in numbers if number in self.code.links}
        return [tuple(group) for group in cluster(files, sizes, links, max_tokens)]

    def size_for(self, numbers: Sequence[int]) -> int:
        return self.size_of(self.code.score(numbers, sum(self.infos[number]["characters"] for number in numbers)))

    def enlarged(self, found: Sequence[Portion], size: int) -> list[Portion]:
        """The files of some portions in larger ones, save for those which together are for smaller batches again."""
        numbers = [number for portion in found for number in portion.numbers]
        portions = []
        for group in self.clusters(numbers, size):
            if self.size_for(group) >= size:
                portions.append(Portion(group, size))
            else:
                smaller = found[0].max_tokens
                portions += [Portion(each, smaller) for each in self.clusters(group, smaller)]
        return portions


def _tokens(info: DocumentInfo) -> int:
    """What a document costs in a prompt, from its length alone: the true size is found when it is packed.

    Letters that are not ASCII have more bytes than one, and cost a token each; files in UTF-16 look too large.
    """
    characters = info["characters"]
    others = min(characters, max(0, info["bytes"] - characters))
    title = shortened(info["title"], TITLE_CHARACTERS)
    return (characters - others) * 10 // 33 + others + FRAME_TOKENS + LINES_TOKENS + estimate_tokens(title)
