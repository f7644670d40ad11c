"""What a cold start of the functions costs: import time, the layers' size, and the memory of one process.

Run: python -m benchmarks.functions        (needs `make setup`; builds the layers when they are missing)

Each import is timed in a fresh process of the emulator's interpreter with the layers on its path, as Lambda has them;
the baseline (boto3 with a Bedrock client) alternates with it, so that a noisy machine disturbs both alike.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from pathlib import Path

from infra import assets
from rota.catalog_file import load_catalog

RUNS = 9
BASELINE = "import boto3; boto3.client('bedrock-runtime', region_name='us-east-1')"
IMPORT_TARGET_MS, LAYER_TARGET_MB, MEMORY_TARGET_MB = 350, 40, 512
SCRIPT = """
import time
began = time.perf_counter()
{body}
took_ms = (time.perf_counter() - began) * 1000
peak_kb = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(took_ms, int(peak_kb) / 1024)
"""


def measure(python: Path, path: str, body: str) -> tuple[float, float]:
    """(milliseconds, peak megabytes) of running `body` in a fresh process."""
    env = {"PYTHONPATH": path, "AWS_DEFAULT_REGION": "us-east-1", "PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    command = [str(python), "-c", SCRIPT.format(body=body)]
    out = subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout.split()
    return float(out[0]), float(out[1])


def folder_mb(folder: Path) -> float:
    """Megabytes of all files below a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6


def built_layers() -> dict[str, Path]:
    """The layers as the local stack has them; the third-party ones again as AWS gets them."""
    local, aws = assets.TARGETS["local"], assets.TARGETS["aws"]
    requirements = assets.ROOT / "requirements"
    return {
        "library": assets.library_layer(load_catalog("rota.yaml").model_dump_json(), local),
        "dependencies": assets.third_party_layer(requirements / "runtime.txt", local),
        "dependencies, on AWS": assets.third_party_layer(requirements / "runtime.txt", aws),
        "documents, on AWS": assets.third_party_layer(requirements / "documents.txt", aws),
    }


def main() -> None:
    """Print a table of every function's import and of the layers, beside their targets."""
    layers, python = built_layers(), Path(".emulator/bin/python").absolute()
    documents = assets.third_party_layer(assets.ROOT / "requirements/documents.txt", assets.TARGETS["local"])
    folders = [layers["library"], layers["dependencies"], documents]
    path = os.pathsep.join([*(str(folder / "python") for folder in folders), str(Path.cwd())])
    functions = sorted(handler.parent.name for handler in Path("functions").glob("*/handler.py"))
    bodies = {name: f"import functions.{name}.handler" for name in functions}
    timings: dict[str, list[tuple[float, float]]] = {name: [] for name in ("baseline", *bodies)}
    for _ in range(RUNS):
        timings["baseline"].append(measure(python, path, BASELINE))
        for name, body in bodies.items():
            timings[name].append(measure(python, path, body))
    base_ms = statistics.median(took for took, _ in timings["baseline"])
    print(f"Python {sys.version.split()[0]}, {RUNS} fresh processes each, medians\n")
    print(f"{'import':24} {'ms':>7} {'× baseline':>11} {'peak MB':>8}")
    for name, runs in timings.items():
        took = statistics.median(ms for ms, _ in runs)
        peak = statistics.median(mb for _, mb in runs)
        label = "boto3 + Bedrock client" if name == "baseline" else name
        print(f"{label:24} {took:7.0f} {took / base_ms:11.2f} {peak:8.0f}")
    print(f"\nTarget: summarize_batch at most {IMPORT_TARGET_MS} ms where the baseline is 160 ms, that is 2.19 ×,")
    print(f"and within {MEMORY_TARGET_MB} MB.\n")
    print(f"{'layer, unzipped':24} {'MB':>7}")
    for name, folder in layers.items():
        print(f"{name:24} {folder_mb(folder):7.1f}")
    print(f"\nTarget: dependencies at most {LAYER_TARGET_MB} MB.")


if __name__ == "__main__":
    main()
