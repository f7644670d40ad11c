"""CDK entry: `python app.py` (or `cdk synth`) writes the templates to cdk.out, or to CDK_OUTDIR."""

from __future__ import annotations

import os
from pathlib import Path

from infra.deployment import add_stacks, new_app

HERE = Path(__file__).parent

app = new_app(Path(os.environ.get("CDK_OUTDIR") or HERE / "cdk.out"))
add_stacks(app, config=Path(os.environ.get("ROTA_CONFIG") or HERE / "rota.yaml"), stage=os.environ.get("ROTA_STAGE"))
app.synth()
