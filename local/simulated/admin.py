"""`/_simulated/…`: faults, statistics and properties of the simulated models, for tests and benchmarks.

GET  health                                    {"status": "ok"}
GET  stats                                     counters of every model, see `Tally.report`
POST reset                                     empty quotas, counters and faults
GET  faults      POST faults {kind, model, …}  DELETE faults[?model=id]
GET  models      POST models {"id": …, …}      other quotas, latency, …; see `ModelConfig`
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from local.simulated.faults import parse_fault
from local.simulated.http_server import Request, Response
from local.simulated.vendor import Vendors

PREFIX = "/_simulated/"


class Admin:
    """The endpoints of this prefix."""

    def __init__(self, vendors: Vendors) -> None:
        self._vendors = vendors
        self._routes: Mapping[tuple[str, str], Callable[[Request], Any]] = {
            ("GET", "health"): lambda _: {"status": "ok"},
            ("GET", "stats"): self._stats,
            ("POST", "reset"): self._reset,
            ("GET", "faults"): self._faults,
            ("POST", "faults"): self._order_fault,
            ("DELETE", "faults"): self._clear_faults,
            ("GET", "models"): self._models,
            ("POST", "models"): self._change_model,
        }

    def handle(self, request: Request) -> Response:
        """Answer; 400 with a sentence for what cannot be understood."""
        route = self._routes.get((request.method, request.path.removeprefix(PREFIX)))
        if route is None:
            known = ", ".join(f"{method} {PREFIX}{name}" for method, name in self._routes)
            return Response.of_json(404, {"message": f"there is {known}"})
        try:
            return Response.of_json(200, route(request))
        except (LookupError, TypeError, ValueError) as error:
            return Response.of_json(400, {"message": str(error)})

    def _stats(self, _: Request) -> dict[str, Any]:
        now_s = self._vendors.now_s()
        models = {model.config.id: model.tally.report(now_s) for model in self._vendors.models()}
        return {"now_s": now_s, "time_scale": self._vendors.time_scale, "models": models}

    def _reset(self, _: Request) -> dict[str, str]:
        self._vendors.reset()
        return {"status": "ok"}

    def _faults(self, _: Request) -> list[dict[str, Any]]:
        return self._vendors.faults.open_orders()

    def _order_fault(self, request: Request) -> list[dict[str, Any]]:
        fault = parse_fault(request.json())
        known = {model.config.id for model in self._vendors.models()}
        if fault.model != "*" and fault.model not in known:
            raise ValueError(f"unknown model {fault.model!r}; there is * and {', '.join(sorted(known))}")
        self._vendors.faults.order(fault)
        return self._vendors.faults.open_orders()

    def _clear_faults(self, request: Request) -> list[dict[str, Any]]:
        self._vendors.faults.clear(request.query.get("model"))
        return self._vendors.faults.open_orders()

    def _models(self, _: Request) -> list[dict[str, Any]]:
        return [model.config.as_json() for model in self._vendors.models()]

    def _change_model(self, request: Request) -> dict[str, Any]:
        changes = dict(request.json())
        return self._vendors.change(changes.pop("id"), changes).as_json()
