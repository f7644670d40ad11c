"""The complexity of a group of source files: the seed's formula, and a dependency made of real imports."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rota.documents.code.complexity import COMPLEX_ABOVE, IMPORTS_CAP, GroupComplexity, group_complexity, score
from rota.documents.code.links import CodeFile, links

KIB = 1024
MANY = [f"package{n}.name" for n in range(IMPORTS_CAP)]
"""As many imports as count."""


@pytest.mark.parametrize(
    ("total_bytes", "dependency", "files", "expected"),
    [
        (20 * KIB, 1.0, 10, 1.0),
        (10 * KIB, 0.5, 5, 0.5),
        (0, 0.0, 0, 0.0),
        (20 * KIB, 0.0, 0, 0.3),
        (0, 1.0, 0, 0.5),
        (0, 0.0, 10, 0.2),
        (200 * KIB, 1.0, 50, 1.0),  # 20 KiB and ten files are the most that counts
        (350 * KIB, 0.0, 50, 0.5),
        (1 * KIB, 0.2, 1, 0.135),
    ],
)
def test_the_score_is_the_seeds(total_bytes: int, dependency: float, files: int, expected: float) -> None:
    """0.3 of the size, 0.5 of the dependency, 0.2 of the number of files."""
    assert score(total_bytes, dependency, files) == pytest.approx(expected)


@given(st.integers(0, 10**7), st.floats(0, 1), st.integers(0, 1000))
def test_a_score_is_between_0_and_1(total_bytes: int, dependency: float, files: int) -> None:
    """Whatever the group."""
    assert 0 <= score(total_bytes, dependency, files) <= 1 + 1e-12


def measured(imports: dict[str, list[str] | None], total_bytes: int = 0, group: int | None = None) -> GroupComplexity:
    """The complexity of the first `group` files of a job."""
    files = [CodeFile(number, title, names) for number, (title, names) in enumerate(imports.items(), 1)]
    return group_complexity(files[:group], total_bytes, links(files))


def test_a_group_that_is_all_of_a_piece_is_wholly_dependent() -> None:
    """Ten core files of 2 KiB that import each other, and much else, are the seed's 1.0."""
    imports = {f"m{n}.py": [*MANY, f"m{n + 1}"] for n in range(10)}
    found = measured(imports, 20 * KIB)
    assert (found.size, found.dependency, found.files) == (1.0, 1.0, 1.0)
    assert found.score == pytest.approx(1.0)
    assert found.is_complex
    assert found.analysed


def test_the_threshold_itself_is_simple() -> None:
    """The seed sends what is above 0.7 to the stronger model."""
    parts = {"size": 1.0, "dependency": 1.0, "files": 1.0, "analysed": True}
    factors = measured({"a.py": []}).factors
    assert not GroupComplexity(score=COMPLEX_ABOVE, factors=factors, **parts).is_complex  # type: ignore[arg-type]
    assert GroupComplexity(score=0.701, factors=factors, **parts).is_complex  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("imports", "joined"),
    [
        ({"a.py": [], "b.py": [], "c.py": []}, 0.0),
        ({"a.py": ["b"], "b.py": [], "c.py": []}, 0.5),
        ({"a.py": ["b"], "b.py": ["c"], "c.py": ["a"]}, 1.0),
        ({"a.py": ["b", "c", "d"], "b.py": [], "c.py": [], "d.py": []}, 1.0),
        ({"a.py": ["b"], "b.py": ["a"], "c.py": ["d"], "d.py": []}, 2 / 3),
        ({"a.py": ["os", "numpy"]}, 0.0),
    ],
)
def test_files_are_joined_by_importing_each_other(imports: dict[str, list[str] | None], joined: float) -> None:
    """Of the joins that make the group one, the share that there are; a file alone has none."""
    assert measured(imports).factors.joined == pytest.approx(joined)


def test_imports_count_up_to_a_cap_wherever_they_lead() -> None:
    """To the group, to the rest of the job, and to packages from elsewhere."""
    job: dict[str, list[str] | None] = {"a.py": ["b", "c", "os"], "b.py": [], "c.py": []}
    assert measured(job, group=1).factors.imports == pytest.approx(3 / IMPORTS_CAP)
    assert measured(job, group=2).factors.imports == pytest.approx(1.5 / IMPORTS_CAP)
    assert measured(job, group=1).factors.joined == 0
    assert measured({"a.py": MANY * 3}).factors.imports == 1.0


def test_files_that_are_not_analysed_are_not_estimated() -> None:
    """They count as files and bytes, and never as dependency."""
    none = measured({"a.rb": None, "b.rb": None}, 10 * KIB)
    assert (none.analysed, none.dependency, none.factors.analysed_files) == (False, 0.0, 0)
    assert none.score == pytest.approx(0.3 * 0.5 + 0.2 * 0.2)
    half = measured({"a.py": MANY, "b.rb": None})
    assert (half.analysed, half.dependency, half.factors.analysed_files) == (True, 0.25, 1)


@pytest.mark.parametrize(
    ("title", "weight"),
    [("src/a.py", 1.0), ("tests/a.py", 0.5), ("a_pb2.py", 0.25), ("setup.py", 0.25), ("docs/a.py", 0.25)],
)
def test_what_a_file_is_for_weighs_its_dependency(title: str, weight: float) -> None:
    """Core in full, everything else less."""
    found = measured({title: MANY})
    assert found.dependency == pytest.approx(weight * 0.5)
    assert found.factors.kind == weight


def test_kinds_are_averaged_and_told() -> None:
    """Half tests weigh three quarters."""
    factors = measured({"a.py": [], "test_a.py": ["a"]}).factors
    assert factors.kind == pytest.approx(0.75)
    assert factors.kinds == {"core": 1, "test": 1}


def test_a_group_of_nothing_is_simple() -> None:
    """No division by its size."""
    assert group_complexity([], 0, {}).score == 0.0
