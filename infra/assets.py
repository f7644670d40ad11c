"""Folders under build/ that become Lambda assets, named by a hash of what went into them and built once."""

from __future__ import annotations

import compileall
import hashlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from py_compile import PycInvalidationMode

ROOT = Path(__file__).parent.parent
BUILD = ROOT / "build"

RUNNING_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


@dataclass(frozen=True, slots=True)
class Target:
    """Where assets will run: the Python version there, and uv's name for the platform (None: this machine's own)."""

    python: str
    platform: str | None


TARGETS = {
    "aws": Target(python="3.13", platform="aarch64-manylinux2014"),
    # The emulator runs functions under an interpreter of this machine, whatever runtime the template names.
    "local": Target(python=RUNNING_PYTHON, platform=None),
}


def functions_folder(target: Target) -> Path:
    """The package `functions`, at the root of its folder."""
    return staged_tree("functions", package_files(ROOT / "functions", Path("functions")), target)


def library_layer(catalog_json: str, target: Target) -> Path:
    """The package `rota` as a layer, with the validated pool file beside it."""
    files = package_files(ROOT / "layers/rota/python", Path("python"))
    files[Path("python/rota_catalog.json")] = catalog_json.encode()
    return staged_tree("rota", files, target)


def package_files(folder: Path, under: Path) -> dict[Path, bytes]:
    """Every file below `folder`, by its path below `under`, without Python's caches."""
    return {
        under / path.relative_to(folder): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def staged_tree(name: str, files: Mapping[Path, bytes], target: Target) -> Path:
    """A folder with exactly these files, compiled where this interpreter can do it for the target."""

    def write(folder: Path) -> None:
        for path, content in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
        _compile(folder, target)

    parts = (part for path, content in files.items() for part in (str(path).encode(), content))
    return _built(name, [target.python.encode(), *parts], write)


def third_party_layer(requirements: Path, target: Target) -> Path:
    """The pinned requirements as a layer for the target, checked by their hashes, wheels only."""
    place = ["--python-platform", target.platform, "--python-version", target.python] if target.platform else []

    def install(folder: Path) -> None:
        uv = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", sys.executable]
        exactly = ["--require-hashes", "--only-binary", ":all:", "--link-mode", "copy"]
        into = folder / "python"
        subprocess.run([*uv, *place, *exactly, "--target", into, "-r", requirements], check=True)
        _drop_unused(into)
        _compile(folder, target)
        _drop_sources(into)

    return _built(requirements.stem, [repr(UNUSED).encode(), repr(target).encode(), requirements.read_bytes()], install)


UNUSED = (
    "bin",
    "*.dist-info/licenses",
    # Parts of Powertools that nothing here imports: half of its files, which every cold start would unpack.
    *(
        f"aws_lambda_powertools/utilities/{part}"
        for part in (
            *("auth_alpha", "batch", "circuit_breaker", "data_masking", "feature_flags", "idempotency", "kafka"),
            *("parameters", "parser", "streaming", "validation"),
        )
    ),
)


def _drop_unused(packages: Path) -> None:
    """Remove what no import reads. Versions (*.dist-info) stay: libraries ask for their own."""
    for pattern in [*UNUSED, "**/__pycache__"]:
        for folder in list(packages.glob(pattern)):
            shutil.rmtree(folder)
    for hint in [packages / ".lock", *packages.rglob("*.pyi"), *packages.rglob("py.typed")]:
        hint.unlink(missing_ok=True)


def _drop_sources(packages: Path) -> None:
    """Leave only the compiled form of compiled modules: half the files to unpack in every cold start."""
    for compiled in list(packages.rglob("__pycache__/*.pyc")):
        module = compiled.parent.parent / compiled.name.partition(".")[0]
        compiled.rename(module.with_suffix(".pyc"))
        module.with_suffix(".py").unlink()
    for cache in packages.rglob("__pycache__"):
        cache.rmdir()


def _compile(folder: Path, target: Target) -> None:
    """Byte-compile if this interpreter's caches are the target's: layers are read-only on AWS, fresh on the emulator.

    Hash-based caches without a check, because an archive does not keep the times that ordinary caches compare.
    """
    if target.python == RUNNING_PYTHON:
        compileall.compile_dir(folder, quiet=2, ddir="", invalidation_mode=PycInvalidationMode.UNCHECKED_HASH)


def _built(name: str, inputs: Iterable[bytes], build: Callable[[Path], None]) -> Path:
    digest = hashlib.sha256()
    for part in inputs:
        digest.update(hashlib.sha256(part).digest())
    finished = BUILD / f"{name}-{digest.hexdigest()[:16]}"
    if finished.exists():
        return finished
    BUILD.mkdir(exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=BUILD, prefix=f".{name}-"))
    try:
        build(scratch)
        scratch.chmod(0o755)
        scratch.rename(finished)
    except OSError:
        if not finished.exists():  # else another process was faster, and built the same
            raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return finished
