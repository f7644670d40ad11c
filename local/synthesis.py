"""The local template, synthesised once for each version of its inputs and kept under cdk.out/."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from local.state import ROOT, LocalStackError

KEPT = 3
INPUTS = ("app.py", "cdk.json", "infra", "functions", "layers", "requirements")


def config_path() -> Path:
    """The pool file: ROTA_CONFIG, or rota.yaml of this checkout."""
    return Path(os.environ.get("ROTA_CONFIG") or ROOT / "rota.yaml").resolve()


def assembly() -> Path:
    """A folder with the synthesised template and its assets: an earlier one if no input has changed since.

    Raises LocalStackError with the synthesiser's own last lines when it fails.
    """
    finished = ROOT / "cdk.out" / f"local-{_digest()}"
    if not (finished / "manifest.json").exists():
        finished.parent.mkdir(exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=".local-", dir=finished.parent))
        try:
            _synthesise(draft)
            draft.rename(finished)
        except OSError:
            if not finished.exists():  # else another process was faster, and wrote the same
                raise
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    finished.touch()
    _prune(finished.parent)
    return finished


def _synthesise(outdir: Path) -> None:
    env = {
        **os.environ,
        "CDK_OUTDIR": str(outdir),
        "CDK_CONTEXT_JSON": json.dumps({"target": "local"}),
        "CDK_VALIDATION": "false",  # `make lint` validates; here it would cost a quarter of the time
        "ROTA_STAGE": "local",
        "ROTA_CONFIG": str(config_path()),
    }
    run = subprocess.run([sys.executable, "app.py"], cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    if run.returncode:
        tail = "\n".join(run.stderr.strip().splitlines()[-15:])
        raise LocalStackError(f"the template could not be synthesised:\n{tail}")


def _digest() -> str:
    digest = hashlib.sha256(f"{sys.version}\n".encode())
    for path in [config_path(), *_inputs()]:
        digest.update(f"{path}\n".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _inputs() -> Iterator[Path]:
    for name in INPUTS:
        top = ROOT / name
        if top.is_file():
            yield top
        else:
            yield from sorted(p for p in top.rglob("*") if p.is_file() and "__pycache__" not in p.parts)


def _prune(folder: Path) -> None:
    kept = sorted(folder.glob("local-*"), key=lambda path: path.stat().st_mtime, reverse=True)[:KEPT]
    for path in folder.glob("local-*"):
        if path not in kept:
            shutil.rmtree(path, ignore_errors=True)
