"""The stacks of one deployment, chosen by stage and target."""

from __future__ import annotations

import json
from pathlib import Path

from aws_cdk import App, Tags

from infra.assets import ROOT
from infra.nag import check
from infra.queries import QueryStack
from infra.stack import RotaStack
from infra.stages import stage_named
from rota.catalog_file import load_catalog


def new_app(outdir: Path, **context: str) -> App:
    """An app that writes to `outdir`, with cdk.json's context and more.

    The CDK's command line alone reads cdk.json; read here too, the templates are the same without it.
    """
    flags = json.loads((ROOT / "cdk.json").read_text())["context"]
    return App(outdir=str(outdir), context=flags | context, analytics_reporting=False)


def add_stacks(app: App, *, config: Path, stage: str | None) -> RotaStack:
    """Add a stage's stacks to the app: context `target=local` builds for the emulator, `nag=true` checks AwsSolutions.

    `config` is the pool file; raises `rota.errors.CatalogError` if it is wrong, ValueError for an unknown stage.
    """
    target = app.node.try_get_context("target") or "aws"
    chosen = stage_named(stage or app.node.try_get_context("stage") or ("local" if target == "local" else "dev"))
    main = RotaStack(app, f"Rota-{chosen.name}", stage=chosen, target=target, catalog=load_catalog(config))
    if target == "aws":  # the emulator's CloudFormation refuses query definitions
        queries = QueryStack(app, f"Rota-{chosen.name}-Queries", stage=chosen)
        queries.add_stack_dependency(main)
    Tags.of(app).add("rota:stage", chosen.name)
    if app.node.try_get_context("nag") in (True, "true"):
        check(app, main)
    return main
