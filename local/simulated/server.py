"""The server: one port for both wires, AWS's Service Quotas and the admin endpoints."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from local.simulated.admin import PREFIX, Admin
from local.simulated.bedrock_wire import BedrockWire
from local.simulated.faults import SPENDING, Fault, FaultKind
from local.simulated.http_server import HttpServer, Request, Response
from local.simulated.models import ModelConfig
from local.simulated.openai_wire import OpenAIWire
from local.simulated.quotas_wire import QuotasWire
from local.simulated.vendor import Admission, Asked, VendorModel, Vendors
from local.simulated.wire import Rejected, Wire
from rota.documents.extraction.extract import quote_texts

_HANG_UP = Response(0, delivery="close")
_MALFORMED = Response(200, b"<html><body><h1>502 Bad Gateway</h1></body></html>", {"content-type": "text/html"})
_WORDS = {
    FaultKind.SCHEMA_BREAK: "I would rather answer in prose than in the form that was asked for.",
    FaultKind.DOUBT: "I'm sorry, but I don't know the answer to that.",
    FaultKind.HALLUCINATE: "It was settled on page 48,151 of the report, for a sum of 6,234,216 [1].",
}
"""What a model says under a fault, instead of an answer."""
_CHAT_PATHS = ("/openai/v1/chat/completions", "/v1/chat/completions")
_LISTING_PATHS = ("/openai/v1/models", "/v1/models")


@dataclass(frozen=True, slots=True)
class _Call:
    """One call, and the fault that befalls it."""

    wire: Wire
    model: VendorModel
    asked: Asked
    fault: Fault | None

    def failing(self, kind: FaultKind) -> bool:
        return self.fault is not None and self.fault.kind is kind


class SimulatedServer:
    """Routes requests to wires and carries each call through its life at the vendor."""

    def __init__(self, vendors: Vendors) -> None:
        self._vendors = vendors
        self._admin = Admin(vendors)
        self._bedrock, self._openai, self._quotas = BedrockWire(), OpenAIWire(vendors), QuotasWire(vendors)
        self.http = HttpServer(self.handle)

    async def handle(self, request: Request) -> Response:
        """One request of either wire or of the admin endpoints."""
        try:
            if request.path.startswith(PREFIX):
                return self._admin.handle(request)
            if wire := self._wire(request):
                return await self._call(wire, request)
            if self._quotas.speaks(request):
                return self._quotas.handle(request)
            if request.method == "GET" and request.path in _LISTING_PATHS:
                self._openai.authorize(request)
                return self._openai.listing()
        except Rejected as rejected:
            return rejected.response
        return Response.of_json(404, {"message": f"nothing answers {request.method} {request.path}"})

    def _wire(self, request: Request) -> Wire | None:
        """Whose call this is; None when it is no call of a model."""
        if request.method == "POST" and request.path in _CHAT_PATHS:
            return self._openai
        is_converse = request.path.startswith("/model/") and request.path.endswith("/converse")
        return self._bedrock if request.method == "POST" and is_converse else None

    async def _call(self, wire: Wire, request: Request) -> Response:
        asked = wire.parse(request)
        model = self._vendors.find(wire.kind, asked.vendor_model)
        if model is None:
            return wire.unknown_model(asked)
        model.tally.calls += 1
        call = _Call(wire, model, asked, self._vendors.faults.draw(model.config.id))
        if call.fault is not None:
            model.tally.faults[call.fault.kind.value] += 1
            if call.fault.kind not in SPENDING:
                return _HANG_UP if call.fault.kind is FaultKind.DISCONNECT else wire.faulty(model, call.fault)
        admission = self._admit(call)
        if isinstance(admission, Response):
            return admission
        try:
            if call.failing(FaultKind.HANG):
                await request.gone()
                return _HANG_UP
            return await self._work(call, admission)
        finally:
            model.tally.leave()

    def _admit(self, call: _Call) -> Admission | Response:
        tally = call.model.tally
        try:
            call.wire.check(call.model, call.asked)
        except Rejected as rejected:
            tally.rejected += 1
            return rejected.response
        admission = call.model.admit(self._vendors.now_s(), call.asked)
        if isinstance(admission, Admission):
            return admission
        tally.refused["too_large" if math.isinf(admission.wait_s) else admission.kind] += 1
        return call.wire.refused(call.model, admission)

    async def _work(self, call: _Call, admission: Admission) -> Response:
        started_s = time.monotonic()
        reply = await asyncio.to_thread(call.model.answer, call.asked)
        if call.fault and call.fault.kind in _WORDS:
            reply = replace(reply, text=_WORDS[call.fault.kind])
        slowness = call.fault.factor if call.fault and call.failing(FaultKind.SLOW) else 1.0
        real_s = self._vendors.real_s(call.model.latency_s(reply.output_tokens) * slowness)
        await asyncio.sleep(max(0.0, real_s - (time.monotonic() - started_s)))
        call.model.settle(self._vendors.now_s(), admission, reply)
        if call.failing(FaultKind.MALFORMED):
            return _MALFORMED
        response = call.wire.answered(call.model, reply, round(real_s * 1000), call.failing(FaultKind.EMPTY))
        return replace(response, delivery="drip") if call.failing(FaultKind.DRIP) else response


class RunningServer:
    """The server in a thread of this process, for tests: `with RunningServer(models) as server: server.url`."""

    def __init__(
        self,
        configs: Mapping[str, ModelConfig],
        clock: Callable[[], float] = time.monotonic,
        time_scale: float = 1.0,
        seed: int = 0,
    ) -> None:
        self._server = SimulatedServer(Vendors(configs, quote_texts, clock, time_scale, seed))
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._ready = threading.Event()
        self._stop: Callable[[], object] = lambda: None
        self.url = ""

    async def _run(self) -> None:
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        self._stop = lambda: loop.call_soon_threadsafe(ended.set)
        self.url = f"http://127.0.0.1:{await self._server.http.start()}"
        self._ready.set()
        await ended.wait()
        await self._server.http.stop()

    def __enter__(self) -> RunningServer:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()
        self._thread.join()
