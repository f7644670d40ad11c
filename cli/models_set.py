"""`rota models set`: a model's quotas by hand, or no calls of it at all, from the next booking on."""

from __future__ import annotations

import argparse
import json
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from cli.deployment import deployment
from cli.errors import CliError
from cli.figures import amount
from cli.models import remarks
from local.synthesis import config_path
from rota.catalog import Catalog, LimitKind, Model
from rota.catalog_file import load_catalog
from rota.errors import InvalidInputError
from rota.ledger import Ledger
from rota.ledger_notices import Notices
from rota.ledger_view import models_view

DEFAULT = "default"
ONE_TRY = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=10)
"""As the ledger asks for."""


def main(options: argparse.Namespace) -> int:
    """Run the command; see `rota models set --help`."""
    try:
        catalog = load_catalog(config_path())
        model = catalog.model(options.model)
    except InvalidInputError as error:
        raise CliError(f"{error}.") from error
    by_hand = _amounts(model, {kind.value: getattr(options, kind.value) for kind in LimitKind})
    if not by_hand and options.disabled is None:
        raise CliError("Say what to set: --tpm N (or another limit), --disable or --enable.")
    try:
        view = _write(catalog, model, by_hand, options)
    except (BotoCoreError, ClientError) as error:
        raise CliError(f"The ledger cannot be reached: {error}") from error
    print(json.dumps(view, indent=2) if options.json else _sentence(view))
    return 0


def _amounts(model: Model, given: dict[str, str | None]) -> dict[str, int | None]:
    """What to set per kind of limit (None: back to default). Raises CliError for what the model cannot have."""
    limits = {limit.kind.value: limit for limit in model.limits}
    amounts: dict[str, int | None] = {}
    for kind, text in given.items():
        if text is None:
            continue
        if kind not in limits:
            raise CliError(f"{model.id} has no limit {kind} in rota.yaml; it has {', '.join(limits)}.")
        if text == DEFAULT:
            amounts[kind] = None
            continue
        if not text.isdigit() or int(text) < 1:
            raise CliError(f"--{kind} takes a whole number of at least 1, or `default`; for no calls: --disable.")
        if int(text) > limits[kind].most:
            raise CliError(
                f"{model.id}: {kind} can be at most {limits[kind].most:,}, its ceiling; "
                "raise `ceiling` of this limit in rota.yaml and deploy."
            )
        amounts[kind] = int(text)
    return amounts


def _write(
    catalog: Catalog, model: Model, by_hand: dict[str, int | None], options: argparse.Namespace
) -> dict[str, Any]:
    """Write, and the model as it stands then."""
    stack = deployment(options.stage)
    ledger = Ledger(stack.client("dynamodb", ONE_TRY), stack.outputs["LedgerTable"], catalog)
    if not Notices(ledger).set(model.id, by_hand, options.disabled):
        raise CliError("Whether it was written is not known: look with `rota models`, and try again.")
    accounts = ledger.read(each.id for each in catalog.models)
    views = models_view(catalog, accounts, ledger.clock.now_ms(), ())["data"]
    return dict(next(view for view in views if view["id"] == model.id))


def _sentence(view: dict[str, Any]) -> str:
    quotas = ", ".join(f"{amount(limit['amount'])} {limit['kind']}" for limit in view["limits"])
    said = remarks(view)
    return f"{view['id']} stands at {quotas}" + (f": {'; '.join(said)}." if said else ", as configured.")
