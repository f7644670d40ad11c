"""The pool file: rota.yaml, read and validated into a `Catalog`, or what is wrong with it.

Functions read the JSON twin that synthesis writes beside the library, so no YAML parser is imported there.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from rota.catalog import Catalog
from rota.errors import CatalogError
from rota.references import unknown_names

PACKAGED_CATALOG = Path(__file__).parent.parent / "rota_catalog.json"
"""Where synthesis puts the validated rota.yaml inside the library's layer."""


def parse_catalog(document: Any) -> Catalog:
    """Validate a parsed pool file. Raises CatalogError naming the first wrong line's path and what is allowed."""
    try:
        catalog = Catalog.model_validate(document)
    except ValidationError as error:
        raise problems(document)[0] from error
    for path, said in unknown_names(document):
        raise CatalogError(path, said)
    return catalog


def problems(document: Any) -> list[CatalogError]:
    """Everything that is wrong with a parsed pool file, each with its path and what is allowed; empty when valid."""
    from rota.validation import sentences  # only wrong files need it

    found: dict[str, str] = {}
    try:
        Catalog.model_validate(document)
    except ValidationError as error:
        found = sentences(error.errors(include_url=False), document, Catalog.model_json_schema())
    malformed = [f"{path}." for path in found]
    for path, said in unknown_names(document):
        if not any(f"{path}.".startswith(above) for above in malformed):
            found[path] = said
    return [CatalogError(path, said) for path, said in found.items()]


def load_catalog(path: Path | str) -> Catalog:
    """Read and validate a pool file, YAML or JSON. Raises CatalogError (also for a file that cannot be read)."""
    path = Path(path)
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise CatalogError(str(path), f"cannot be read: {error.strerror}") from error
    return parse_catalog(_parse_text(path, text))


def _parse_text(path: Path, text: str) -> Any:
    if path.suffix == ".json":
        return json.loads(text)
    import yaml  # not in the functions' layer: there the catalog is JSON

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise CatalogError(str(path), f"is not valid YAML: {error}") from error


@cache
def packaged_catalog() -> Catalog:
    """The catalog that was deployed with the library."""
    return load_catalog(PACKAGED_CATALOG)
