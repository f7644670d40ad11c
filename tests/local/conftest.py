"""One emulator with simulated providers and the deployed stack, for the whole session."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from deployed_stack import DeployedStack, deployed

from tests.fixtures.page_server import PageServer
from tests.fixtures.search_vendor import SearchVendor


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
def search_vendor() -> Iterator[SearchVendor]:
    """A web search with the web that it knows."""
    with SearchVendor(
        {
            "/tides": "<title>Tides</title><p>The spring tide comes after the new moon; it is highest in March.",
            "/ferries": "<title>Ferries</title><p>The ferry leaves at high tide only, for its harbour is shallow.",
            "/cheese": "<title>Cheese</title><p>Goats are milked twice a day.",
        },
        "a-search-key",
    ) as vendor:
        yield vendor


@pytest.fixture(scope="session")
def routed(tmp_path_factory: pytest.TempPathFactory, search_vendor: SearchVendor) -> Iterator[DeployedStack]:
    """A second stack, whose pool file has every kind of policy and a web search."""
    home = tmp_path_factory.mktemp("routed")
    config = home / "routing.yaml"
    search = {"kind": "brave", "key_env": "SEARCH_KEY", "key_secret": "rota/search", "base_url": search_vendor.base_url}
    written = (Path(__file__).parent / "routing.yaml").read_text(encoding="utf-8")
    config.write_text(f"{written}\nsearch: {json.dumps(search)}\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROTA_PRIVATE_HOSTS", search_vendor.base_url.removeprefix("http://"))
        patch.setenv("SEARCH_KEY", "a-search-key")
        with deployed(home, config) as running:
            running.stop_watching_health()
            yield running


@pytest.fixture
def stack(_stack: DeployedStack) -> Iterator[DeployedStack]:
    """The session's stack; whatever faults a test orders end with it."""
    yield _stack
    _stack.simulated.clear_faults()
