"""Which Rota the command talks to: the environment's, or this checkout's local stack."""

from __future__ import annotations

import os
from dataclasses import dataclass

from cli.errors import CliError


@dataclass(frozen=True, slots=True)
class Target:
    """The API's address without `/v1`, and a bearer key for it."""

    url: str
    key: str


def current_target() -> Target:
    """ROTA_API_URL with ROTA_API_KEY, else the running local stack. Raises CliError when there is neither."""
    url, key = os.environ.get("ROTA_API_URL", ""), os.environ.get("ROTA_API_KEY", "")
    if url:
        if not key:
            raise CliError("ROTA_API_URL is set but ROTA_API_KEY is not; make a key with `rota keys create --stage …`.")
        return Target(url.rstrip("/").removesuffix("/v1"), key)
    from local.state import home, load

    state = load(home())
    if not state.outputs or not state.key:
        raise CliError("The local stack is not running: start it with `rota up`, or set ROTA_API_URL and ROTA_API_KEY.")
    return Target(state.api_url, key or state.key)
