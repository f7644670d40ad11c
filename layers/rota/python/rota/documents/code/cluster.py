"""Groups a job's source files so that what belongs together is read together, no group above a size.

    imports, tests beside what they test, neighbours in a folder ──► weighted graph ──► clusters ──► groups, by path

Two files are tied by an import; the tie is weaker the more files import the same one (1 ÷ √importers), so that what
everything imports holds nothing together. A test is tied to the file of its name, and files of one folder to the next
one by path, which is all there is where no import is needed or known. Clusters are merged one pair at a time, always
the pair with the most tie for its sizes (ties ÷ √(size · size)) among those that fit: without the sizes the first
clusters would swallow everything around them. What is then left apart fills up the groups it has most ties with, else
those of the nearest folder, and the emptiest groups are divided among the others. `python -m benchmarks.grouping`
measures it.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from heapq import heapify, heappop, heappush, nsmallest
from itertools import pairwise
from math import sqrt
from posixpath import basename, dirname

from rota.documents.code.files import kind
from rota.documents.code.links import CodeFile, Links
from rota.documents.code.places import above, tidied

NEIGHBOUR_TIE = 0.1
"""Between files that follow each other in a folder: as much as an import of what a hundred files import."""

TEST_TIE = 0.5
"""Between a test and the file that is named like it: as much as an import of what four files import."""

MOST_TIES = 40
"""Of one file's imports, those of what the fewest import: more tell nothing more, and take time."""

NAMESAKES = 4
"""A name that more files have, such as `index`, says nothing of what is tested."""

LOOKED_AT = 64
"""So many of a folder's groups are tried for one that has room, which bounds the time."""

_TEST_WORDS = re.compile(r"^tests?[_-]|[._-](?:tests?|spec)$|(?<=[a-z0-9])(?:Tests?|Spec)$")

Ties = dict[int, dict[int, float]]
"""How strongly two files or clusters belong together, from either one."""


def cluster(
    files: Sequence[CodeFile], sizes: Mapping[int, int], found: Mapping[int, Links], max_size: int
) -> list[list[int]]:
    """The numbers of `files` in groups of at most `max_size` each, in the order of their paths.

    `sizes` are by number, in the unit of `max_size`; a file that alone is larger is a group by itself. `found` are the
    job's links, by `rota.documents.code.links`. The same files give the same groups, in about n · log n time.
    """
    titles = {file.number: tidied(file.title) for file in files}
    small = {number for number in titles if sizes[number] <= max_size}
    ties = _ties(titles, small, found)
    packing = _Packing(titles, ties, max_size)
    clusters = _clusters({number: sizes[number] for number in sorted(small)}, ties, max_size)
    packing.add({tuple(held): sum(sizes[number] for number in held) for held in clusters})
    packing.dissolve(sizes)
    groups = [*filter(None, packing.groups), *([number] for number in titles if number not in small)]

    def by_path(number: int) -> tuple[str, int]:
        return titles[number], number

    return sorted((sorted(group, key=by_path) for group in groups), key=lambda group: by_path(group[0]))


def _ties(titles: Mapping[int, str], small: Iterable[int], found: Mapping[int, Links]) -> Ties:
    ties: Ties = {number: {} for number in sorted(small)}
    importers = Counter(other for links in found.values() for other in links.files)
    pairs = [
        (a, b, 1 / sqrt(importers[b]))
        for a, links in sorted(found.items())
        for b in nsmallest(MOST_TIES, links.files, key=lambda other: (importers[other], other))
    ]
    pairs += [(a, b, TEST_TIE) for a, b in _tested(titles)]
    pairs += [(a, b, NEIGHBOUR_TIE) for a, b in _neighbours(titles)]
    for a, b, weight in pairs:
        if a in ties and b in ties:
            ties[a][b] = ties[b][a] = ties[a].get(b, 0.0) + weight
    return ties


def _tested(titles: Mapping[int, str]) -> Iterator[tuple[int, int]]:
    """Tests with what they are named after."""
    named: dict[str, list[int]] = defaultdict(list)
    tests = []
    for number, title in titles.items():
        name = basename(title).partition(".")[0] if kind(title) != "test" else ""
        if name:
            named[name].append(number)
        else:
            tests.append((number, _TEST_WORDS.sub("", basename(title).rpartition(".")[0])))
    for number, name in tests:
        if 0 < len(named[name]) <= NAMESAKES:
            yield from ((number, other) for other in named[name])


def _neighbours(titles: Mapping[int, str]) -> Iterator[tuple[int, int]]:
    ordered = sorted(titles, key=lambda number: (dirname(titles[number]), titles[number], number))
    return ((a, b) for a, b in pairwise(ordered) if dirname(titles[a]) == dirname(titles[b]))


