"""Source files in groups: what belongs together is together, nothing is lost, nothing is too large, in any order."""

from __future__ import annotations

import time
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rota.documents.code.cluster import cluster
from rota.documents.code.links import CodeFile, Links


def grouped(
    sizes: dict[str, int], imports: dict[str, list[str]], max_size: int, shuffled: int | None = None
) -> list[list[str]]:
    """Titles in groups, given with their sizes and what they import."""
    numbers = {title: number for number, title in enumerate(sizes, 1)}
    files = [CodeFile(number, title, []) for title, number in numbers.items()]
    if shuffled is not None:
        Random(shuffled).shuffle(files)
    found = {
        numbers[title]: Links(frozenset(numbers[other] for other in others), frozenset())
        for title, others in imports.items()
    }
    titles = list(sizes)
    groups = cluster(files, {numbers[title]: size for title, size in sizes.items()}, found, max_size)
    return [[titles[number - 1] for number in group] for group in groups]


PROJECTS = st.lists(
    st.tuples(st.sampled_from(["a", "a/b", "c", "tests", ""]), st.integers(0, 30)), max_size=25
).flatmap(
    lambda files: st.tuples(
        st.just(files),
        st.sets(st.tuples(st.integers(0, max(0, len(files) - 1)), st.integers(0, max(0, len(files) - 1))), max_size=40),
        st.integers(1, 60),
        st.integers(0, 3),
    )
)


@settings(deadline=None)
@given(PROJECTS)
def test_every_file_is_in_one_group_that_fits(
    project: tuple[list[tuple[str, int]], set[tuple[int, int]], int, int],
) -> None:
    """Whatever imports what; a file that alone is too large is alone; the order of the files makes no difference."""
    files, pairs, max_size, seed = project
    sizes = {f"{folder}/f{number}.py".lstrip("/"): size for number, (folder, size) in enumerate(files)}
    titles = list(sizes)
    imports: dict[str, list[str]] = {}
    for importer, imported in sorted(pairs):
        if importer != imported:
            imports.setdefault(titles[importer], []).append(titles[imported])
    groups = grouped(sizes, imports, max_size)
    assert sorted(title for group in groups for title in group) == sorted(titles)
    assert all(len(group) == 1 or sum(sizes[title] for title in group) <= max_size for group in groups)
    assert groups == sorted(sorted(group) for group in groups)
    numbers = {title: number for number, title in enumerate(sizes, 1)}
    again = grouped(sizes, imports, max_size, seed)
    assert [[numbers[title] for title in group] for group in again] == [
        [numbers[title] for title in group] for group in groups
    ]


def test_files_that_import_each_other_are_together() -> None:
    """However far apart their folders are."""
    sizes = dict.fromkeys(["a/one.py", "a/two.py", "z/one.py", "z/two.py"], 10)
    groups = grouped(sizes, {"a/one.py": ["z/one.py"], "z/two.py": ["a/two.py"]}, 20)
    assert groups == [["a/one.py", "z/one.py"], ["a/two.py", "z/two.py"]]


def test_what_everything_imports_glues_nothing_together() -> None:
    """Two packages that share a hub stay apart, and whole."""
    one, two = ([f"{name}/f{n}.py" for n in range(6)] for name in ("one", "two"))
    imports = {title: ["hub.py", pack[(at + 1) % 6]] for pack in (one, two) for at, title in enumerate(pack)}
    groups = grouped(dict.fromkeys([*one, *two, "hub.py"], 10), imports, 70)
    assert sorted(map(len, groups)) == [6, 7]
    assert all(len({title.split("/")[0] for title in group} - {"hub.py"}) == 1 for group in groups)


@pytest.mark.parametrize(
    "test", ["tests/test_store.py", "tests/store_test.py", "spec/store.spec.ts", "t/StoreTest.java"]
)
def test_a_test_is_with_what_it_is_named_after(test: str) -> None:
    """Even if nothing is known of what it imports."""
    name = "Store" if "Store" in test else "store"
    sizes = {f"src/{name}.x.py": 10, "src/other.py": 10, test: 10, "tests/test_more.py": 10}
    assert sorted([f"src/{name}.x.py", test]) in grouped(sizes, {}, 20)


def test_files_without_imports_are_with_their_folder() -> None:
    """As the files of a package in Go, which need none."""
    sizes = dict.fromkeys([f"{folder}/{name}.go" for folder in ("api", "cmd", "store") for name in "abc"], 10)
    assert grouped(sizes, {}, 30) == [[f"{folder}/{name}.go" for name in "abc"] for folder in ("api", "cmd", "store")]


def test_what_is_left_apart_fills_groups_up() -> None:
    """Fifty files of a tenth of a group each make five groups, not fifty."""
    assert len(grouped({f"d{n}/f.py": 10 for n in range(50)}, {}, 100)) == 5


def test_a_file_that_is_too_large_is_alone() -> None:
    """It will be cut; what it imports goes elsewhere."""
    assert grouped({"big.py": 101, "a.py": 1, "b.py": 1}, {"big.py": ["a.py", "b.py"]}, 100) == [
        ["a.py", "b.py"],
        ["big.py"],
    ]


def test_groups_hold_more_imports_together_than_the_order_of_paths() -> None:
    """Layers in folders, features across them: paths cut through every feature."""
    layers, features = ("api", "core", "store"), [f"f{n}" for n in range(20)]
    titles = [f"{layer}/{feature}.py" for layer in layers for feature in features]
    imports = {f"{a}/{f}.py": [f"{b}/{f}.py"] for a, b in (("api", "core"), ("core", "store")) for f in features}
    groups = grouped(dict.fromkeys(titles, 10), imports, 90)
    kept = sum(a in group and b in group for group in groups for a, others in imports.items() for b in others)
    assert kept >= 36
    assert len(groups) <= 8


def test_five_thousand_files_take_about_a_second() -> None:
    """With a hub that all of them import."""
    draw = Random(1)
    files = [CodeFile(n, f"p{n % 7}/q{n % 31}/m{n}.py", []) for n in range(5_000)]
    found = {
        n: Links(frozenset({0, *(draw.randrange(5_000) for _ in range(8))} - {n}), frozenset()) for n in range(5_000)
    }
    start = time.process_time()
    cluster(files, {n: draw.randint(300, 6_000) for n in range(5_000)}, found, 47_000)
    assert time.process_time() - start < 6
