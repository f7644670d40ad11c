"""How complex a group of source files is, from 0 to 1: 0.3 · size + 0.5 · dependency + 0.2 · files, complex above 0.7.

Weights, caps and threshold are those of "Learning why model redundancy > optimization" (calculateComplexityScore,
selectModelForGroup), which takes `dependency` as given and names imports and the kind of files as what is in it. Here

    dependency = kind · (½ · joined + ½ · imports)

from real imports. A file that was not analysed adds none: what is not known is not estimated.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rota.documents.code.files import Kind, kind
from rota.documents.code.links import CodeFile, Links

SIZE_WEIGHT, DEPENDENCY_WEIGHT, FILES_WEIGHT = 0.3, 0.5, 0.2
SIZE_CAP_BYTES = 20 * 1024
FILES_CAP = 10
COMPLEX_ABOVE = 0.7

IMPORTS_CAP = 15
"""Imports of one file beyond which more make no difference: the upper quartile of the most entangled that were measured
(pydantic, hypothesis). Medians of a dozen libraries in Python, JavaScript and C, from botocore to npm, were 1 to 9."""

KIND_WEIGHTS: Mapping[Kind, float] = {"core": 1.0, "test": 0.5, "generated": 0.25, "config": 0.25, "docs": 0.25}
"""A choice, not a measurement: tests follow what they test; the rest is seldom what a question is about."""


@dataclass(frozen=True, slots=True)
class Factors:
    """What a score is made of. `joined`, `imports` and `kind` are 0 to 1 and make up the dependency."""

    total_bytes: int
    analysed_files: int
    kinds: Mapping[Kind, int]
    joined: float
    imports: float
    kind: float


@dataclass(frozen=True, slots=True)
class GroupComplexity:
    """`score` and its parts before weighting, each 0 to 1; `analysed` is False when no file's imports are known."""

    score: float
    size: float
    dependency: float
    files: float
    analysed: bool
    factors: Factors

    @property
    def is_complex(self) -> bool:
        """Whether the group is for the stronger model."""
        return self.score > COMPLEX_ABOVE


def group_complexity(files: Sequence[CodeFile], total_bytes: int, links: Mapping[int, Links]) -> GroupComplexity:
    """The complexity of some of a job's source files, of which the group holds `total_bytes` in all.

    `links` are those of the whole job, by `rota.documents.code.links`: imports count wherever they lead, and as joining
    files where they stay within the group.
    """
    numbers = [file.number for file in files]
    kinds = Counter(kind(file.title) for file in files)
    factors = Factors(
        total_bytes=total_bytes,
        analysed_files=sum(number in links for number in numbers),
        kinds=kinds,
        joined=_joined(numbers, links),
        imports=_mean(min(1.0, _imports(links.get(number)) / IMPORTS_CAP) for number in numbers),
        kind=_mean(KIND_WEIGHTS[one] for one in kinds.elements()),
    )
    dependency = factors.kind * (0.5 * factors.joined + 0.5 * factors.imports)
    return GroupComplexity(
        score=score(total_bytes, dependency, len(files)),
        size=_size(total_bytes),
        dependency=dependency,
        files=_files(len(files)),
        analysed=factors.analysed_files > 0,
        factors=factors,
    )


def score(total_bytes: int, dependency: float, files: int) -> float:
    """The seed's formula; `dependency` is 0 to 1."""
    return SIZE_WEIGHT * _size(total_bytes) + DEPENDENCY_WEIGHT * dependency + FILES_WEIGHT * _files(files)


def _size(total_bytes: int) -> float:
    return min(total_bytes / SIZE_CAP_BYTES, 1.0)


def _files(files: int) -> float:
    return min(files / FILES_CAP, 1.0)


def _imports(links: Links | None) -> int:
    return len(links.files) + len(links.packages) if links else 0


def _joined(numbers: Sequence[int], links: Mapping[int, Links]) -> float:
    """How far imports join the group into one: 0 when no file imports another, 1 when none is apart.

    Of n files in c connected parts it is (n - c) / (n - 1), the share of the joins that it takes at least. The share
    of all pairs would not do: it falls with the size of a group, for a file does not import more in a larger one.
    """
    part = {number: number for number in numbers}

    def root(number: int) -> int:
        while part[number] != number:
            part[number] = number = part[part[number]]
        return number

    for number in numbers:
        for other in links[number].files if number in links else ():
            if other in part:
                part[root(number)] = root(other)
    joins = sum(number != parent for number, parent in part.items())
    return joins / (len(part) - 1) if len(part) > 1 else 0.0


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return sum(listed) / len(listed) if listed else 0.0
