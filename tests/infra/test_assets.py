"""What is packed for Lambda: the same for the same inputs, without caches, and with everything that is imported."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from infra import assets
from infra.assets import TARGETS, Target

AWS, LOCAL = TARGETS["aws"], TARGETS["local"]
PROVIDED = {"boto3", "botocore"}  # by Lambda's Python runtime
ONLY_FOR_PEOPLE = {"yaml"}  # functions read the JSON twin of rota.yaml
ONLY_FOR_TYPES = "mypy_boto3_"


def layer(name: str, target: Target) -> Path:
    """A third-party layer's packages."""
    return assets.third_party_layer(assets.ROOT / f"requirements/{name}.txt", target) / "python"


def imported(folder: Path) -> set[str]:
    """Top-level names that the sources below a folder import from outside the standard library and Rota."""
    found: set[str] = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                found.add(str(node.module).partition(".")[0])
    ours = {"rota", "functions"}
    return {name for name in found - ours - set(sys.stdlib_module_names) if not name.startswith(ONLY_FOR_TYPES)}


def test_everything_imported_is_packed() -> None:
    """On the emulator a missing dependency hides: its own environment holds many packages. On AWS it would not."""
    there = {path.stem for name in ("runtime", "documents") for path in layer(name, AWS).iterdir()}
    wanted = imported(assets.ROOT / "layers/rota/python") | imported(assets.ROOT / "functions")
    assert wanted - PROVIDED - ONLY_FOR_PEOPLE <= there


def test_layers_for_aws_hold_wheels_for_aws() -> None:
    """Compiled parts are for arm64 and Python 3.13, and the SDK of the runtime is not packed twice."""
    compiled = list(layer("runtime", AWS).rglob("*.so"))
    assert compiled
    assert all("cpython-313-aarch64" in path.name for path in compiled)
    assert not (layer("runtime", AWS) / "boto3").exists()


def test_layers_for_the_emulator_hold_wheels_for_this_interpreter() -> None:
    """Compiled parts can be loaded by whoever runs the emulator."""
    version = f"cpython-{sys.version_info.major}{sys.version_info.minor}-"
    compiled = list(layer("runtime", LOCAL).rglob("*.so"))
    assert compiled
    assert all(version in path.name for path in compiled)


def test_third_party_layers_stay_small() -> None:
    """At most 40 MB unzipped for every function, and 60 MB for the one that reads and searches documents."""
    for name, most in {"runtime": 40_000_000, "documents": 60_000_000}.items():
        assert sum(path.stat().st_size for path in layer(name, AWS).rglob("*") if path.is_file()) < most


def test_the_same_files_make_the_same_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Built once for the same content, anew for another, and byte-compiled for this interpreter."""
    monkeypatch.setattr(assets, "BUILD", tmp_path / "build")
    first = assets.staged_tree("code", {Path("a/b.py"): b"x = 1\n"}, LOCAL)
    again = assets.staged_tree("code", {Path("a/b.py"): b"x = 1\n"}, LOCAL)
    other = assets.staged_tree("code", {Path("a/b.py"): b"x = 2\n"}, LOCAL)
    assert first == again != other
    assert (first / "a/b.py").read_text() == "x = 1\n"
    assert list(first.rglob("*.pyc"))
    assert sorted(path.name for path in (tmp_path / "build").iterdir()) == sorted([first.name, other.name])


def test_another_interpreter_gets_sources_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Caches of this interpreter would be dead weight under another version."""
    monkeypatch.setattr(assets, "BUILD", tmp_path)
    folder = assets.staged_tree("code", {Path("a.py"): b""}, Target(python="3.99", platform="elsewhere"))
    assert [path.name for path in folder.rglob("*")] == ["a.py"]


def test_caches_are_not_packed(tmp_path: Path) -> None:
    """Only sources are taken from the working tree."""
    (tmp_path / "pkg/__pycache__").mkdir(parents=True)
    (tmp_path / "pkg/a.py").write_text("")
    (tmp_path / "pkg/__pycache__/a.pyc").write_text("")
    assert list(assets.package_files(tmp_path, Path("python"))) == [Path("python/pkg/a.py")]


def test_a_failed_build_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder under its final name is always complete."""
    monkeypatch.setattr(assets, "BUILD", tmp_path / "build")
    with pytest.raises(OSError, match="File exists"):
        assets.staged_tree("code", {Path("a"): b"", Path("a/b"): b""}, LOCAL)
    assert list((tmp_path / "build").iterdir()) == []
