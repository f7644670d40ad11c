"""One emulator with simulated providers and the deployed stack, for the whole session."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from deployed_stack import DeployedStack, deployed

from tests.fixtures.page_server import PageServer


@pytest.fixture(scope="session")
def pages() -> Iterator[PageServer]:
    """A small web, which the session's stack may fetch from although it is on this machine."""
    with PageServer() as server:
        yield server


@pytest.fixture(scope="session")
def _stack(tmp_path_factory: pytest.TempPathFactory, pages: PageServer) -> Iterator[DeployedStack]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROTA_PRIVATE_HOSTS", pages.host)
        with deployed(tmp_path_factory.mktemp("stack")) as running:
            running.stop_watching_health()
            yield running


@pytest.fixture(scope="session")
def routed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeployedStack]:
    """A second stack, whose pool file has every kind of policy."""
    with deployed(tmp_path_factory.mktemp("routed"), Path(__file__).parent / "routing.yaml") as running:
        running.stop_watching_health()
        yield running


@pytest.fixture
def stack(_stack: DeployedStack) -> Iterator[DeployedStack]:
    """The session's stack; whatever faults a test orders end with it."""
    yield _stack
    _stack.simulated.clear_faults()
