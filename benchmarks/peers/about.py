"""What a run was made with and on: versions, machine, and what importing each policy costs."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from benchmarks.peers import redis_server
from benchmarks.peers.policies import POLICIES
from local.state import ROOT

_PACKAGES = ("litellm", "boto3", "groq")
_LIBRARIES = {
    "rota": "Rota (dispatcher, ledger, providers, boto3)",
    "litellm_router": "LiteLLM",
    "round_robin": "boto3 and groq",
    "boto3_retries": "boto3",
    "groq_retries": "groq",
}
_MEASURE = """
import json, resource, sys, time
began = time.perf_counter()
import benchmarks.peers.policies.{module}
took = time.perf_counter() - began
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([took, peak / (1024 * 1024 if sys.platform == "darwin" else 1024)]))
"""


def versions() -> dict[str, str]:
    """Of everything that takes part."""
    found = {"Rota": _commit(), "Python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "none"
    return found | {"redis-server": redis_server.version()}


def _commit() -> str:
    """The commit, with a plus when files differ from it."""
    head, changed = _git("rev-parse", "--short", "HEAD"), _git("status", "--porcelain", "--untracked-files=no")
    return f"{head or 'unknown'}{'+' if changed else ''}"


def _git(*words: str) -> str:
    git = shutil.which("git")
    if git is None:
        return ""
    return subprocess.run([git, *words], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()


def machine() -> str:
    """Cores, architecture and system."""
    return f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}"


def imports() -> dict[str, dict[str, float]]:
    """Seconds and peak memory of importing each policy's libraries in a fresh process; call it on a quiet machine."""
    modules = dict.fromkeys(kind.module for kind in POLICIES.values())
    costs = {}
    for module in modules:
        runs = [_import_once(module) for _ in range(3)]
        costs[_LIBRARIES[module]] = {"seconds": min(run[0] for run in runs), "rss_mb": min(run[1] for run in runs)}
    return costs


def _import_once(module: str) -> Any:
    env = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    command = [sys.executable, "-c", _MEASURE.format(module=module)]
    return json.loads(subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=True).stdout)