def _clusters(sizes: dict[int, int], ties: Ties, max_size: int) -> list[list[int]]:
    """Merge the pair with the most tie for its sizes until none fits. A cluster is known by one of its files.

    Sizes only grow, so a pair's place in the heap only sinks: it is put right when its turn comes. Ties that a merge
    makes stronger are put in anew, and those that were there before are then recognised by their old weight.
    """
    held = {number: [number] for number in sizes}
    sizes = dict(sizes)
    ties = {number: dict(tied) for number, tied in ties.items()}

    def rank(a: int, b: int) -> float:
        return -ties[a][b] / sqrt(max(1, sizes[a] * sizes[b]))

    heap = [(rank(a, b), a, b, weight) for a, tied in ties.items() for b, weight in tied.items() if a < b]
    heapify(heap)
    while heap:
        ranked, a, b, weight = heappop(heap)
        if a not in held or b not in held or ties[a].get(b) != weight or sizes[a] + sizes[b] > max_size:
            continue
        if (now := rank(a, b)) > ranked:
            heappush(heap, (now, a, b, weight))
            continue
        kept, gone = (a, b) if len(ties[a]) >= len(ties[b]) else (b, a)
        held[kept] += held.pop(gone)
        sizes[kept] += sizes.pop(gone)
        for other, more in ties.pop(gone).items():
            del ties[other][gone]
            if other == kept:
                continue
            ties[kept][other] = ties[other][kept] = ties[kept].get(other, 0.0) + more
            first, second = sorted((kept, other))
            heappush(heap, (rank(first, second), first, second, ties[kept][other]))
    return list(held.values())


class _Packing:
    """Fills groups with clusters, the largest first."""

    def __init__(self, titles: Mapping[int, str], ties: Ties, max_size: int) -> None:
        self.groups: list[list[int]] = []
        """Those that were dissolved are empty."""
        self._titles, self._ties, self._max_size = titles, ties, max_size
        self._room: list[int] = []
        self._group_of: dict[int, int] = {}
        self._in_folder: dict[str, list[int]] = defaultdict(list)

    def add(self, clusters: Mapping[tuple[int, ...], int]) -> None:
        """Put in all clusters, given with their sizes."""
        smallest = min(clusters.values(), default=0)
        for held, size in sorted(clusters.items(), key=lambda one: (-one[1], min(self._titles[n] for n in one[0]))):
            place = self._tied(held, size)
            if place is None:
                place = self._near(dirname(self._titles[held[0]]), size, smallest)
            if place is None:
                place = len(self.groups)
                self.groups.append([])
                self._room.append(self._max_size)
            self._put(place, held, size)

    def dissolve(self, sizes: Mapping[int, int]) -> None:
        """Divide the emptiest groups among the others, one file at a time, as long as they have room for all of it.

        Clusters of about the same size leave gaps that none of them fills, and each group less is a call less.
        """
        self._in_folder.clear()  # of those that were full for any cluster, files may fit in some
        for place, held in enumerate(self.groups):
            self._enter(place, held)
        free = sum(self._room)
        for place in sorted(range(len(self.groups)), key=lambda place: (-self._room[place], place)):
            used = self._max_size - self._room[place]
            if used > free - self._room[place]:
                return
            if self._divided(place, sizes):
                free -= self._max_size

    def _divided(self, place: int, sizes: Mapping[int, int]) -> bool:
        """Give the files of a group to others with room; all of them, or none."""
        held, room = self.groups[place], self._room[place]
        self._room[place] = -1
        placed: list[tuple[int, int]] = []
        for number in self._by_ties(held):
            home = self._tied((number,), sizes[number])
            if home is None:
                home = self._near(dirname(self._titles[number]), sizes[number], 0)
            if home is None:
                break
            placed.append((number, home))
            self._room[home] -= sizes[number]
            self._group_of[number] = home
        if len(placed) < len(held):
            for number, home in placed:
                self._room[home] += sizes[number]
                self._group_of[number] = place
            self._room[place] = room
            return False
        for number, home in placed:
            self.groups[home].append(number)
        self.groups[place] = []
        return True

    def _by_ties(self, held: Iterable[int]) -> Iterator[int]:
        """The files of a group, each after the one that it has the strongest tie with, so that they move together."""
        left = dict.fromkeys(held)
        while left:
            waiting = [(0.0, next(iter(left)))]
            while waiting:
                _, number = heappop(waiting)
                if number not in left:
                    continue
                del left[number]
                yield number
                for other, weight in self._ties[number].items():
                    if other in left:
                        heappush(waiting, (-weight, other))

    def _put(self, place: int, held: tuple[int, ...], size: int) -> None:
        self.groups[place] += held
        self._room[place] -= size
        self._group_of.update(dict.fromkeys(held, place))
        self._enter(place, held)

    def _enter(self, place: int, held: Iterable[int]) -> None:
        """Let a group be found by the folders of its files."""
        folders = {dirname(self._titles[number]): None for number in held}
        for folder in {root: None for each in folders for root in above(each)}:
            if place not in self._in_folder[folder][-LOOKED_AT:]:
                self._in_folder[folder].append(place)

    def _tied(self, held: Iterable[int], size: int) -> int | None:
        """The group with room that a cluster has most ties with."""
        strength: dict[int, float] = defaultdict(float)
        for number in held:
            for other, weight in self._ties[number].items():
                if other in self._group_of and self._room[self._group_of[other]] >= size:
                    strength[self._group_of[other]] += weight
        return max(strength, key=lambda place: (strength[place], -place), default=None)

    def _near(self, folder: str, size: int, smallest: int) -> int | None:
        """The fullest group with room in the nearest folder that has one."""
        for root in above(folder):
            open_ones = [place for place in self._in_folder[root][-LOOKED_AT:] if self._room[place] >= smallest]
            self._in_folder[root][-LOOKED_AT:] = open_ones
            fitting = [place for place in open_ones if self._room[place] >= size]
            if fitting:
                return min(fitting, key=lambda place: (self._room[place], place))
        return None
