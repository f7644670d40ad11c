"""Each stage is synthesised once for the whole session."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from deployment_view import View

from infra.deployment import add_stacks, new_app

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def synthesise(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], View]:
    """Synthesise a stage for a target, as app.py does."""

    @cache
    def synthesised(stage: str, target: str) -> View:
        folder = tmp_path_factory.mktemp(stage)
        app = new_app(folder, target=target)
        add_stacks(app, config=REPOSITORY / "rota.yaml", stage=stage)
        app.synth()
        return View.of(folder, stage)

    return synthesised


@pytest.fixture(scope="session")
def prod(synthesise: Callable[[str, str], View]) -> View:
    """The production stage, built for AWS."""
    return synthesise("prod", "aws")


@pytest.fixture(scope="session")
def local(synthesise: Callable[[str, str], View]) -> View:
    """The laptop's stage, built for the emulator."""
    return synthesise("local", "local")
