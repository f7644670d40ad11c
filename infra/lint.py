"""`python -m infra.lint`: the templates against cfn-lint, and the production stage against cdk-nag's AwsSolutions."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from infra.assets import ROOT

IGNORED = "W3005"  # the CDK writes dependencies that a reference already implies


def main() -> int:
    """Synthesise and check; the exit status of whichever fails first."""
    with tempfile.TemporaryDirectory() as scratch:
        for stage, context in (("prod", {"nag": "true"}), ("local", {"target": "local"})):
            status = _synthesise(stage, context, Path(scratch) / stage)
            if status:
                return status
        templates = sorted(Path(scratch).glob("*/*.template.json"))
        cfn_lint = Path(sys.executable).with_name("cfn-lint")
        return subprocess.run([cfn_lint, "-i", IGNORED, "--", *templates], check=False).returncode


def _synthesise(stage: str, context: dict[str, str], folder: Path) -> int:
    env = {
        **os.environ,
        "ROTA_STAGE": stage,
        "CDK_OUTDIR": str(folder),
        "CDK_CONTEXT_JSON": json.dumps(context),
    }
    return subprocess.run([sys.executable, "app.py"], cwd=ROOT, env=env, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
